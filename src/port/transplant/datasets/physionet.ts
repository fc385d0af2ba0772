import { readdirSync, statSync } from 'node:fs';
import { extname, join, resolve, sep } from 'node:path';
import { InputError } from '../../../errors.ts';
import { type Reporter, silent } from '../../../events.ts';
import { readRows, readTable, wholeNumber } from '../../../lib/csv/table.ts';
import { type DType, type NdArray, zeros } from '../../../lib/numpy/ndarray.ts';
import { KeyError, ValueError } from '../../../lib/python/errors.ts';
import { parseLiteral } from '../../../lib/python/literal.ts';
import type { Resampler } from '../../../lib/samplerate/resample.ts';
import { readHeader } from '../../../lib/wfdb/header.ts';
import { rdrecord, type WfdbRecord } from '../../../lib/wfdb/signal.ts';

/** Mean and standard deviation of Challenge 2017 (mV). */
export const challenge17Mean = 0.0075;
export const challenge17Std = 0.2373;
/** Mean and standard deviation per lead of CPSC 2018 (mV). */
export const challenge20Mean: readonly number[] = Array(12).fill(0);
export const challenge20Std: readonly number[] = [
  0.2137, 0.2356, 0.2205, 0.2086, 0.1962, 0.2139, 0.3359, 0.4167, 0.4489, 0.4828, 0.523, 0.5614,
];
/** Mean and standard deviation per lead of PTB-XL (mV). */
export const ptbXlMean: readonly number[] = [
  -0.0018, -0.0013, 0.0005, 0.0015, -0.0011, -0.0004, 0.0002, -0.0009, -0.0015, -0.0018, -0.0012, -0.0012,
];
export const ptbXlStd: readonly number[] = [
  0.1921, 0.1677, 0.1791, 0.1454, 0.1553, 0.15, 0.2339, 0.3384, 0.3351, 0.3101, 0.2901, 0.2464,
];

/** One-hot or multi-hot labels: the part of a pandas DataFrame that the readers return. */
export interface LabelFrame<D extends DType = DType, I extends string | number = string | number> {
  readonly index: readonly I[];
  readonly columns: readonly string[];
  /** Shape (records, classes). */
  readonly values: NdArray<D>;
}

/** A collection before any signal is read: where each record lies, and its labels in the same order. */
export interface Listing<D extends DType = DType, I extends string | number = string | number> {
  /** Record paths without ending. */
  readonly paths: readonly string[];
  readonly labels: LabelFrame<D, I>;
  /** Patient of each record, where the collection tells. */
  readonly patientIds?: readonly number[];
  /** Fold that the collection assigns to each record, where it does. */
  readonly folds?: readonly number[];
}

/** What a reader of a collection returns. */
export interface Collection<D extends DType = DType, I extends string | number = string | number> {
  readonly records: WfdbRecord[];
  readonly labels: LabelFrame<D, I>;
}

/** Options of `readPtbXlData`. */
export interface PtbXlOptions {
  /** `lr`: 100 Hz, `hr`: 500 Hz (default). */
  readonly fs?: 'lr' | 'hr';
  /** Column of `scp_statements.csv` that marks the classes (default `rhythm`). */
  readonly category?: string;
  /** Leave out records without any of the classes (default true). */
  readonly removeEmpty?: boolean;
  /** Keep only these `strat_fold` (default: all). */
  readonly folds?: readonly number[];
}

/**
 * Reads Challenge 2017: single lead, 300 Hz. Twin of `read_challenge17_data`.
 *
 * @param dbDir folder with `RECORDS`, `REFERENCE.csv` and the records.
 * @returns records with `pSignal` (samples, 1) in mV, in the order of `RECORDS`; labels bool (Quirk Q27: pandas 2 makes booleans), one column per
 *   label that occurs, sorted.
 * @throws ValueError for a missing folder, `RECORDS` or `REFERENCE.csv`; InputError for contents that cannot be used.
 */
export function readChallenge17Data(dbDir: string, report: Reporter = silent): Collection<'bool', string> {
  return readAll(listChallenge17Data(dbDir), report);
}

/** Records and labels of Challenge 2017, without the signals. */
export function listChallenge17Data(dbDir: string): Listing<'bool', string> {
  requireDirectory(dbDir);
  const recordsFile = requireFile(dbDir, 'RECORDS');
  const referenceFile = requireFile(dbDir, 'REFERENCE.csv');
  const names = readFields(recordsFile, 1).map(([name]) => name!);
  const reference = new Map<string, string[]>();
  for (const [name, label] of readFields(referenceFile, 2)) {
    const labels = reference.get(name!);
    if (labels) labels.push(label!);
    else reference.set(name!, [label!]);
  }
  // An inner join: names without a label vanish, a name listed twice gives two rows.
  const rows = names.flatMap((name) => (reference.get(name) ?? []).map((label) => ({ name, label })));
  const columns = [...new Set(rows.map((row) => row.label))].sort(byCodePoint);
  const values = zeros('bool', [rows.length, columns.length]);
  rows.forEach((row, i) => {
    values.data[i * columns.length + columns.indexOf(row.label)] = 1;
  });
  return {
    paths: rows.map((row) => recordPath(dbDir, row.name, referenceFile)),
    labels: { index: rows.map((row) => row.name), columns, values },
  };
}

/**
 * Reads records in the form of Challenge 2020: labels are the SNOMED codes in the `Dx:` comment of each header. Twin of `read_challenge20_data`.
 *
 * @param dbDir folder whose `*.mat` files are the records.
 * @returns records with `pSignal` (samples, leads) in mV, sorted by name (Quirk Q28: the original takes them as the folder lists them); labels int64,
 *   one column per code that occurs, sorted as text.
 * @throws ValueError for a missing folder, or if there is not one `Dx:` comment per record; InputError for records that cannot be used.
 */
export function readChallenge20Data(dbDir: string, report: Reporter = silent): Collection<'int64', string> {
  return readAll(listChallenge20Data(dbDir, report), report);
}

/** Records and labels of Challenge 2020, without the signals. */
export function listChallenge20Data(dbDir: string, report: Reporter = silent): Listing<'int64', string> {
  requireDirectory(dbDir);
  const names = readdirSync(dbDir)
    .sort(byCodePoint)
    .filter((file) => extname(file) === '.mat')
    .map((file) => file.slice(0, -'.mat'.length));
  const paths = names.map((name) => join(dbDir, name));
  const codes = paths.flatMap((path, i) => {
    const found = readHeader(path).comments.filter((comment) => comment.includes('Dx:'));
    if (found.length !== 1) {
      // Quirk Q28: all labels are strung together, so they stand at the wrong records from here on.
      report({
        kind: 'warning',
        text: `${path}.hea has ${found.length} Dx comments instead of 1: labels of later records shift (${names[i]})`,
      });
    }
    return found.map(diagnosisCodes);
  });
  if (codes.length !== names.length) {
    throw new ValueError(
      `${dbDir}: ${codes.length} Dx comments for ${names.length} records; each header needs exactly one`,
    );
  }
  const columns = [...new Set(codes.flat())].sort(byCodePoint);
  return { paths, labels: { index: names, columns, values: multiHot('int64', codes, columns) } };
}

/**
 * Reads PTB-XL: twelve leads, 100 or 500 Hz. Twin of `read_ptb_xl_data`.
 *
 * @param dbDir folder with `ptbxl_database.csv`, `scp_statements.csv` and the records.
 * @returns records with `pSignal` (samples, 12) in mV and `recordName` the ECG id; labels int32, one column per class in the order of
 *   `scp_statements.csv`. Quirk Q56: a statement of likelihood 0 counts as present.
 * @throws ValueError for an unknown `fs`, a missing folder or CSV file; KeyError for an unknown category; InputError naming file and row for contents
 *   that cannot be used.
 */
export function readPtbXlData(
  dbDir: string,
  options: PtbXlOptions = {},
  report: Reporter = silent,
): Collection<'int32', number> {
  const collection = readAll(listPtbXlData(dbDir, options), report);
  collection.records.forEach((record, i) => {
    record.recordName = collection.labels.index[i]!;
  });
  return collection;
}

/** Records and labels of PTB-XL, without the signals. */
export function listPtbXlData(
  dbDir: string,
  { fs = 'hr', category = 'rhythm', removeEmpty = true, folds = [] }: PtbXlOptions = {},
): Listing<'int32', number> {
  if (fs !== 'lr' && fs !== 'hr')
    throw new ValueError(`fs must be 'lr' (100 Hz) or 'hr' (500 Hz), got ${JSON.stringify(fs)}`);
  requireDirectory(dbDir);
  const databaseFile = requireFile(dbDir, 'ptbxl_database.csv');
  const statementsFile = requireFile(dbDir, 'scp_statements.csv');
  const signalColumn = `filename_${fs}` as const;
  const database = readTable(databaseFile, ['ecg_id', 'patient_id', 'strat_fold', 'scp_codes', signalColumn]);
  const columns = statementClasses(statementsFile, category);
  const number = (row: (typeof database)[number], column: 'ecg_id' | 'patient_id' | 'strat_fold'): number =>
    wholeNumber(row[column], databaseFile, row.line, column);
  const rows = database
    .filter((row) => folds.length === 0 || folds.includes(number(row, 'strat_fold')))
    .map((row) => ({ row, codes: statementCodes(row.scp_codes, databaseFile, row.line) }))
    .filter(({ codes }) => !removeEmpty || columns.some((name) => codes.has(name)));
  const present = rows.map(({ codes }) => codes);
  return {
    paths: rows.map(({ row }) => recordPath(dbDir, row[signalColumn], databaseFile)),
    labels: {
      index: rows.map(({ row }) => number(row, 'ecg_id')),
      columns,
      values: multiHot('int32', present, columns),
    },
    patientIds: rows.map(({ row }) => number(row, 'patient_id')),
    folds: rows.map(({ row }) => number(row, 'strat_fold')),
  };
}

/**
 * Resamples signals by libsamplerate's best sinc converter, each as a whole. Twin of `resample_records`.
 *
 * @param records with `pSignal` (samples, leads).
 * @param fs wanted sampling rate (Hz).
 * @returns float32 (n, leads) each; a record that has the rate already gives its own `pSignal`.
 */
export function resampleRecords(
  records: readonly WfdbRecord[],
  fs: number,
  resampler: Resampler,
  report: Reporter = silent,
): NdArray<'float32' | 'float64'>[] {
  const task = 'resampling';
  report({ kind: 'start', task, total: records.length, unit: 'records' });
  const out = records.map((record, i) => {
    const signal = resampleRecord(record, fs, resampler);
    report({ kind: 'progress', task, done: i + 1 });
    return signal;
  });
  report({ kind: 'end', task });
  return out;
}

/** One record of `resampleRecords`. */
export function resampleRecord(record: WfdbRecord, fs: number, resampler: Resampler): NdArray<'float32' | 'float64'> {
  return record.fs === fs ? record.pSignal : resampler.resample(record.pSignal, record.fs, fs);
}

/** Normalises a signal (…, 1) in mV by mean and standard deviation of Challenge 2017. Twin of `normalize_challenge17`. */
export const normalizeChallenge17: Normalizer = (array, inplace = false) =>
  normalize(array, challenge17Mean, challenge17Std, inplace);

/** Normalises a signal (…, 12) in mV by mean and standard deviation per lead of CPSC 2018. Twin of `normalize_challenge20`. */
export const normalizeChallenge20: Normalizer = (array, inplace = false) =>
  normalize(array, challenge20Mean, challenge20Std, inplace);

/** Normalises a signal (…, 12) in mV by mean and standard deviation per lead of PTB-XL. Twin of `normalize_ptb_xl`. */
export const normalizePtbXl: Normalizer = (array, inplace = false) => normalize(array, ptbXlMean, ptbXlStd, inplace);

/** `(x − mean) / std`, in a new array or in place. */
export type Normalizer = (array: NdArray<'float32' | 'float64'>, inplace?: boolean) => NdArray<'float32' | 'float64'>;

/**
 * Subtracts the mean and divides by the standard deviation: numbers, or one number per lead (last axis). Twin of `_normalize`, with NumPy's dtypes:
 * on float32 signals numbers are rounded to float32 and every step is float32; lists give a float64 result, or in place steps in double
 * precision that are rounded when stored.
 *
 * @throws ValueError if the last axis is not that of the lists.
 */
export function normalize(
  array: NdArray<'float32' | 'float64'>,
  mean: number | readonly number[],
  std: number | readonly number[],
  inplace = false,
): NdArray<'float32' | 'float64'> {
  const means = typeof mean === 'number' ? [mean] : mean;
  const stds = typeof std === 'number' ? [std] : std;
  const leads = means.length;
  if (typeof mean !== 'number' && array.shape.at(-1) !== leads) {
    throw new ValueError(`the last axis must have ${leads} leads, got shape (${array.shape.join(', ')})`);
  }
  const numbers = typeof mean === 'number';
  const single = array.dtype === 'float32' && (numbers || inplace);
  const stored = single ? Math.fround : (value: number): number => value;
  const constant = single && numbers ? Math.fround : (value: number): number => value;
  const out = inplace ? array : zeros(single ? 'float32' : 'float64', array.shape);
  const m = means.map(constant);
  const s = stds.map(constant);
  for (let i = 0; i < array.data.length; i++) {
    const lead = i % leads;
    out.data[i] = stored(stored(array.data[i]! - m[lead]!) / s[lead]!);
  }
  return out;
}

function readAll<D extends DType, I extends string | number>(
  listing: Listing<D, I>,
  report: Reporter,
): Collection<D, I> {
  const task = 'reading records';
  report({ kind: 'start', task, total: listing.paths.length, unit: 'records' });
  const records = listing.paths.map((path, i) => {
    const record = rdrecord(path);
    report({ kind: 'progress', task, done: i + 1 });
    return record;
  });
  report({ kind: 'end', task });
  return { records, labels: listing.labels };
}

function multiHot<D extends 'int32' | 'int64'>(
  dtype: D,
  codes: readonly (ReadonlySet<string> | readonly string[])[],
  columns: readonly string[],
): NdArray<D> {
  const values = zeros(dtype, [codes.length, columns.length]);
  const one = (dtype === 'int64' ? 1n : 1) as never;
  codes.forEach((present, row) => {
    const set = new Set(present);
    columns.forEach((name, column) => {
      if (set.has(name)) values.data[row * columns.length + column] = one;
    });
  });
  return values;
}

function diagnosisCodes(comment: string): string[] {
  return comment
    .slice(comment.indexOf('Dx:') + 'Dx:'.length)
    .split(',')
    .map((code) => code.trim());
}

/** Classes of a category: statements whose column equals 1, in file order. */
function statementClasses(file: string, category: string): string[] {
  const [header, ...rows] = readRows(file);
  const columns = header?.fields.slice(1) ?? [];
  const at = columns.indexOf(category);
  if (at === -1) throw new KeyError(`${file} has no column ${JSON.stringify(category)}; it has ${columns.join(', ')}`);
  return rows.flatMap(({ fields }) => (fields[at + 1] !== '' && Number(fields[at + 1]) === 1 ? [fields[0]!] : []));
}

/** Statements of one record: the keys of a Python dict in text form, whatever their likelihood (Quirk Q56). */
function statementCodes(text: string, file: string, line: number): Set<string> {
  const where = `line ${line}, scp_codes`;
  let value: unknown;
  try {
    value = parseLiteral(text);
  } catch (error) {
    throw new InputError('the statements cannot be read', { file, where, got: (error as Error).message });
  }
  if (!(value instanceof Map)) {
    throw new InputError('the statements are no dict', {
      file,
      where,
      got: JSON.stringify(text.slice(0, 60)),
      expected: "{'SR': 100.0, …}",
    });
  }
  return new Set([...value.keys()].filter((key): key is string => typeof key === 'string'));
}

/** Path of a record that an index file names; it has to stay inside the folder. */
function recordPath(dbDir: string, name: string, file: string): string {
  const base = resolve(dbDir);
  const path = resolve(base, name);
  if (!path.startsWith(base + sep)) {
    throw new InputError('a record lies outside the folder', {
      file,
      got: JSON.stringify(name),
      expected: `a path below ${dbDir}`,
    });
  }
  return join(dbDir, name);
}

function requireDirectory(path: string): void {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw new ValueError(`${path} is not a folder`);
}

function requireFile(dbDir: string, name: string): string {
  const file = join(dbDir, name);
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) throw new ValueError(`${name} is missing in ${dbDir}`);
  return file;
}

/** Rows of a CSV file without a header; every row has `width` non-empty fields. */
function readFields(file: string, width: number): (readonly string[])[] {
  return readRows(file).map(({ line, fields }) => {
    if (fields.length !== width || fields.includes('')) {
      throw new InputError('the row is wrong', {
        file,
        where: `line ${line}`,
        got: JSON.stringify(fields.join(',').slice(0, 80)),
        expected: `${width} non-empty fields`,
      });
    }
    return fields;
  });
}

function byCodePoint(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
