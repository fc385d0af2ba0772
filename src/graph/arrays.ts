import { allocate, type DType, type NdArray, ndarray } from '../lib/numpy/ndarray.ts';
import { ValueError } from '../lib/python/errors.ts';
import { type TensorSpec, unknown } from './executor.ts';

/**
 * The array as another type, floats rounded as NumPy's `astype` does; the same array if it has that type already. Throws a ValueError
 * where an integer type cannot hold a value (fractions, NaN, overflow).
 */
export function asType(array: NdArray, dtype: DType): NdArray {
  if (array.dtype === dtype) return array;
  if (array.dtype === 'float16' || dtype === 'float16') {
    throw new TypeError(`conversion from ${array.dtype} to ${dtype} is not supported`);
  }
  const data = allocate(dtype, array.data.length);
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    for (let i = 0; i < data.length; i++) data[i] = exactInteger(array.data[i]!, dtype);
  } else {
    for (let i = 0; i < data.length; i++) data[i] = Number(array.data[i]!);
    if (!dtype.startsWith('float')) assertEqual(array, data, dtype);
  }
  return ndarray(dtype, array.shape, data);
}

function exactInteger(value: number | bigint, dtype: DType): bigint {
  if (typeof value === 'number' && !Number.isInteger(value)) throw new ValueError(`${value} is no ${dtype}`);
  return BigInt(value);
}

function assertEqual(from: NdArray, to: ArrayLike<number>, dtype: DType): void {
  const place = from.data.findIndex((value: number | bigint, i: number) => Number(value) !== to[i]);
  if (place >= 0) throw new ValueError(`${from.data[place]} (element ${place}) is no ${dtype}`);
}

/** Checks an array against what an input expects (-1: any extent) and converts its type. Throws a ValueError that names the input. */
export function conform(name: string, array: NdArray, { dtype, shape }: TensorSpec): NdArray {
  const fits =
    array.shape.length === shape.length &&
    array.shape.every((extent, axis) => shape[axis] === unknown || extent === shape[axis]);
  if (!fits) {
    const expected = shape.map((extent) => (extent === unknown ? 'batch' : extent)).join(', ');
    throw new ValueError(`${name}: got an array of shape (${array.shape.join(', ')}), expected (${expected})`);
  }
  return asType(array, dtype as DType);
}
