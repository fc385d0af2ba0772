import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { bytesOf, type NdArray } from '../../../src/lib/numpy/ndarray.ts';
import type { Annotation } from '../../../src/lib/wfdb/annotation.ts';
import type { WfdbRecord } from '../../../src/lib/wfdb/record.ts';
import { runPython } from '../../python.ts';

/** Array as `wfdb_reader.py` tells it. */
export interface ArrayDigest {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly sha256: string;
}

export type PythonRecord = Omit<WfdbRecord, 'pSignal'> & { readonly pSignal: ArrayDigest | null };
export type Failure = { readonly error: string };

/** What wfdb-python reads from records and annotation files, in one process. */
export async function readWithPython(job: {
  readonly records?: readonly string[];
  readonly annotations?: readonly (readonly [path: string, extension: string])[];
  /** Time for one reading. */
  readonly seconds?: number;
}): Promise<{ records: (PythonRecord | Failure)[]; annotations: (Annotation | Failure)[] }> {
  return JSON.parse(await runPython([join(import.meta.dirname, 'wfdb_reader.py')], { input: JSON.stringify(job) }));
}

const codes: Readonly<Record<string, string>> = {
  float64: '<f8',
  float32: '<f4',
  bool: '|b1',
  int32: '<i4',
  int64: '<i8',
};

export function digest(array: NdArray): ArrayDigest {
  return {
    dtype: codes[array.dtype] ?? array.dtype,
    shape: array.shape,
    sha256: createHash('sha256').update(bytesOf(array)).digest('hex'),
  };
}

/** A record in the form in which Python tells it, which drops what is not ASCII. */
export function asPython(record: WfdbRecord): PythonRecord {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII.
  const ascii = (text: string): string => text.replace(/[^\x00-\x7f]/g, '');
  return {
    ...record,
    sigName: record.sigName.map((name) => (name === null ? null : ascii(name).trim() || null)),
    units: record.units.map((unit) => ascii(unit) || 'mV'),
    pSignal: digest(record.pSignal),
  };
}
