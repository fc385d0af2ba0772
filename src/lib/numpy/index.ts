/** NumPy's arrays, files and random numbers. An array is a plain object `{ dtype, shape, data }` in C order. */
export { astype, squeeze, toFloat32, toFloat64 } from './convert.ts';
export { allocate, type DType, type NdArray, ndarray, type Storage, sizeOf, zeros } from './ndarray.ts';
export { readNpy, writeNpy } from './npy.ts';
export { NpyFile } from './npy_file.ts';
export { NpzFile, readNpz, writeNpz } from './npz.ts';
export { type AnyArray, type ObjectArray, objectArray, type TextArray, textArray } from './object_array.ts';
export { type ChoiceOptions, RandomState, random } from './random.ts';
