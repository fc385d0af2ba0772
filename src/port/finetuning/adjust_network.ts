import { basename, dirname, join } from 'node:path';
import type { NamedArray } from '../../lib/keras/weights_h5.ts';
import { type NdArray, zeros } from '../../lib/numpy/ndarray.ts';
import { checkOutputFile } from '../../lib/outputs.ts';
import { ValueError } from '../../lib/python/errors.ts';
import { buildNetwork } from '../../networks/network.ts';
import { findWeights, readWeights, type WeightFormat, weightFiles, writeWeights } from '../../weights/files.ts';
import { loadWeights } from '../../weights/loading.ts';
import type { Arch } from './utils.ts';

/** Options of `adjustNetwork`. */
export interface AdjustNetworkOptions {
  /** Weights of a backbone for one lead; a whole classifier's file serves too. */
  readonly weightsFile: string;
  /** Number of leads of the new backbone. */
  readonly channels: number;
  /** Default `resnet18`. */
  readonly arch?: Arch;
  /** Stages of the backbone; default all. */
  readonly stages?: number | null;
  /** Format of the result; default that of the input. */
  readonly format?: WeightFormat;
  /** Replace a file that is there, as the original does; default yes. */
  readonly replace?: boolean;
}

/**
 * Spreads a kernel `(width, 1, filters)` over several leads: copies along the lead axis, divided by their number in the kernel's dtype, so that one
 * lead repeated gives the same output as before (up to rounding).
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
 * Output file, beside the input: `<stem>.adjusted.weights.h5` for Keras 3 (Quirk Q37: it refuses the original's name), `<name>.adjusted`, the
 * original's, for checkpoints.
 */
export function adjustedFile(weightsFile: string, format: WeightFormat): string {
  const name = basename(weightsFile);
  const adjusted =
    format === 'keras'
      ? `${name.replace(/\.(h5|keras)$/, '').replace(/\.weights$/, '')}.adjusted.weights.h5`
      : `${name}.adjusted`;
  return join(dirname(weightsFile), adjusted);
}

/**
 * Fits the weights of a one-lead backbone to several leads and writes them beside the input; resolves to the new file. Twin of
 * `python -m finetuning.adjust_network`. Throws a ValueError if the file does not fit the one-lead backbone.
 */
export async function adjustNetwork({
  weightsFile,
  channels,
  arch,
  stages,
  format,
  replace = true,
}: AdjustNetworkOptions): Promise<string> {
  if (!Number.isInteger(channels) || channels < 1)
    throw new ValueError(`--channels must be 1 or more; got ${channels}`);
  const found = findWeights(weightsFile);
  const outputFormat = format ?? found.format;
  const output = adjustedFile(found.file, outputFormat);
  for (const name of weightFiles(output, outputFormat)) checkOutputFile(name, { replace });
  const file = readWeights(weightsFile);
  const { assigned } = loadWeights(file, buildNetwork({ arch, stages }).weights);
  const [stem, ...rest] = assigned as readonly [NamedArray, ...NamedArray[]];
  if (stem.dtype !== 'float32') throw new ValueError(`${file.file}: ${stem.path} is ${stem.dtype}; expected float32`);
  const kernel = spreadKernel(stem as NdArray<'float32'>, channels);
  const adjusted = buildNetwork({ arch, stages, channels });
  await writeWeights(output, adjusted, [{ path: stem.path, ...kernel }, ...rest], { format: outputFormat });
  return output;
}
