import type { NdArray } from './ndarray.ts';

/** NumPy array of Python objects (`dtype=object`) in C order. */
export interface ObjectArray {
  readonly dtype: 'object';
  readonly shape: readonly number[];
  readonly data: readonly unknown[];
}

/** NumPy array of texts (`dtype='<U…'`) in C order; `width` is the length of the longest text that fits, in characters. */
export interface TextArray {
  readonly dtype: 'str';
  readonly width: number;
  readonly shape: readonly number[];
  readonly data: readonly string[];
}

/** Any array that a file can contain. */
export type AnyArray = NdArray | ObjectArray | TextArray;

/** Object array of one axis, as `numpy.array(items, dtype=object)` for items that are not sequences. */
export function objectArray(items: readonly unknown[], shape: readonly number[] = [items.length]): ObjectArray {
  return { dtype: 'object', shape: [...shape], data: items };
}

/** Text array of one axis, as `numpy.array(items)`. Its width is the length of the longest text in code points. */
export function textArray(items: readonly string[], shape: readonly number[] = [items.length]): TextArray {
  const width = items.reduce((widest, item) => Math.max(widest, [...item].length), 1);
  return { dtype: 'str', width, shape: [...shape], data: items };
}

/** Whether a value is one of the array types. */
export function isArray(value: unknown): value is AnyArray {
  return typeof value === 'object' && value !== null && 'dtype' in value && 'shape' in value && 'data' in value;
}
