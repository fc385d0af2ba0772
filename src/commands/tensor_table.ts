import { fromFloat16 } from '../lib/numpy/float16.ts';
import type { DType, NdArray } from '../lib/numpy/ndarray.ts';
import { alignedLines } from '../text.ts';

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

/** The statistics of an array's values. */
export function statistics(array: NdArray): Pick<TensorSummary, 'min' | 'max' | 'mean' | 'std' | 'nonFinite'> {
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

/** Tensors with their statistics, in columns. */
export function tensorTable(tensors: readonly TensorSummary[]): string[] {
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
  return alignedLines(rows, 3);
}
