import { fromFloat16, toFloat16 } from './float16.ts';
import { allocate, type DType, type NdArray, ndarray } from './ndarray.ts';

/**
 * Conversion between element types, as NumPy's `astype` converts. Only this file reads the raw storage of types that its caller does not know
 * (float16 is stored as bits, 64-bit integers as BigInt).
 */

/** The elements as float64 numbers. Rounds 64-bit integers; returns float64 data without a copy. */
export function toFloat64(array: NdArray): Float64Array {
  const { dtype, data } = array;
  if (dtype === 'float64') return data as Float64Array;
  if (dtype === 'float16') return Float64Array.from(data as Uint16Array, fromFloat16);
  return Float64Array.from(data as ArrayLike<number | bigint>, Number);
}

/** The elements as float32 numbers, rounded to nearest even. Returns float32 data without a copy. */
export function toFloat32(array: NdArray): Float32Array {
  const { dtype, data } = array;
  if (dtype === 'float32') return data as Float32Array;
  if (dtype === 'float16') return Float32Array.from(data as Uint16Array, fromFloat16);
  if (isBig(dtype)) return Float32Array.from(data as BigInt64Array, oddNumber);
  return Float32Array.from(data as ArrayLike<number>);
}

/**
 * A float64 that rounds to the same float32 as the integer. If the integer has more digits than float64, the last bit is set when any lost bit is (a
 * sticky bit).
 */
function oddNumber(value: bigint): number {
  const size = value < 0n ? -value : value;
  if (size < 1n << 53n) return Number(value);
  const kept = Number(size >> 12n);
  const exact = (size & 0xfffn) === 0n || kept % 2 === 1 ? kept : kept + 1;
  return (value < 0n ? -exact : exact) * 2 ** 12;
}

/**
 * Copy with another element type. Twin of `array.astype(dtype)`: rounds floats to nearest even, truncates them towards zero when they become
 * integers, and drops the upper bits of integers that do not fit. Floats that no integer of the type can hold give the result of x86-64 processors,
 * except for uint32 and uint64, where NumPy's own result varies.
 */
export function astype<D extends DType>(array: NdArray, dtype: D): NdArray<D> {
  return ndarray(dtype, array.shape, converted(array, dtype) as NdArray<D>['data']);
}

function converted(array: NdArray, dtype: DType): NdArray['data'] {
  if (array.dtype === dtype) return array.data.slice();
  if (dtype === 'float32') return toFloat32(array);
  if (dtype === 'float64') return toFloat64(array);
  const target = allocate(dtype, array.data.length) as { [index: number]: number | bigint };
  const cast = caster(array.dtype, dtype);
  const source = array.dtype === 'float16' ? toFloat64(array) : array.data;
  for (let i = 0; i < source.length; i++) target[i] = cast(source[i] as never);
  return target as unknown as NdArray['data'];
}

/** Converts one stored element (float16: its number) to one that `dtype` stores. The storage may still drop upper bits. */
function caster(
  from: DType,
  dtype: DType,
): ((value: number) => number | bigint) | ((value: bigint) => number | bigint) {
  if (dtype === 'float16') return (value: number | bigint) => toFloat16(Number(value));
  if (dtype === 'bool') return (value: number | bigint) => (Number(value) !== 0 ? 1 : 0);
  if (isBig(from)) return isBig(dtype) ? (value: bigint) => value : (value: bigint) => Number(BigInt.asIntN(32, value));
  if (!from.startsWith('float')) return isBig(dtype) ? (value: number) => BigInt(value) : (value: number) => value;
  if (dtype === 'int64' || dtype === 'uint64') {
    const above = dtype === 'int64' ? 2 ** 63 : 2 ** 64;
    return (value: number) => (value >= -(2 ** 63) && value < above ? BigInt(Math.trunc(value)) : -(2n ** 63n));
  }
  if (dtype === 'uint32') return (value: number) => Math.trunc(value);
  return (value: number) => {
    const whole = Math.trunc(value);
    return whole >= -(2 ** 31) && whole < 2 ** 31 ? whole : -(2 ** 31);
  };
}

function isBig(dtype: DType): boolean {
  return dtype === 'int64' || dtype === 'uint64';
}

/** The array without its axes of length 1. Shares the data. Twin of `numpy.squeeze`. */
export function squeeze<D extends DType>(array: NdArray<D>): NdArray<D> {
  return { ...array, shape: array.shape.filter((extent) => extent !== 1) };
}
