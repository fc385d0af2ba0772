import { astype, toFloat64 } from '../lib/numpy/convert.ts';
import type { DType, NdArray } from '../lib/numpy/ndarray.ts';
import { ValueError } from '../lib/python/errors.ts';
import { type TensorSpec, unknown } from './executor.ts';

/**
 * The array as another type, rounded as by NumPy's `astype`; the same array if it already has that type. Throws a ValueError if an integer
 * type cannot hold a value (fractions, NaN, overflow).
 */
export function asType(array: NdArray, dtype: DType): NdArray {
  if (array.dtype === dtype) return array;
  const result = astype(array, dtype);
  if (!dtype.startsWith('float')) {
    const source = array.dtype === 'float16' ? toFloat64(array) : array.data;
    for (let i = 0; i < source.length; i++) {
      // biome-ignore lint/suspicious/noDoubleEquals: 1 and 1n are the same label
      if (source[i] != result.data[i]) throw new ValueError(`${source[i]} (element ${i}) does not fit into ${dtype}`);
    }
  }
  return result;
}

/** Checks the shape of an array against what an input expects (-1: any extent), and converts its type. Throws a ValueError that names the input. */
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
