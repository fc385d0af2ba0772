import type { NdArray } from '../numpy/ndarray.ts';

/** Input of a model: the array of its only input `x`, or arrays by input name. The first axis is the batch. */
export type Inputs = NdArray | Readonly<Record<string, NdArray>>;

/** The arrays by input name. */
export function inputsByName(x: Inputs): Readonly<Record<string, NdArray>> {
  return isSingle(x) ? { x } : x;
}

function isSingle(x: Inputs): x is NdArray {
  return ArrayBuffer.isView(x.data);
}
