import { type Dirent, readdirSync, statSync } from 'node:fs';
import { basename, extname, join, resolve, sep } from 'node:path';
import { InputError } from '../../../../errors.ts';
import { type Reporter, silent } from '../../../../events.ts';
import { type CsvRow, readRows, wholeNumber } from '../../../../lib/csv/table.ts';
import { type DType, type NdArray, zeros } from '../../../../lib/numpy/ndarray.ts';
import { AttributeError, KeyError, ValueError } from '../../../../lib/python/errors.ts';
import { parseLiteral } from '../../../../lib/python/literal.ts';
import { parseNumber } from '../../../../lib/python/number.ts';
import { readAnyHeader } from '../../../../lib/wfdb/header.ts';

/** One-hot or multi-hot labels: the part of a pandas DataFrame that the readers return. */
export interface LabelFrame<D extends DType = DType, I extends string | number = string | number> {
  readonly index: readonly I[];
  readonly columns: readonly string[];
  /** Shape (records, classes). */
  readonly values: NdArray<D>;
}

/** A collection before any signal is read: the path of each record, and the labels in the same order. */
export interface Listing<D extends DType = DType, I extends string | number = string | number> {
  /** Record paths without ending. */
  readonly paths: readonly string[];
  readonly labels: LabelFrame<D, I>;
  /** Patient of each record, if the collection states it. */
  readonly patientIds?: readonly number[];
  /** Fold of each record, if the collection assigns folds. */
  readonly folds?: readonly number[];
  /** Records left out because they have no label. */
  readonly unlabelled?: readonly I[];
}

/** Where records may lie. */
export interface PlaceOptions {
  /** Read the sub-folders of PhysioNet's layout (`A00/A00001`, `g1/…`), which the Python original does not know. Default false. */
  readonly nested?: boolean;
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

/** How deep folders may be nested. Ends the search if a link leads to a folder above. */
const MAX_DEPTH = 8;

/** Most labels (records × classes) that are held at once: up to 256 MiB. The largest collection, Challenge 2021, has 12 million. */
const MAX_LABELS = 2 ** 25;

/** Records and labels of Challenge 2017, without the signals. */
export function listChallenge17Data(dbDir: string, { nested = false }: PlaceOptions = {}): Listing<'bool', string> {
  requireDirectory(dbDir);
  const recordsFile = requireFile(dbDir, 'RECORDS');
  const referenceFile = requireFile(dbDir, 'REFERENCE.csv');
  const names = nested ? recordsBelow(dbDir) : readFields(recordsFile, 1).map(([name]) => name);
  const ids = nested ? recordIds(names) : names;
  const reference = new Map<string, string[]>();
  for (const [name, label] of readFields(referenceFile, 2)) {
    const labels = reference.get(name);
    if (labels) labels.push(label);
    else reference.set(name, [label]);
  }
  // An inner join: names without a label vanish, a name listed twice gives two rows.
  const counts = new Map<string, number>();
  for (const short of names.map((name) => basename(name))) counts.set(short, (counts.get(short) ?? 0) + 1);
  const labelsOf = (name: string): string[] => {
    const short = basename(name);
    const labels = reference.get(name);
    if (labels || !nested || !reference.has(short)) return labels ?? [];
    if (counts.get(short)! > 1) {
      throw new InputError('several records have this name, so its label is ambiguous', {
        file: referenceFile,
        got: short,
        expected: `names with their folders, such as ${name}`,
      });
    }
    return reference.get(short)!;
  };
  const rows = names.flatMap((name, i) => labelsOf(name).map((label) => ({ name, id: ids[i], label })));
  const columns = [...new Set(rows.map((row) => row.label))].sort(byCodePoint);
  const values = labelMatrix('bool', rows.length, columns.length, referenceFile);
  const columnOf = new Map(columns.map((name, column) => [name, column]));
  rows.forEach((row, i) => {
    values.data[i * columns.length + columnOf.get(row.label)!] = 1;
  });
  return {
    paths: rows.map((row) => recordPath(dbDir, row.name, referenceFile)),
    labels: { index: rows.map((row) => row.id), columns, values },
    unlabelled: ids.filter((_, i) => labelsOf(names[i]).length === 0),
  };
}

/** Records and labels of Challenge 2020, without the signals. */
export function listChallenge20Data(
  dbDir: string,
  report: Reporter = silent,
  { nested = false }: PlaceOptions = {},
): Listing<'int64', string> {
  requireDirectory(dbDir);
  const inFolder = matFiles(readdirSync(dbDir));
  const names = nested && inFolder.length === 0 ? matFilesBelow(dbDir) : inFolder;
  const paths = names.map((name) => join(dbDir, name));
  const codes = paths.flatMap((path, i) => {
    const { comments, cutComments } = readAnyHeader(path);
    const found = comments.filter((comment) => comment.includes('Dx:'));
    const cut = cutComments.find((comment) => comment.includes('Dx:'));
    if (cut !== undefined) {
      const text = `${path}.hea: the Dx comment has characters that are not ASCII; WFDB drops them and leaves ${JSON.stringify(cut)}`;
      report({ kind: 'warning', text });
    }
    if (found.length !== 1) {
      // Quirk Q28: all labels are strung together, so they stand at the wrong records from here on.
      report({
        kind: 'warning',
        text: `${path}.hea has ${found.length} Dx comments instead of 1: labels of later records shift (${names[i]})`,
      });
    }
    return found.map(diagnosisCodes);
  });
  const columns = [...new Set(codes.flat())].sort(byCodePoint);
  const present = codesOfRecords(codes, names.length, dbDir);
  return { paths, labels: { index: recordIds(names), columns, values: multiHot('int64', present, columns, dbDir) } };
}

/** The codes of each record, from those of all Dx comments in turn. Quirk Q28: pandas repeats a single comment for all records, and no comment makes no class. */
function codesOfRecords(codes: readonly string[][], records: number, dbDir: string): readonly string[][] {
  if (codes.length === records) return codes;
  if (codes.length > 1) {
    throw new ValueError(`${dbDir}: ${codes.length} Dx comments for ${records} records; each header needs exactly one`);
  }
  return Array(records).fill(codes[0] ?? []);
}

/** Records and labels of PTB-XL, without the signals. */
export function listPtbXlData(
  dbDir: string,
  { fs = 'hr', category = 'rhythm', removeEmpty = true, folds = [] }: PtbXlOptions = {},
): Listing<'int32', number> {
  if (fs !== 'lr' && fs !== 'hr')
    throw new ValueError(`fs must be 'lr' (100 Hz) or 'hr' (500 Hz), got ${JSON.stringify(fs)}`);
  if (!Array.isArray(folds)) throw new TypeError(`folds must be an array of numbers, got ${String(folds)}`);
  requireDirectory(dbDir);
  const databaseFile = requireFile(dbDir, 'ptbxl_database.csv');
  const statementsFile = requireFile(dbDir, 'scp_statements.csv');
  const database = openTable(databaseFile);
  const number = (row: CsvRow, column: string): number =>
    wholeNumber(database.cell(row, column), databaseFile, row.line, column);
  if (!database.has('ecg_id')) throw new ValueError(missingColumn(database, 'ecg_id'));
  if (folds.length > 0 && !database.has('strat_fold')) throw new AttributeError(missingColumn(database, 'strat_fold'));
  const columns = statementClasses(openTable(statementsFile), category);
  if (!database.has('scp_codes')) throw new AttributeError(missingColumn(database, 'scp_codes'));
  const all = database.rows
    .filter((row) => folds.length === 0 || folds.includes(number(row, 'strat_fold')))
    .map((row) => {
      const codes = statementCodes(database.cell(row, 'scp_codes'), databaseFile, row.line);
      const isKept = !removeEmpty || columns.some((name) => codes.has(name));
      return { row, id: number(row, 'ecg_id'), codes, isKept };
    });
  if (all.length === 0) {
    const which = folds.length === 0 ? 'no records' : `no records with strat_fold ${folds.join(', ')}`;
    throw new ValueError(`${databaseFile} lists ${which}`);
  }
  const signalColumn = `filename_${fs}`;
  if (!database.has(signalColumn)) throw new KeyError(missingColumn(database, signalColumn));
  refuseRepeated(all, databaseFile);
  const kept = all.filter(({ isKept }) => isKept);
  const present = kept.map(({ codes }) => codes);
  const numbers = (column: string): number[] | undefined =>
    database.has(column) ? kept.map(({ row }) => number(row, column)) : undefined;
  return {
    paths: kept.map(({ row }) => recordPath(dbDir, database.cell(row, signalColumn), databaseFile, row.line)),
    labels: {
      index: kept.map(({ id }) => id),
      columns,
      values: multiHot('int32', present, columns, databaseFile),
    },
    patientIds: numbers('patient_id'),
    folds: numbers('strat_fold'),
    unlabelled: all.filter(({ isKept }) => !isKept).map(({ id }) => id),
  };
}

export function refuseRepeated(rows: readonly { readonly row: CsvRow; readonly id: number }[], file: string): void {
  const seen = new Set<number>();
  for (const { row, id } of rows) {
    if (seen.has(id)) {
      const where = `line ${row.line}`;
      throw new InputError('another row has the same ecg_id', { file, where, got: String(id) });
    }
    seen.add(id);
  }
}

/** Names of the records in `RECORDS`. An entry that is a folder stands for the records in its own `RECORDS`. */
function recordsBelow(dbDir: string, folder = ''): string[] {
  const file = requireFile(join(dbDir, folder), 'RECORDS');
  return readFields(file, 1).flatMap(([entry]) => {
    const name = folder + entry.replace(/\/+$/, '');
    const path = recordPath(dbDir, name, file);
    const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
    if (!isFolder || statSync(`${path}.hea`, { throwIfNoEntry: false })) return [name];
    if (name.split('/').length > MAX_DEPTH) throw new InputError('folders are nested too deeply', { file, got: name });
    return recordsBelow(dbDir, `${name}/`);
  });
}

/** Names of the records with signals in `.mat` files in all sub-folders, each folder sorted by name. */
function matFilesBelow(dbDir: string, folder = ''): string[] {
  if (folder.split('/').length > MAX_DEPTH)
    throw new InputError('folders are nested too deeply', { file: join(dbDir, folder) });
  const entries = readdirSync(join(dbDir, folder), { withFileTypes: true }).sort((a, b) => byCodePoint(a.name, b.name));
  const isFolder = (entry: Dirent): boolean =>
    entry.isDirectory() ||
    (entry.isSymbolicLink() &&
      (statSync(join(dbDir, folder, entry.name), { throwIfNoEntry: false })?.isDirectory() ?? false));
  return [
    ...matFiles(entries.map(({ name }) => name)).map((name) => folder + name),
    ...entries.filter(isFolder).flatMap(({ name }) => matFilesBelow(dbDir, `${folder}${name}/`)),
  ];
}

function matFiles(files: readonly string[]): string[] {
  return [...files]
    .sort(byCodePoint)
    .filter((file) => extname(file) === '.mat')
    .map((file) => file.slice(0, -'.mat'.length));
}

/** Record ids: names without folders, unless two of them are the same. */
function recordIds(names: readonly string[]): readonly string[] {
  const short = names.map((name) => basename(name));
  return new Set(short).size === names.length ? short : names;
}

/** Labels of all records, none set. Throws InputError for more classes and records than can be held. */
function labelMatrix<D extends DType>(dtype: D, records: number, classes: number, source: string): NdArray<D> {
  if (records * classes > MAX_LABELS) {
    throw new InputError('there are too many classes', {
      file: source,
      got: `${classes} classes of ${records} records`,
      expected: `at most ${MAX_LABELS} labels in all`,
    });
  }
  return zeros(dtype, [records, classes]);
}

/** Labels (records, classes) with a 1 for each class that a record has; names that are not in `columns` are ignored. */
export function multiHot<D extends 'int32' | 'int64'>(
  dtype: D,
  codes: readonly (ReadonlySet<string> | readonly string[])[],
  columns: readonly string[],
  source: string,
): NdArray<D> {
  const values = labelMatrix(dtype, codes.length, columns.length, source);
  const one = (dtype === 'int64' ? 1n : 1) as never;
  const columnsOf = new Map<string, number[]>();
  for (const [column, name] of columns.entries()) columnsOf.set(name, [...(columnsOf.get(name) ?? []), column]);
  codes.forEach((present, row) => {
    for (const name of present) {
      for (const column of columnsOf.get(name) ?? []) values.data[row * columns.length + column] = one;
    }
  });
  return values;
}

function diagnosisCodes(comment: string): string[] {
  return comment
    .slice(comment.indexOf('Dx:') + 'Dx:'.length)
    .split(',')
    .map((code) => code.trim());
}

/** A CSV file with a header, of which some columns may be missing. */
export interface Table {
  readonly file: string;
  readonly columns: readonly string[];
  readonly rows: readonly CsvRow[];
  has(column: string): boolean;
  /** The text of a cell. The column must be there. */
  cell(row: CsvRow, column: string): string;
}

/** Reads a table. Throws ValueError for an empty file, as pandas does. */
export function openTable(file: string): Table {
  const [header, ...rows] = readRows(file);
  if (header === undefined) throw new ValueError(`${file} is empty`);
  const columns = header.fields;
  const has = (column: string): boolean => columns.includes(column);
  return { file, columns, rows, has, cell: ({ fields }, column) => fields[columns.indexOf(column)] };
}

export function missingColumn({ file, columns }: Table, name: string): string {
  return `${file} has no column ${JSON.stringify(name)}; it has ${columns.filter(Boolean).join(', ').slice(0, 200)}`;
}

/** Classes of a category: statements whose column equals 1, in file order. */
export function statementClasses(statements: Table, category: string): string[] {
  if (!statements.columns.slice(1).includes(category)) throw new KeyError(missingColumn(statements, category));
  const cells = statements.rows.map((row) => statements.cell(row, category).trim());
  const isOne = equalsOne(cells);
  return statements.rows.flatMap(({ fields }, i) => (isOne(cells[i]) ? [fields[0]] : []));
}

/** Which cells of a column equal 1 in pandas: `True` in a column of booleans, 1 in one of numbers, none in one that holds other text. */
function equalsOne(cells: readonly string[]): (cell: string) => boolean {
  const filled = cells.filter((cell) => cell !== '');
  if (filled.every((cell) => /^(true|false)$/i.test(cell))) return (cell) => /^true$/i.test(cell);
  if (filled.every((cell) => parseNumber(cell) !== undefined)) return (cell) => parseNumber(cell) === 1;
  return () => false;
}

/** Statements of one record: the keys of a Python dict in text form, or the elements of a list, tuple or set. Their likelihood is ignored (Quirk Q56). */
export function statementCodes(text: string, file: string, line: number): Set<string> {
  const where = `line ${line}, scp_codes`;
  let value: unknown;
  try {
    value = parseLiteral(text);
  } catch (error) {
    throw new InputError('the statements cannot be read', { file, where, got: (error as Error).message });
  }
  const names = value instanceof Map ? value.keys() : value;
  if (!Array.isArray(names) && !(names instanceof Set) && !(value instanceof Map)) {
    throw new InputError('the statements are not a dict', {
      file,
      where,
      got: JSON.stringify(text.slice(0, 60)),
      expected: "{'SR': 100.0, …}",
    });
  }
  return new Set([...(names as Iterable<unknown>)].filter((name): name is string => typeof name === 'string'));
}

/** Path of a record that an index file names, which must lie inside the folder. */
export function recordPath(dbDir: string, name: string, file: string, line?: number): string {
  const base = resolve(dbDir);
  const path = resolve(base, name);
  if (!path.startsWith(base + sep)) {
    throw new InputError('a record lies outside the folder', {
      file,
      where: line === undefined ? undefined : `line ${line}`,
      got: JSON.stringify(name),
      expected: `a path below ${dbDir}`,
    });
  }
  return join(dbDir, name);
}

export function requireDirectory(path: string): void {
  if (typeof path !== 'string') throw new TypeError(`the path of a folder must be text, got ${String(path)}`);
  const isFolder = !path.includes('\0') && statSync(path, { throwIfNoEntry: false })?.isDirectory();
  if (!isFolder) throw new ValueError(`${path} is not a folder`);
}

export function requireFile(dbDir: string, name: string): string {
  const file = join(dbDir, name);
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) throw new ValueError(`${name} is missing in ${dbDir}`);
  return file;
}

/** Rows of a CSV file without a header; every row has `width` non-empty fields. Too many are the errors that pandas makes of them. */
function readFields(file: string, width: number): (readonly string[])[] {
  const rows = readRows(file);
  const fields = rows[0]?.fields.length ?? width;
  if (fields > width) {
    const text = `${file}: the first row has ${fields} fields, expected ${width}`;
    throw fields === width + 1 ? new KeyError(text) : new ValueError(text);
  }
  return rows.map(({ line, fields }) => {
    if (fields.length !== width || fields.includes('')) {
      throw new InputError('the row does not have the expected fields', {
        file,
        where: `line ${line}`,
        got: JSON.stringify(fields.join(',').slice(0, 80)),
        expected: `${width} non-empty fields`,
      });
    }
    return fields;
  });
}

export function byCodePoint(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
