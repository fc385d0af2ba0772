import { basename, dirname, join } from 'node:path';
import { parseKnown } from '../../lib/argparse/command_line.ts';
import { defaultsOf, type FlagTable, requireFlags, type Values } from '../../lib/argparse/flags.ts';
import { int } from '../../lib/argparse/types.ts';
import type { NamedArray } from '../../lib/keras/weights_h5.ts';
import { type NdArray, zeros } from '../../lib/numpy/ndarray.ts';
import { checkOutputFile } from '../../lib/outputs.ts';
import { ValueError } from '../../lib/python/errors.ts';
import { buildNetwork } from '../../networks/network.ts';
import { print } from '../../output.ts';
import { findWeights, readWeights, type WeightFormat, weightFiles, writeWeights } from '../../weights/files.ts';
import { loadWeights } from '../../weights/loading.ts';
import { type Arch, archs } from './utils.ts';

/** The command line of `finetuning.adjust_network`. */
export const adjustFlags = {
  weightsFile: {
    value: 'FILE',
    required: true,
    help: 'weights of a backbone for one lead: .weights.h5, .keras, an address (https://…, hf://…), or a TensorFlow checkpoint by its prefix',
  },
  channels: { value: 'N', type: int, required: true, help: 'number of leads' },
  arch: { value: 'ARCH', default: 'resnet18', help: `network: ${archs.join(', ')}` },
  stages: { value: 'N', type: int, help: 'stages of the backbone', defaultText: 'all' },
} as const satisfies FlagTable;

/** Reads the command line; unknown options are dropped (Quirk Q41). Twin of `finetuning.adjust_network.parse_args`. */
export function parseArgs(argv: readonly string[]): Values<typeof adjustFlags> {
  const { given } = parseKnown(argv, adjustFlags);
  requireFlags(given, adjustFlags);
  return { ...defaultsOf(adjustFlags), ...given } as Values<typeof adjustFlags>;
}

/** Options of `adjustNetwork`. */
export interface AdjustNetworkOptions {
  /** Weights of a backbone for one lead; a whole classifier's file serves too. */
  readonly weightsFile: string;
  /** Number of leads of the new backbone. */
  readonly channels: number;
  /** Default `resnet18`. */
  readonly arch?: string;
  /** Stages of the backbone; default all. */
  readonly stages?: number | null;
  /** Format of the result; default that of the input. */
  readonly format?: WeightFormat;
  /** Folder of the result; default that of the input. */
  readonly folder?: string;
  /** Replace a file that is there, as the original does; default yes. */
  readonly replace?: boolean;
}

/**
 * Spreads a kernel `(width, 1, filters)` over several leads: repeats it along the lead axis and divides by the number of leads, in the
 * kernel's dtype. One lead repeated then gives the same output as before, up to rounding.
 */
export function spreadKernel(kernel: NdArray<'float32'>, channels: number): NdArray<'float32'> {
  const [width = 0, , filters = 0] = kernel.shape;
  const spread = zeros('float32', [width, channels, filters]);
  for (let tap = 0; tap < width; tap++) {
    for (let channel = 0; channel < channels; channel++) {
      for (let filter = 0; filter < filters; filter++) {
        spread.data[(tap * channels + channel) * filters + filter] = kernel.data[tap * filters + filter] / channels;
      }
    }
  }
  return spread;
}

/**
 * The output file, beside the input or in `folder`: `<name>.adjusted` for checkpoints, `<stem>.adjusted.weights.h5` for Keras 3, which refuses the former
 * (Quirk Q37). Twin of `finetuning.adjust_network.adjusted_file`.
 */
export function adjustedFile(weightsFile: string, format: WeightFormat, folder = dirname(weightsFile)): string {
  const name = basename(weightsFile);
  const adjusted =
    format === 'keras'
      ? `${name.replace(/\.(h5|keras)$/, '').replace(/\.weights$/, '')}.adjusted.weights.h5`
      : `${name}.adjusted`;
  return join(folder, adjusted);
}

/** `python -m finetuning.adjust_network`. Twin of `finetuning.adjust_network.main`. */
export async function main(argv: readonly string[]): Promise<void> {
  print(`Saved ${await adjustNetwork(parseArgs(argv))}\n`);
}

/**
 * Fits the weights of a one-lead backbone to several leads and writes them beside the input; resolves to the new file. Throws a ValueError
 * if the file does not fit the one-lead backbone, or there are no leads.
 */
export async function adjustNetwork({
  weightsFile,
  channels,
  arch,
  stages,
  format,
  folder,
  replace = true,
}: AdjustNetworkOptions): Promise<string> {
  if (!Number.isInteger(channels) || channels < 1)
    throw new ValueError(`--channels must be 1 or more; got ${channels}`);
  const found = findWeights(weightsFile);
  const outputFormat = format ?? found.format;
  const output = adjustedFile(found.file, outputFormat, folder);
  for (const name of weightFiles(output, outputFormat)) checkOutputFile(name, { replace });
  const file = readWeights(weightsFile);
  const { assigned } = loadWeights(file, buildNetwork({ arch: arch as Arch, stages }).weights);
  const [stem, ...rest] = assigned as readonly [NamedArray, ...NamedArray[]];
  if (stem.dtype !== 'float32') throw new ValueError(`${file.file}: ${stem.path} is ${stem.dtype}; expected float32`);
  const kernel = spreadKernel(stem as NdArray<'float32'>, channels);
  const adjusted = buildNetwork({ arch: arch as Arch, stages, channels });
  await writeWeights(output, adjusted, [{ path: stem.path, ...kernel }, ...rest], { format: outputFormat });
  return output;
}
