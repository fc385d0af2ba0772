import { fromFloat16, toFloat16 } from './float16.ts';
import { allocate, type DType, type NdArray, ndarray } from './ndarray.ts';

/** The elements as float64 numbers (64-bit integers are rounded); float64 data are returned without a copy. */
export function toFloat64(array: NdArray): Float64Array {
  const { dtype, data } = array;
  if (dtype === 'float64') return data as Float64Array;
  if (dtype === 'float16') return Float64Array.from(data as Uint16Array, fromFloat16);
  return Float64Array.from(data as ArrayLike<number | bigint>, Number);
}

/** Copy with another element type: floats are rounded to nearest even, and cut towards zero where they become integers. Twin of `array.astype(dtype)`. */
export function astype<D extends DType>(array: NdArray, dtype: D): NdArray<D> {
  if (array.dtype === (dtype as DType)) return ndarray(dtype, array.shape, array.data.slice() as NdArray<D>['data']);
  const target = allocate(dtype, array.data.length) as unknown as { [index: number]: number | bigint };
  const isBig = dtype === 'int64' || dtype === 'uint64';
  if (isBig && (array.dtype === 'int64' || array.dtype === 'uint64')) {
    (array.data as BigInt64Array).forEach((value, i) => {
      target[i] = value;
    });
  } else {
    const cast = caster(dtype);
    toFloat64(array).forEach((value, i) => {
      target[i] = cast(value);
    });
  }
  return ndarray(dtype, array.shape, target as unknown as NdArray<D>['data']);
}

function caster(dtype: DType): (value: number) => number | bigint {
  if (dtype === 'int64' || dtype === 'uint64') return (value) => BigInt(Math.trunc(Number.isFinite(value) ? value : 0));
  if (dtype === 'bool') return (value) => (value !== 0 ? 1 : 0);
  if (dtype === 'float16') return toFloat16;
  return (value) => value;
}

/** The array without its axes of extent 1; shares the data. Twin of `numpy.squeeze`. */
export function squeeze<D extends DType>(array: NdArray<D>): NdArray<D> {
  return { ...array, shape: array.shape.filter((extent) => extent !== 1) };
}
