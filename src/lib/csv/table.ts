import { InputError } from '../../errors.ts';
import { parseNumber } from '../python/number.ts';
import { csvBudget, eachRecord } from './records.ts';
import { readText, readUtf8 } from './text.ts';

/** One row of a CSV file and where it stands. */
export interface CsvRow {
  /** Number of the line on which the row ends, from 1. */
  readonly line: number;
  readonly fields: readonly string[];
}

/** A CSV file with a header: rows as objects of the wanted columns. */
export type CsvRecord<C extends string> = { readonly line: number } & Readonly<Record<C, string>>;

/** How a table is read. */
export interface TableOptions {
  /** Semicolons or tabs may separate the columns, and the text may be in any of the encodings of `readText`; default: commas and UTF-8, as for pandas. */
  readonly anyDialect?: boolean;
}

/**
 * Reads a CSV file of UTF-8 text; empty lines are skipped, all rows have equally many fields.
 *
 * @throws FileNotFoundError; InputError naming file and line.
 */
export function readRows(file: string): CsvRow[] {
  return parseRows(readUtf8(file), ',', file);
}

function parseRows(text: string, delimiter: string, file: string): CsvRow[] {
  const rows: CsvRow[] = [];
  eachRecord(text, csvBudget(text, file), { delimiter, skip_empty_lines: true }, (fields, line) => {
    rows.push({ line, fields });
  });
  return rows;
}

/**
 * Reads a CSV file whose first row names the columns.
 *
 * @param columns columns that must be there.
 * @param optional columns that may be missing; they are then empty.
 * @throws InputError naming file and line, or the missing columns.
 */
export function readTable<C extends string>(
  file: string,
  columns: readonly C[],
  optional: readonly C[] = [],
  { anyDialect = false }: TableOptions = {},
): CsvRecord<C>[] {
  const text = anyDialect ? readText(file) : readUtf8(file);
  const head = /.*/.exec(text)![0];
  const delimiter = anyDialect ? [';', '\t'].find((mark) => head.includes(mark)) : undefined;
  const [header, ...rows] = parseRows(text, delimiter ?? ',', file);
  const names = header?.fields.map((name) => (anyDialect ? name.trim() : name)) ?? [];
  const missing = columns.filter((column) => !names.includes(column));
  if (missing.length > 0) {
    throw new InputError('columns are missing', {
      file,
      got: names.join(', ').slice(0, 200) || 'an empty file',
      expected: missing.join(', '),
    });
  }
  const places = [...columns, ...optional].map((column) => [column, names.indexOf(column)] as const);
  return rows.map(({ line, fields }) => {
    const entries = places.map(([column, at]) => [column, fields[at] ?? '']);
    return { ...Object.fromEntries(entries), line } as CsvRecord<C>;
  });
}

/**
 * A whole number as pandas reads it: `15709.0` is one.
 *
 * @throws InputError naming file, line and column.
 */
export function wholeNumber(text: string, file: string, line: number, column: string): number {
  const value = parseNumber(text);
  if (!Number.isSafeInteger(value)) {
    throw new InputError(`${column} is not a whole number`, {
      file,
      where: `line ${line}`,
      got: JSON.stringify(text.slice(0, 40)),
    });
  }
  return value!;
}
