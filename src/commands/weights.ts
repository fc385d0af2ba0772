import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { InputError, UsageError } from '../errors.ts';
import { type CommandLine, helpOf, parse } from '../lib/argparse/command_line.ts';
import type { FlagGroups } from '../lib/argparse/flags.ts';
import { oneOf } from '../lib/argparse/types.ts';
import { checkOutputFile } from '../lib/outputs.ts';
import { identifyModel } from '../networks/identify.ts';
import { buildNetwork, describeModel } from '../networks/network.ts';
import { print } from '../output.ts';
import type { Arch } from '../port/finetuning/utils.ts';
import { getPretrainedWeights, type PretrainingTask, pretrainingTasks } from '../port/pretraining/utils.ts';
import {
  findWeights,
  formatOfName,
  readWeights,
  type WeightFormat,
  weightFiles,
  writeWeights,
} from '../weights/files.ts';
import { matchWeights } from '../weights/loading.ts';
import { force } from './flags.ts';
import { architecture, stages, weightFormat } from './weight_flags.ts';

const line = {
  program: 'ecg-transplant weights',
  usage: '--checkpoint-file FILE (--task TASK | --output FILE) [options]',
  about: `With --task: takes the backbone out of a pretraining checkpoint and saves it for finetuning (get_pretrained_weights and save_weights of
the original). Without --task: writes a whole model in another format.`,
  flags: {
    Options: {
      checkpointFile: {
        value: 'FILE',
        required: true,
        help: 'a .weights.h5 or .keras file, or a TensorFlow checkpoint by its prefix, such as jobs/beat/epoch_01/model.weights for model.weights.index',
      },
      task: {
        value: 'TASK',
        type: oneOf(pretrainingTasks),
        help: `task of the checkpoint: ${pretrainingTasks.join(', ')}`,
      },
      arch: { ...architecture, defaultText: 'resnet18' },
      stages,
      format: { ...weightFormat, defaultText: 'by the name of --output, else keras' },
      output: {
        value: 'FILE',
        help: 'file to write; a name that ends in .weights.h5 means keras, any other tensorflow',
        defaultText: 'ARCH.weights.h5 or ARCH.weights beside the checkpoint',
      },
      force,
    },
  },
  notes: 'The state of the optimiser is not carried over: neither original reads it when it loads weights.',
  examples: `ecg-transplant weights --checkpoint-file jobs/beat/epoch_10_model.weights.h5 --task beat --output jobs/beat/resnet18.weights.h5
ecg-transplant weights --checkpoint-file jobs/af/best_model.weights.h5 --format tensorflow --output af.weights`,
} as const satisfies CommandLine<FlagGroups>;

export const help = (): string => helpOf(line);

/** What `ecg-transplant weights` does. */
export interface WeightsOptions {
  readonly checkpointFile: string;
  /** Take the backbone out of this task's model; absent: convert the whole model. */
  readonly task?: PretrainingTask;
  /** Default `resnet18`; read from the file where the whole model is converted. */
  readonly arch?: Arch;
  readonly stages?: number;
  readonly format?: WeightFormat;
  readonly output?: string;
  /** Replace a file that is there. */
  readonly force?: boolean;
}

/** Writes the weights; resolves to the file (or checkpoint prefix) and one line about its content. */
export async function extractWeights(options: WeightsOptions): Promise<{ output: string; content: string }> {
  const { checkpointFile, task, arch = 'resnet18', stages, force } = options;
  const format = options.format ?? (options.output === undefined ? 'keras' : formatOfName(options.output));
  if (task === undefined) {
    const { output } = options;
    if (output === undefined) throw new UsageError('the following arguments are required: --output (or --task)');
    checkOutput(checkpointFile, output, format, force);
    const file = readWeights(checkpointFile);
    const model = identifyModel(file);
    if (model === undefined) {
      throw new InputError('these weights do not fit a network of this project', {
        file: file.file,
        next: `See what it holds: ecg-transplant inspect ${checkpointFile}`,
      });
    }
    const network = buildNetwork(model);
    await writeWeights(output, network, matchWeights(file, network.weights).assigned, { format });
    return { output, content: describeModel(model) };
  }
  const output = options.output ?? join(dirname(checkpointFile), `${arch}.weights${format === 'keras' ? '.h5' : ''}`);
  checkOutput(checkpointFile, output, format, force);
  const { model, weights } = getPretrainedWeights(checkpointFile, task, arch, stages);
  await writeWeights(output, model, weights, { format });
  return { output, content: describeModel({ arch, stages }) };
}

/** Checks that the output can be written, replaces nothing unasked and least of all its own source. */
function checkOutput(source: string, output: string, format: WeightFormat, force: boolean | undefined): void {
  const found = findWeights(source);
  const from = weightFiles(found.file, found.format).map(identityOf);
  const to = weightFiles(output, format);
  const same = to.map(identityOf).some((identity) => identity !== undefined && from.includes(identity));
  if (same) {
    throw new InputError('the output would replace its own input', {
      file: output,
      next: 'Choose another --output.',
    });
  }
  for (const file of to) checkOutputFile(file, { replace: force });
}

function identityOf(path: string): string | undefined {
  const status = statSync(path, { bigint: true, throwIfNoEntry: false });
  return status && `${status.dev}:${status.ino}`;
}

/** `ecg-transplant weights`. */
export async function run(args: readonly string[]): Promise<number> {
  const { output, content } = await extractWeights(parse(line, args).values);
  print(`Saved ${output}: ${content}\n`);
  return 0;
}
