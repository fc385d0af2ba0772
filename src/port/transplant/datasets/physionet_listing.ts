import { readdirSync, statSync } from 'node:fs';
import { extname, join, resolve, sep } from 'node:path';
import { InputError } from '../../../errors.ts';
import { type Reporter, silent } from '../../../events.ts';
import { readRows, readTable, wholeNumber } from '../../../lib/csv/table.ts';
import { type DType, type NdArray, zeros } from '../../../lib/numpy/ndarray.ts';
import { KeyError, ValueError } from '../../../lib/python/errors.ts';
import { parseLiteral } from '../../../lib/python/literal.ts';
import { parseNumber } from '../../../lib/python/number.ts';
import { readHeader } from '../../../lib/wfdb/header.ts';

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
  return rows.flatMap(({ fields }) => (parseNumber(fields[at + 1]!) === 1 ? [fields[0]!] : []));
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
