import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PythonError } from '../../../bridge/errors.ts';
import { InputError } from '../../../errors.ts';
import { flagOf } from '../../../lib/argparse/flags.ts';
import { type NdArray, ndarray } from '../../../lib/numpy/ndarray.ts';
import { ValueError } from '../../../lib/python/errors.ts';
import type { DataSetName } from '../../data.ts';
import { exemption, NotRunnable, type SuiteContext } from '../../suite.ts';

/** Folder of a collection. Throws NotRunnable if the data do not have it. */
export function collectionFolder({ data: { folder, names } }: SuiteContext, name: DataSetName): string {
  if (!names.includes(name)) throw new NotRunnable(`there is no ${name} in ${folder}`);
  return join(folder, name);
}

/** The result of a call, or the message and class of the exception that it raised. Twins raise the same class on both sides. */
export type Outcome<T> = { readonly value: T } | { readonly error: string; readonly message: string };

/** Runs a call on either side. Rethrows failures of the bridge, NotRunnable and NotApplicable. */
export async function outcomeOf<T>(call: () => T | Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await call() };
  } catch (error) {
    if (error instanceof PythonError && !exemption(error)) return { error: error.type, message: error.detail };
    if (
      error instanceof Error &&
      /^(Value|Index|Key|Type|Attribute|Assertion|Runtime|FileNotFound)Error$/.test(error.name)
    ) {
      return { error: error.name, message: error.message };
    }
    throw error;
  }
}

/** Makes a ValueError of what the port refuses as damaged input. */
export function unlessRefused<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw error instanceof InputError ? new ValueError(error.message) : error;
  }
}

/** An outcome as text, for rows that compare which calls failed. */
export function wordFor(outcome: Outcome<unknown>): string {
  return 'error' in outcome ? outcome.error : 'a result';
}

/** Options as flags of either trainer: `valSize` is `--val-size`, `true` a switch. */
export function flagsOf(options: { readonly [option: string]: string | number | boolean | undefined }): string[] {
  return Object.entries(options).flatMap(([option, value]) => {
    if (value === undefined || value === false) return [];
    const flag = flagOf(option);
    return value === true ? [flag] : [flag, String(value)];
  });
}

/** Whole numbers as NumPy's default integers. */
export function int64(values: ArrayLike<number>, shape: readonly number[] = [values.length]): NdArray<'int64'> {
  return ndarray('int64', shape, BigInt64Array.from(Array.from(values), BigInt));
}

/** Stacks arrays of the same shape and dtype along a new first axis. Throws a RangeError if they differ. */
export function stackArrays(arrays: readonly NdArray[]): NdArray {
  const [{ dtype, shape }] = arrays;
  return ndarray(dtype, [arrays.length, ...shape], joinedStorage(arrays));
}

/** Concatenates arrays that differ only in their first axis. */
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

/** A sample rounded to the digits that a picture can show. */
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
