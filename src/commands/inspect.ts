import { parseArgs } from 'node:util';
import { UsageError } from '../errors.ts';
import { fromFloat16 } from '../lib/numpy/float16.ts';
import { type DType, type NdArray, sizeOf } from '../lib/numpy/ndarray.ts';
import { print } from '../output.ts';
import { readWeights, type WeightFormat } from '../port/weights/files.ts';
import { describeModel, identifyModel } from '../port/weights/identify.ts';
import { type ModelDescription, weightLayout } from '../port/weights/layout.ts';
import { matchWeights } from '../port/weights/loading.ts';

export const help = `ecg-transplant inspect FILE [--json]

Shows what a weight file holds: every tensor with shape and statistics, and the network it fits.

  FILE    a .weights.h5 file, or a TensorFlow checkpoint by its prefix (resnet18.weights)
  --json  the same for programs; keys stay as they are

Reads nothing but that file, which may come from anywhere. Exit code 1 if a value is NaN or infinite.
`;

/** Statistics of one tensor over its finite values; null where it has none. */
export interface TensorSummary {
  readonly path: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly min: number | null;
  readonly max: number | null;
  readonly mean: number | null;
  /** Population standard deviation. */
  readonly std: number | null;
  /** Number of NaN and infinite values. */
  readonly nonFinite: number;
}

/** What `--json` prints. */
export interface WeightsSummary {
  readonly file: string;
  readonly format: WeightFormat;
  /** The network with exactly these weights, or null. */
  readonly model: (ModelDescription & { readonly description: string }) | null;
  readonly parameters: number;
  /** In the network's order (Keras's `model.weights`), else as in the file. */
  readonly tensors: readonly TensorSummary[];
  /** State of the optimiser, or null where the file has none (checkpoints: not read). */
  readonly optimizer: {
    readonly variables: number;
    readonly iterations: number | null;
    readonly nonFinite: number;
  } | null;
  /** Entries of a checkpoint that were left alone: optimiser slots, counters, unknown layers. */
  readonly unread: readonly string[];
}

/** Reads a weight file and sums it up. */
export function inspectWeights(name: string): WeightsSummary {
  const { file, format, weights: stored, optimizer, unread } = readWeights(name);
  const model = identifyModel(stored);
  const weights = model === undefined ? stored : matchWeights(stored, weightLayout(model).weights).assigned;
  const steps = optimizer?.[0];
  return {
    file,
    format,
    model: model === undefined ? null : { ...model, description: describeModel(model) },
    parameters: weights.reduce((total, { shape }) => total + sizeOf(shape), 0),
    tensors: weights.map(({ path, ...array }) => ({
      path,
      dtype: array.dtype,
      shape: array.shape,
      ...statistics(array),
    })),
    optimizer:
      optimizer === undefined
        ? null
        : {
            variables: optimizer.length,
            iterations: steps?.dtype === 'int64' && steps.data.length === 1 ? Number(steps.data[0]) : null,
            nonFinite: optimizer.reduce((total, array) => total + statistics(array).nonFinite, 0),
          },
    unread,
  };
}

function statistics(array: NdArray): Pick<TensorSummary, 'min' | 'max' | 'mean' | 'std' | 'nonFinite'> {
  const value =
    array.dtype === 'float16'
      ? (index: number): number => fromFloat16(Number(array.data[index]))
      : (index: number): number => Number(array.data[index]);
  let [count, min, max, sum] = [0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
  const size = array.data.length;
  for (let index = 0; index < size; index++) {
    const x = value(index);
    if (!Number.isFinite(x)) continue;
    count++;
    if (x < min) min = x;
    if (x > max) max = x;
    sum += x;
  }
  if (count === 0) return { min: null, max: null, mean: null, std: null, nonFinite: size };
  const mean = sum / count;
  let squares = 0;
  for (let index = 0; index < size; index++) {
    const x = value(index);
    if (Number.isFinite(x)) squares += (x - mean) ** 2;
  }
  return { min, max, mean, std: Math.sqrt(squares / count), nonFinite: size - count };
}

/** The summary as text. */
export function formatSummary({ file, format, model, parameters, tensors, optimizer, unread }: WeightsSummary): string {
  const number = (value: number | null): string => (value === null ? '-' : value.toPrecision(4));
  const rows = [
    ['tensor', 'type', 'shape', 'min', 'max', 'mean', 'std'],
    ...tensors.map(({ path, dtype, shape, min, max, mean, std }) => [
      path,
      dtype,
      `(${shape.join(', ')})`,
      ...[min, max, mean, std].map(number),
    ]),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const table = rows.map((row) =>
    row
      .map((cell, column) => (column < 3 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  ')
      .trimEnd(),
  );
  const optimizerLine = {
    keras:
      optimizer === null
        ? 'none'
        : `${optimizer.variables} variables, ${optimizer.iterations ?? 'unknown number of'} steps`,
    tensorflow: 'not read from checkpoints',
  }[format];
  const bad = [
    ...tensors.filter(({ nonFinite }) => nonFinite > 0).map(({ path, nonFinite }) => `${path}: ${nonFinite}`),
    ...(optimizer !== null && optimizer.nonFinite > 0 ? [`optimizer: ${optimizer.nonFinite}`] : []),
  ];
  return [
    `${file} (${format === 'keras' ? 'Keras 3 weights' : 'TensorFlow checkpoint'})`,
    `Fits:       ${model === null ? 'no network of this project' : model.description}`,
    `Parameters: ${parameters.toLocaleString('en-US')} in ${tensors.length} tensors`,
    `Optimiser:  ${optimizerLine}`,
    ...(unread.length === 0 ? [] : [`Not read:   ${unread.length} entries, e.g. ${unread[0]}`]),
    ...(bad.length === 0 ? [] : [`NaN or infinite values: ${bad.join(', ')}`]),
    '',
    ...table,
    '',
  ].join('\n');
}

/** `ecg-transplant inspect`. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { json: { type: 'boolean' } },
  });
  const [name, ...rest] = positionals;
  if (name === undefined || rest.length > 0) {
    throw new UsageError('one weight file is expected', {
      got: `${positionals.length}`,
      next: 'See: ecg-transplant inspect --help',
    });
  }
  const summary = inspectWeights(name);
  print(values.json ? `${JSON.stringify(summary, null, 2)}\n` : formatSummary(summary));
  const allFinite =
    summary.tensors.every(({ nonFinite }) => nonFinite === 0) && !((summary.optimizer?.nonFinite ?? 0) > 0);
  return allFinite ? 0 : 1;
}
