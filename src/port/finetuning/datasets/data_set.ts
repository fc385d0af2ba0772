import { InputError } from '../../../errors.ts';
import { astype, toFloat64 } from '../../../lib/numpy/convert.ts';
import { type DType, type NdArray, ndarray } from '../../../lib/numpy/ndarray.ts';
import { NpyFile } from '../../../lib/numpy/npy.ts';
import { type AnyArray, isArray, type ObjectArray, objectArray } from '../../../lib/numpy/object_array.ts';
import { isFloatType } from '../../../lib/numpy/rows.ts';
import type { DataSet } from '../datasets.ts';

/** The dict that `transplant.utils.save_pkl(file, **data_set)` writes, for `pickle.dump`; `x` may be a stream. */
export function dataSetToPickle<X>({ x, y, recordIds, classes, patientIds }: DataSet<X>) {
  return {
    x,
    y,
    record_ids: idArray(recordIds),
    classes: objectArray(classes),
    ...(patientIds ? { patient_ids: idArray(patientIds) } : {}),
  };
}

/** The loaded dict of a data file, checked. `file` is named in errors. */
export function dataSetFromPickle(value: unknown, file: string): DataSet {
  return checkedDataSet(value, file, isArray) as DataSet;
}

/** As `dataSetFromPickle`, of a pickle whose large arrays may have been unpacked to files. */
export function unpackedDataSetFromPickle(value: unknown, file: string): DataSet<NdArray | NpyFile> {
  const usable = (found: unknown): found is AnyArray | NpyFile => isArray(found) || found instanceof NpyFile;
  return checkedDataSet(value, file, usable) as DataSet<NdArray | NpyFile>;
}

function checkedDataSet<X extends AnyArray | NpyFile>(
  value: unknown,
  file: string,
  usable: (found: unknown) => found is X,
): DataSet<X> {
  const expected = 'a dict with the arrays x, y, record_ids and classes, as prepare-data writes it';
  if (!(value instanceof Map)) throw new InputError('this is not a data set', { file, got: typeof value, expected });
  const entry = <T>(key: string, is: (found: unknown) => found is T): T => {
    const found: unknown = value.get(key);
    if (!is(found))
      throw new InputError('this is not a data set', {
        file,
        where: key,
        got: found === undefined ? 'nothing' : typeof found,
        expected,
      });
    return found;
  };
  const array = (key: string): AnyArray => entry(key, isArray);
  const x = entry('x', usable);
  const y = array('y');
  const records = x.shape[0];
  if (x.dtype === 'object' || x.dtype === 'str' || x.shape.length !== 3) {
    throw new InputError('x cannot be used', {
      file,
      got: `${x.dtype} (${x.shape.join(', ')})`,
      expected: 'numbers (records, samples, leads)',
    });
  }
  if (y.dtype === 'object' || y.dtype === 'str' || y.shape.length !== 2 || y.shape[0] !== records) {
    throw new InputError('y cannot be used', {
      file,
      got: `${y.dtype} (${y.shape.join(', ')})`,
      expected: `numbers (${records}, classes)`,
    });
  }
  const list = (key: string, length: number | undefined): (string | number)[] => {
    const found = array(key);
    if (found.shape.length !== 1 || found.shape[0] !== length) {
      throw new InputError(`${key} cannot be used`, {
        file,
        got: `shape (${found.shape.join(', ')})`,
        expected: `(${length},)`,
      });
    }
    if (found.dtype !== 'object' && found.dtype !== 'str') return Array.from(toFloat64(found));
    return Array.from(found.data, (item) => (typeof item === 'string' ? item : Number(item)));
  };
  return {
    // Values of a file are converted when they are read, see `openPreparedSet`.
    x: x instanceof NpyFile || isFloatType(x.dtype) ? x : (astype(x, 'float32') as X),
    y: y.dtype === 'float16' ? astype(y, 'float32') : y,
    recordIds: list('record_ids', records),
    classes: list('classes', y.shape[1]).map(String),
    ...(value.has('patient_ids') ? { patientIds: list('patient_ids', records) } : {}),
  };
}

function idArray(ids: readonly (string | number)[]): ObjectArray | NdArray<DType> {
  if (!ids.every((id) => typeof id === 'number')) return objectArray(ids);
  return ndarray('int64', [ids.length], BigInt64Array.from(ids, BigInt));
}
