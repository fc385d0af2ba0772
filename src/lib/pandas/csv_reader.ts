import { InputError } from '../../errors.ts';
import { csvBudget, eachRecord } from '../csv/records.ts';
import { type NdArray, ndarray } from '../numpy/ndarray.ts';
import { readWholeFile } from '../python/whole_file.ts';
import { type Column, DataFrame } from './frame.ts';
import { parseFloatLikePandas, parseIntegerLikePandas } from './number_parser.ts';

const MISSING: ReadonlySet<string> = new Set([
  '',
  '#N/A',
  '#N/A N/A',
  '#NA',
  '-1.#IND',
  '-1.#QNAN',
  '-NaN',
  '-nan',
  '1.#IND',
  '1.#QNAN',
  '<NA>',
  'N/A',
  'NA',
  'NULL',
  'NaN',
  'None',
  'n/a',
  'nan',
  'null',
]);
/** Upper or lower case, as C's `strcasecmp` compares. */
const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ['TRUE', true],
  ['FALSE', false],
]);
const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);
const UINT64_MAX = 2n ** 64n - 1n;
const NEGATIVE = /^[ \t\n\v\f\r]*-/;

/**
 * Reads a CSV file as `pandas.read_csv(path)` does, including dtypes: a column is int64 (uint64 if necessary), else float64, else bool, else objects.
 * Missing cells are NaN. Stricter than pandas on damaged files: lines with more or fewer cells, stray quotes, duplicate or empty names, and NUL are
 * errors.
 *
 * @throws FileNotFoundError, or InputError that names the line.
 */
export function readCsv(path: string): DataFrame {
  return parseCsv(readWholeFile(path), path);
}

/** Reads CSV from bytes. */
export function parseCsv(bytes: Uint8Array, file = 'CSV'): DataFrame {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new InputError('the text is not UTF-8', { file });
  }
  if (text.includes('\0'))
    throw new InputError('the text holds a NUL character', { file, where: `line ${lineOf(text, '\0')}` });
  const [names, ...rows] = tokenize(text, file);
  if (!names)
    throw new InputError('the header line is missing', { file, got: 'an empty file', expected: 'names of columns' });
  const seen = new Set<string>();
  names.forEach((name, i) => {
    if (name === '') throw new InputError('a column has no name', { file, where: `line 1, column ${i + 1}` });
    if (seen.size === seen.add(name).size)
      throw new InputError('two columns share a name', { file, where: 'line 1', got: name });
  });
  if (names.length === 1 && rows.some(([cell]) => /^[ \t]+$/.test(cell))) {
    throw new InputError('a line holds only blanks', { file });
  }
  return new DataFrame(names.map((name, i) => [name, inferColumn(rows.map((row) => row[i]))]));
}

function tokenize(text: string, file: string): string[][] {
  const records: string[][] = [];
  eachRecord(text, csvBudget(text, file), { bom: true, skip_empty_lines: true }, (record) => {
    records.push(record);
  });
  return records;
}

function lineOf(text: string, part: string): number {
  return text.slice(0, text.indexOf(part)).split('\n').length;
}

function inferColumn(cells: readonly string[]): Column {
  const missing = cells.map((cell) => MISSING.has(cell));
  const shape = [cells.length];
  if (cells.length === 0) return { dtype: 'object', shape, data: [] };
  const texts: Column = { dtype: 'object', shape, data: cells.map((cell, i) => (missing[i] ? Number.NaN : cell)) };
  if (missing.includes(false)) {
    const integers = integerColumn(cells, missing);
    if (integers === 'overflow') return texts;
    // Here pandas keeps missing cells as text, too.
    if (integers === 'conflict') return { dtype: 'object', shape, data: [...cells] };
    if (integers !== 'no integers') return integers;
  }
  const floats = cells.map((cell, i) => (missing[i] ? Number.NaN : parseFloatLikePandas(cell)));
  if (floats.every((value) => value !== undefined)) return ndarray('float64', shape, Float64Array.from(floats));
  return booleanColumn(cells, missing) ?? texts;
}

function booleanColumn(cells: readonly string[], missing: readonly boolean[]): Column | undefined {
  const booleans = cells.map((cell) => (/^[a-z]{4,5}$/i.test(cell) ? BOOLEANS.get(cell.toUpperCase()) : undefined));
  if (!booleans.every((value, i) => missing[i] || value !== undefined)) return undefined;
  const shape = [cells.length];
  if (!missing.includes(true)) return ndarray('bool', shape, Uint8Array.from(booleans, Number));
  return { dtype: 'object', shape, data: booleans.map((value) => value ?? Number.NaN) };
}

/**
 * int64, or float64 if cells are missing, or uint64. As in pandas, the first cell that is not an int64 decides. `conflict`: a cell needs uint64, and
 * another one is negative or missing.
 */
function integerColumn(
  cells: readonly string[],
  missing: readonly boolean[],
): NdArray | 'overflow' | 'conflict' | 'no integers' {
  const shape = [cells.length];
  const signed = parseAll(cells, missing, (cell) => parseIntegerLikePandas(cell, INT64_MIN, INT64_MAX));
  if (signed === 'invalid') return 'no integers';
  if (signed !== 'overflow') {
    if (!missing.includes(true)) return ndarray('int64', shape, BigInt64Array.from(signed));
    return ndarray(
      'float64',
      shape,
      // pandas marks missing cells with the smallest int64, so a cell with this number is missing, too.
      Float64Array.from(signed, (value, i) => (missing[i] || value === INT64_MIN ? Number.NaN : Number(value))),
    );
  }
  // pandas looks at no more of a negative cell than its sign.
  const unsigned = parseAll(cells, missing, (cell) =>
    NEGATIVE.test(cell) ? 0n : parseIntegerLikePandas(cell, 0n, UINT64_MAX),
  );
  if (unsigned === 'invalid') return 'no integers';
  if (unsigned === 'overflow') return 'overflow';
  const isNegative = cells.some((cell) => NEGATIVE.test(cell));
  if (unsigned.some((value) => value > INT64_MAX) && (isNegative || missing.includes(true))) return 'conflict';
  if (isNegative) return 'overflow';
  return ndarray('uint64', shape, BigUint64Array.from(unsigned));
}

/** All integers, with 0 for a missing cell; or the first fault. */
function parseAll(
  cells: readonly string[],
  missing: readonly boolean[],
  parse: (cell: string) => bigint | 'overflow' | 'invalid',
): bigint[] | 'overflow' | 'invalid' {
  const values: bigint[] = [];
  for (const [i, cell] of cells.entries()) {
    const value = missing[i] ? 0n : parse(cell);
    if (typeof value === 'string') return value;
    values.push(value);
  }
  return values;
}
