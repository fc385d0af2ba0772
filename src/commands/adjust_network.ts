import { isAddress } from '../lib/address.ts';
import { type CommandLine, helpOf, parse } from '../lib/argparse/command_line.ts';
import type { FlagGroups } from '../lib/argparse/flags.ts';
import { wholeNumber } from '../lib/argparse/types.ts';
import { print } from '../output.ts';
import { adjustFlags, adjustNetwork } from '../port/finetuning/adjust_network.ts';
import { force } from './flags.ts';
import { localWeights } from './remote_inputs.ts';
import { architecture, stages, weightFormat } from './weight_flags.ts';

const line = {
  program: 'ecg-transplant adjust-network',
  about: 'Fits the weights of a one-lead backbone to several leads: each lead gets an equal share of the first kernel.',
  abbreviations: true,
  flags: {
    Options: {
      ...adjustFlags,
      channels: { ...adjustFlags.channels, type: wholeNumber(1, 100_000) },
      arch: { ...architecture, default: 'resnet18' },
      stages,
      format: { ...weightFormat, addition: true, defaultText: 'as the input' },
      force: { ...force, addition: true },
    },
  },
  notes:
    'Writes beside the input: resnet18.adjusted.weights.h5 (keras) or resnet18.weights.adjusted (tensorflow).\nWeights of an address: into the working folder.',
  examples: 'ecg-transplant adjust-network --weights-file jobs/beat/resnet18.weights.h5 --channels 12',
} as const satisfies CommandLine<FlagGroups>;

export const help = (): string => helpOf(line);

/** `ecg-transplant adjust-network`. */
export async function run(args: readonly string[]): Promise<number> {
  const { force: replace = false, weightsFile, ...options } = parse(line, args).values;
  const file = await localWeights(weightsFile);
  const folder = isAddress(weightsFile) ? '.' : undefined;
  print(`Saved ${await adjustNetwork({ ...options, weightsFile: file, folder, replace })}\n`);
  return 0;
}
