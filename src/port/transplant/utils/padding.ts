import type { NdArray } from '../../../lib/numpy/ndarray.ts';

/**
 * Writes one sequence into a row of zeros: one row of `pad_sequences`. `pre` aligns both ends, so a short sequence gets zeros in front and a long one
 * loses its beginning; `post` aligns both beginnings.
 */
export function padRow(sequence: NdArray['data'], row: NdArray['data'], padding: 'pre' | 'post' = 'pre'): void {
  const kept = Math.min(sequence.length, row.length);
  const [from, to] = padding === 'pre' ? [sequence.length - kept, row.length - kept] : [0, 0];
  (row as { set(part: unknown, offset: number): void }).set(sequence.subarray(from, from + kept), to);
}
