import { ValueError } from '../python/errors.ts';
import { toFloat64 } from './convert.ts';
import { fromFloat16, toFloat16 } from './float16.ts';
import type { NdArray } from './ndarray.ts';

/** Number of elements that NumPy passes to its summing loop at a time. */
const BUFFER = 8192;
const BLOCK = 128;

/**
 * Sum in float64 with NumPy's order of additions, so `numpy.sum` over a contiguous axis gives the same bits: up to 7 numbers from left to right; up
 * to 128 in eight interleaved partial sums; up to 8,192 by splitting in halves; more in blocks of 8,192 from left to right.
 */
export function pairwiseSum(values: ArrayLike<number>, start = 0, count: number = values.length - start): number {
  let sum = 0;
  for (let at = 0; at < count; at += BUFFER) sum += sumByHalves(values, start + at, Math.min(BUFFER, count - at));
  return sum;
}

/** `pairwiseSum` with every addition rounded to float32, as NumPy sums float32 arrays. */
export function pairwiseSumFloat32(
  values: ArrayLike<number>,
  start = 0,
  count: number = values.length - start,
): number {
  let sum = 0;
  for (let at = 0; at < count; at += BUFFER) {
    sum = Math.fround(sum + sumByHalvesFloat32(values, start + at, Math.min(BUFFER, count - at)));
  }
  return sum;
}

function sumByHalves(values: ArrayLike<number>, start: number, count: number): number {
  if (count < 8) {
    let sum = 0;
    for (let i = 0; i < count; i++) sum += values[start + i];
    return sum;
  }
  if (count > BLOCK) {
    const half = halfOf(count);
    return sumByHalves(values, start, half) + sumByHalves(values, start + half, count - half);
  }
  let [r0, r1, r2, r3] = [values[start], values[start + 1], values[start + 2], values[start + 3]];
  let [r4, r5, r6, r7] = [values[start + 4], values[start + 5], values[start + 6], values[start + 7]];
  const whole = count - (count % 8);
  for (let i = 8; i < whole; i += 8) {
    const at = start + i;
    r0 += values[at];
    r1 += values[at + 1];
    r2 += values[at + 2];
    r3 += values[at + 3];
    r4 += values[at + 4];
    r5 += values[at + 5];
    r6 += values[at + 6];
    r7 += values[at + 7];
  }
  let sum = r0 + r1 + (r2 + r3) + (r4 + r5 + (r6 + r7));
  for (let i = whole; i < count; i++) sum += values[start + i];
  return sum;
}

function sumByHalvesFloat32(values: ArrayLike<number>, start: number, count: number): number {
  const add = (a: number, b: number): number => Math.fround(a + b);
  if (count < 8) {
    let sum = 0;
    for (let i = 0; i < count; i++) sum = add(sum, values[start + i]);
    return sum;
  }
  if (count > BLOCK) {
    const half = halfOf(count);
    return add(sumByHalvesFloat32(values, start, half), sumByHalvesFloat32(values, start + half, count - half));
  }
  const r = Float32Array.from({ length: 8 }, (_, i) => values[start + i]);
  const whole = count - (count % 8);
  for (let i = 8; i < whole; i += 8) {
    for (let j = 0; j < 8; j++) r[j] += values[start + i + j];
  }
  let sum = add(add(add(r[0], r[1]), add(r[2], r[3])), add(add(r[4], r[5]), add(r[6], r[7])));
  for (let i = whole; i < count; i++) sum = add(sum, values[start + i]);
  return sum;
}

/** Mean of float64 numbers; NaN if there are none. Twin of `numpy.mean` over a contiguous axis. */
export function mean(values: ArrayLike<number>): number {
  return pairwiseSum(values) / values.length;
}

/**
 * Sum of all elements. Twin of `numpy.sum(array, dtype=dtype)`: adds floats in their own precision unless `dtype` is given, integers and booleans
 * exactly (modulo 2⁶⁴).
 *
 * @throws ValueError for a sum of integers beyond 2⁵³, which a JavaScript number cannot hold.
 */
export function sum(array: NdArray, dtype?: 'float32' | 'float64'): number {
  if (dtype === 'float64') return pairwiseSum(toFloat64(array));
  if (dtype === 'float32') return pairwiseSumFloat32(Float32Array.from(toFloat64(array)));
  switch (array.dtype) {
    case 'float64':
      return pairwiseSum(array.data as Float64Array);
    case 'float32':
      return pairwiseSumFloat32(array.data as Float32Array);
    case 'float16':
      return halfSum(Float32Array.from(array.data as Uint16Array, fromFloat16));
    default:
      return integerSum(array);
  }
}

function integerSum(array: NdArray): number {
  let total = 0n;
  let partial = 0;
  for (const value of array.data as Iterable<number | bigint>) {
    if (typeof value === 'bigint') total += value;
    else {
      partial += value;
      if (Math.abs(partial) > 2 ** 52) {
        total += BigInt(partial);
        partial = 0;
      }
    }
  }
  const exact = total + BigInt(partial);
  const wrapped = array.dtype.startsWith('u') ? BigInt.asUintN(64, exact) : BigInt.asIntN(64, exact);
  if (!Number.isSafeInteger(Number(wrapped))) throw new ValueError(`the sum ${wrapped} is beyond 2^53`);
  return Number(wrapped);
}

/** NumPy adds half-precision numbers in float32 and rounds after each block. */
function halfSum(values: Float32Array): number {
  let sum = 0;
  for (let at = 0; at < values.length; at += BUFFER) {
    sum = fromFloat16(toFloat16(sum + pairwiseSumFloat32(values, at, Math.min(BUFFER, values.length - at))));
  }
  return sum;
}

function halfOf(count: number): number {
  const half = Math.floor(count / 2);
  return half - (half % 8);
}
