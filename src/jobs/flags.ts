import { boolean, integer, number, optional, pipe, strictObject, string } from 'valibot';
import { precisionChoices } from '../graph/precision.ts';
import type { FlagTable } from '../lib/argparse/flags.ts';
import { float, int } from '../lib/argparse/types.ts';
import { anyNumber } from '../lib/json/fields.ts';
import { archs } from '../port/finetuning/utils.ts';

export const jobFolder = { value: 'DIR', required: true, help: 'job folder, created if missing' } as const;

export const architecture = {
  value: 'ARCH',
  default: 'resnet18',
  help: `network: ${archs.join(', ')}`,
} as const;

/** Options of the optimiser, which the original does not set. */
export const optimizerAdditions = {
  learningRate: {
    value: 'X',
    type: float,
    default: 0.001,
    help: 'learning rate, or the highest one of --schedule and --warmup-steps',
    addition: true,
  },
  schedule: {
    value: 'NAME',
    help: 'how the learning rate falls: cosine (to 0 at the last step) or plateau (when the loss no longer improves)',
    defaultText: 'it stays',
    addition: true,
  },
  warmupSteps: {
    value: 'N',
    type: int,
    help: 'let the learning rate rise from 0 in the first N steps',
    defaultText: 'no warm-up',
    addition: true,
  },
  plateauPatience: {
    value: 'N',
    type: int,
    help: 'epochs without a better loss after which --schedule plateau lowers the learning rate',
    defaultText: '10',
    addition: true,
  },
  plateauFactor: {
    value: 'X',
    type: float,
    help: 'what --schedule plateau multiplies the learning rate by',
    defaultText: '0.1',
    addition: true,
  },
  clipnorm: {
    value: 'X',
    type: float,
    help: 'scale the gradient of each weight tensor down to this Euclidean norm if it is longer',
    defaultText: 'no clipping',
    addition: true,
  },
  globalClipnorm: {
    value: 'X',
    type: float,
    help: 'the same for the gradients of all weights taken together; instead of --clipnorm',
    defaultText: 'no clipping',
    addition: true,
  },
  weightDecay: {
    value: 'X',
    type: float,
    help: 'subtract X times the learning rate times each weight from it at each step, as AdamW does',
    defaultText: 'no decay',
    addition: true,
  },
} as const satisfies FlagTable;

/** What both trainers have beyond the original. */
export const jobAdditions = {
  initSeed: {
    value: 'N',
    type: int,
    help: 'seed of what the original leaves to chance: initial weights, order of samples, dropout',
    defaultText: 'drawn',
    addition: true,
  },
  precision: {
    value: 'TYPE',
    help: `number format: ${precisionChoices.join(', ')} (the faster of float32 and bfloat16 on this machine)`,
    default: 'float32',
    addition: true,
  },
  kernels: {
    value: 'WHICH',
    help: `kernels of convolutions: usual (those of the original), or auto (for each convolution the faster one on this processor,
in bfloat16 also float32 kernels between conversions; results then differ in their last bits)`,
    default: 'usual',
    addition: true,
  },
  devices: {
    value: 'N',
    default: '1',
    help: 'GPUs that share every batch: a number, or all; cpu:N computes on the CPU what N GPUs would',
    addition: true,
  },
  resume: { help: 'continue from the last checkpoint in --job-dir, or start if there is none', addition: true },
  force: { help: 'start again in the --job-dir of an earlier job and replace its files', addition: true },
  maxTime: {
    value: 'TIME',
    help: 'pause after this time (90m, 23.5h, 11:30:00, or minutes as a plain number); exit code 75',
    addition: true,
  },
  saveEvery: {
    value: 'TIME',
    help: 'time between checkpoints within an epoch; each epoch ends with one anyway',
    defaultText: '10m',
    addition: true,
  },
} as const satisfies FlagTable;

/** What the options of a job must be where they do not come from a command line, by the names of the API. */
export function optionsSchema(table: FlagTable) {
  const whole = pipe(number(), integer());
  const schemas = Object.entries(table).map(([name, { value, type }]) => {
    const schema = value === undefined ? boolean() : type === int ? whole : type === float ? anyNumber : string();
    return [name, optional(schema)] as const;
  });
  return strictObject(Object.fromEntries(schemas));
}
