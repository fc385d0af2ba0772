import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PythonError } from '../../../bridge/errors.ts';
import { type NdArray, ndarray } from '../../../lib/numpy/ndarray.ts';
import type { DataSetName } from '../../data.ts';
import { exemption, NotRunnable, type SuiteContext } from '../../suite.ts';

/** Folder of a collection; throws NotRunnable where the data have none. */
export function collectionFolder({ data: { folder, names } }: SuiteContext, name: DataSetName): string {
  if (!names.includes(name)) throw new NotRunnable(`there is no ${name} in ${folder}`);
  return join(folder, name);
}

/** What a call gave, or the class of the exception that it raised, which twins on both sides have in common, and its message. */
export type Outcome<T> = { readonly value: T } | { readonly error: string; readonly message: string };

/** Runs a call of either side. A failure of Python itself is thrown on, and so is what this original cannot run, or need not. */
export async function outcomeOf<T>(call: () => T | Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await call() };
  } catch (error) {
    if (error instanceof PythonError && !exemption(error)) return { error: error.type, message: error.detail };
    if (error instanceof Error && /^(Value|Index|Key|Type|Attribute|Assertion|FileNotFound)Error$/.test(error.name)) {
      return { error: error.name, message: error.message };
    }
    throw error;
  }
}

/** One word for an outcome, for rows that compare what failed and what did not. */
export function wordFor(outcome: Outcome<unknown>): string {
  return 'error' in outcome ? outcome.error : 'a result';
}

/** Whole numbers as NumPy's default integers. */
export function int64(values: ArrayLike<number>, shape: readonly number[] = [values.length]): NdArray<'int64'> {
  return ndarray('int64', shape, BigInt64Array.from(Array.from(values), BigInt));
}

/** Arrays of one shape and dtype as one, with a new first axis; throws a RangeError if they differ. */
export function stackArrays(arrays: readonly NdArray[]): NdArray {
  const [{ dtype, shape }] = arrays;
  return ndarray(dtype, [arrays.length, ...shape], joinedStorage(arrays));
}

/** Arrays that differ in their first axis only, one after the other. */
export function joinArrays(arrays: readonly NdArray[]): NdArray {
  const [{ dtype, shape }] = arrays;
  const length = arrays.reduce((sum, array) => sum + array.shape[0], 0);
  return ndarray(dtype, [length, ...shape.slice(1)], joinedStorage(arrays));
}

function joinedStorage(arrays: readonly NdArray[]): NdArray['data'] {
  const [{ dtype, data }] = arrays;
  const odd = arrays.find((array) => array.dtype !== dtype);
  if (odd) throw new RangeError(`arrays of ${dtype} and ${odd.dtype} cannot be joined`);
  const length = arrays.reduce((sum, array) => sum + array.data.length, 0);
  const joined = new (data.constructor as new (size: number) => NdArray['data'])(length);
  let filled = 0;
  for (const array of arrays) {
    (joined as { set(part: unknown, offset: number): void }).set(array.data, filled);
    filled += array.data.length;
  }
  return joined;
}

/** A sample with the digits that a picture can show. */
export function shown(sample: number | bigint): number {
  return Number(Number(sample).toFixed(4));
}

/** Bytes as an array to compare. */
export function asBytes(data: Uint8Array): NdArray<'uint8'> {
  return ndarray('uint8', [data.length], data);
}

/** The bytes of a file. */
export function bytesOfFile(path: string): NdArray<'uint8'> {
  return asBytes(new Uint8Array(readFileSync(path)));
}
