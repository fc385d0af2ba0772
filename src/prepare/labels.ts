import { toFloat64 } from '../lib/numpy/convert.ts';
import { allocate, type NdArray, ndarray } from '../lib/numpy/ndarray.ts';

/** Number of records of each class. */
export function countByClass(y: NdArray): number[] {
  const [rows, classes] = y.shape;
  const values = toFloat64(y);
  const counts = new Array<number>(classes).fill(0);
  for (let i = 0; i < rows * classes; i++) counts[i % classes] += values[i];
  return counts;
}

/** Whether both name the same classes, in any order. */
export function sameClasses(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && [...a].sort().join('\n') === [...b].sort().join('\n');
}

/** Reorders the columns of `(records, classes)`; -1 gives a column of zeros. */
export function takeColumns(y: NdArray, order: readonly number[]): NdArray {
  const [rows, width] = y.shape;
  const data = allocate(y.dtype, rows * order.length) as { [index: number]: number | bigint };
  for (let i = 0; i < rows; i++) {
    for (const [to, from] of order.entries()) if (from >= 0) data[i * order.length + to] = y.data[i * width + from];
  }
  return ndarray(y.dtype, [rows, order.length], data as unknown as NdArray['data']);
}
