import type { DType } from '../lib/numpy/ndarray.ts';

/** Element types of tensors: those of NumPy under its names, and those that only TensorFlow has. */
export type ElementType = DType | 'bfloat16' | 'string' | 'resource' | 'variant';

/** Numbers of TensorFlow's `DataType` enumeration (`tensorflow/core/framework/types.proto`). */
export const dataType: { readonly [T in ElementType]: number } = {
  float32: 1,
  float64: 2,
  int32: 3,
  uint8: 4,
  int16: 5,
  int8: 6,
  string: 7,
  int64: 9,
  bool: 10,
  bfloat16: 14,
  uint16: 17,
  float16: 19,
  resource: 20,
  variant: 21,
  uint32: 22,
  uint64: 23,
};

const names = new Map(Object.entries(dataType).map(([name, number]) => [number, name as ElementType]));

/** The name of a number of the enumeration. Throws a RangeError for a type that is not supported. */
export function elementType(number: number): ElementType {
  const name = names.get(number);
  if (name === undefined) throw new RangeError(`TensorFlow DataType ${number} is not supported`);
  return name;
}
