import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { bytesOf, type NdArray } from '../../src/lib/numpy/ndarray.ts';
import { isArray } from '../../src/lib/numpy/object_array.ts';
import { dataSetToPickle } from '../../src/port/finetuning/datasets/data_set.ts';
import type { DataSet } from '../../src/port/finetuning/datasets.ts';
import { runPython } from '../python.ts';

/** A call for `prepare_reference.py`. */
export type PythonCall =
  | {
      readonly call: string;
      readonly args: readonly unknown[];
      readonly kwargs?: object;
      readonly seed?: number;
      readonly split?: object;
    }
  | { readonly load: string };

/** What the Python original gives, in one process. */
export async function callPython(jobs: readonly PythonCall[]): Promise<unknown[]> {
  return JSON.parse(
    await runPython([join(import.meta.dirname, 'prepare_reference.py')], { input: JSON.stringify(jobs) }),
  );
}

export function tellArray(array: NdArray): object {
  return { dtype: array.dtype, shape: array.shape, sha256: createHash('sha256').update(bytesOf(array)).digest('hex') };
}

/** A data set as `prepare_reference.py` tells it. */
export function tell(dataSet: DataSet): object {
  const entries = Object.entries(dataSetToPickle({ ...dataSet, patientIds: undefined }));
  return Object.fromEntries(
    entries.map(([key, array]) => {
      if (!isArray(array)) throw new Error(`${key} is no array`);
      return [
        key,
        array.dtype === 'object'
          ? { dtype: 'object', shape: array.shape, values: array.data }
          : tellArray(array as NdArray),
      ];
    }),
  );
}
