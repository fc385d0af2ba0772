import { InputError } from '../../errors.ts';
import type { Budget } from '../budget.ts';
import { parseNumber } from '../python/number.ts';
import { csvBudget, eachRecord } from './records.ts';
import { readText } from './text.ts';
import { parseTimestamp } from './timestamp.ts';

/** A table of numbers in a text file. */
export interface NumberTable {
  readonly file: string;
  /** Names of the columns, without quotes; undefined where the file has none. */
  readonly names: readonly string[] | undefined;
  /** Units of the columns, where a line below the names states them. */
  readonly units: readonly string[] | undefined;
  /** Row by row; NaN for a missing cell, and for what is no number. */
  readonly cells: Float64Array;
  readonly rows: number;
  readonly columns: number;
  /** First cell of each column that is neither a number nor missing. */
  readonly faults: readonly (CellFault | undefined)[];
  /** Columns of which cells are points in time, read as seconds. */
  readonly timestamps: ReadonlySet<number>;
  /** Numbers have decimal commas. */
  readonly decimalCommas: boolean;
}

/** Where a cell stands and what is in it. */
export interface CellFault {
  readonly line: number;
  readonly text: string;
}

/** Samples of a table that are held at once: 512 MiB. */
const MAX_CELLS = 2 ** 26;
/** What programs write where a sample is missing. */
const MISSING: ReadonlySet<string> = new Set(['', '-', 'nan', 'na', 'n/a', '#n/a', 'null', 'none', '<na>']);

/**
 * Reads a table of numbers: columns separated by commas, semicolons, tabs or blanks, decimal points or (unless commas separate) commas. Lines that start
 * with `#` are comments, of which the last before the numbers can name the columns; a line `sep=;` and a separator at the end of lines are passed over. A blank
 * line between others is a row of missing cells.
 *
 * @throws FileNotFoundError; InputError naming file and line.
 */
export function readNumberTable(file: string): NumberTable {
  const { body, firstLine, comment, separator } = prologue(readText(file));
  const [head = '', second = ''] = body.split(/\r\n|\n|\r/, 2);
  if (head.trim() === '')
    throw new InputError('the file is empty', { file, expected: 'a line of names and a row per sample' });
  const delimiter = separator ?? guessDelimiter(head, second);
  const mark = delimiter === ' ' ? '\t' : delimiter;
  const budget = csvBudget(body, file);
  const builder = new TableBuilder(budget, mark, comment);
  const options = {
    delimiter: mark,
    comment: '#',
    comment_no_infix: true,
    relax_column_count: true,
    skip_empty_lines: true,
  };
  eachRecord(
    evenRows(delimiter === ' ' ? tabbed(body) : body, mark),
    budget,
    options,
    (record, line, emptyLines) => builder.add(record, line + firstLine - 1, emptyLines),
    firstLine - 1,
  );
  return builder.finish();
}

/** Blanks between columns as tabs. */
function tabbed(body: string): string {
  return body.replace(/ +/g, '\t').replace(/^\t|\t$/gm, '');
}

/** Lines of blanks without them, and the first line with a separator at its end where the second one has it: the parser is slow where rows differ. */
function evenRows(body: string, mark: string): string {
  const even = body.replace(/^[ \t]+$/gm, '');
  const [head = '', second = ''] = even.split(/\r\n|\n|\r/, 2).map((line) => line.trimEnd());
  const ends = [head, second].map((line) => line.endsWith(mark));
  if (second === '' || ends[0] === ends[1]) return even;
  return ends[0] ? head.slice(0, -1) + even.slice(head.length) : head + mark + even.slice(head.length);
}

/** What stands before the names or numbers. */
function prologue(text: string): { body: string; firstLine: number; comment?: string; separator?: string } {
  let comment: string | undefined;
  let separator: string | undefined;
  let line = 1;
  let at = 0;
  while (at < text.length) {
    const end = /\r\n|\n|\r/g;
    end.lastIndex = at;
    const found = end.exec(text);
    const content = text.slice(at, found?.index ?? text.length).trim();
    const stated = /^"?sep=(.)"?$/i.exec(line === 1 ? content : '');
    if (stated) separator = stated[1];
    else if (content.startsWith('#')) comment = content.replace(/^#+\s*/, '');
    else if (content !== '') break;
    at = found ? found.index + found[0].length : text.length;
    line++;
  }
  return { body: text.slice(at), firstLine: line, comment, separator };
}

function guessDelimiter(head: string, second: string): string {
  const unquoted = head.replace(/"[^"]*"/g, '');
  const counts = [';', '\t', ','].map((mark) => [mark, unquoted.split(mark).length - 1] as const);
  const best = counts.reduce((most, one) => (one[1] > most[1] ? one : most));
  if (best[1] > 0) return best[0];
  // One column: a comma below its name is a decimal one.
  if (/^\s*[+-]?\d*,\d+\s*$/.test(second)) return ';';
  const words = (text: string): string[] => text.trim().split(/\s+/);
  const isRow =
    words(second).length > 1 && words(second).every((word) => parseNumber(word.replace(',', '.')) !== undefined);
  return isRow && words(head).length === words(second).length ? ' ' : ',';
}

class TableBuilder {
  readonly #file: string;
  readonly #budget: Budget;
  readonly #delimiter: string;
  readonly #comment: string | undefined;
  #names: string[] | undefined;
  #units: string[] | undefined;
  #columns = 0;
  #cells = new Float64Array(1024);
  #rows = 0;
  #blank = 0;
  #emptyLines = 0;
  readonly #faults: (CellFault | undefined)[] = [];
  readonly #timestamps = new Set<number>();
  #first: { record: string[]; line: number } | undefined;
  #point = 0;
  #comma = 0;

  constructor(budget: Budget, delimiter: string, comment: string | undefined) {
    this.#file = budget.file;
    this.#budget = budget;
    this.#delimiter = delimiter;
    this.#comment = comment;
  }

  /** @param emptyLines how many there were up to here. */
  add(record: string[], line: number, emptyLines: number): void {
    if (this.#columns > 0 || this.#first) this.#blank += emptyLines - this.#emptyLines;
    this.#emptyLines = emptyLines;
    if (record.every((text) => text.trim() === '') && (record.length === 1 || record.length === this.#columns)) {
      if (this.#columns > 0 || this.#first) this.#blank++;
      return;
    }
    if (this.#columns === 0) {
      // The first two lines together tell whether the first one holds names.
      if (!this.#first) {
        this.#first = { record, line };
        return;
      }
      this.#begin(record);
      if (this.#units) return;
    }
    this.#append(record, line);
  }

  finish(): NumberTable {
    if (this.#columns === 0) this.#begin([]);
    if (this.#point > 0 && this.#comma > 0) {
      throw new InputError('the table has decimal points and commas', {
        file: this.#file,
        got: `a point on line ${this.#point}, a comma on line ${this.#comma}`,
        expected: 'one of both',
      });
    }
    return {
      file: this.#file,
      names: this.#names,
      units: this.#units,
      cells: this.#cells.slice(0, this.#rows * this.#columns),
      rows: this.#rows,
      columns: this.#columns,
      faults: this.#faults,
      timestamps: this.#timestamps,
      decimalCommas: this.#comma > 0,
    };
  }

  /** Decides what the first line is. */
  #begin(second: readonly string[]): void {
    if (!this.#first) throw new InputError('the file is empty', { file: this.#file });
    const { record, line } = this.#first;
    const isNumber = (text: string): boolean => this.#value(text, 0) !== undefined;
    const names = record.map(unquoted);
    if (names.length > 1 && names.at(-1) === '') names.pop();
    const integers = names.map((name) => (/^\d+$/.test(name) ? Number(name) : -1));
    const isNumbering = [0, 1].some((from) => integers.every((value, i) => value === from + i));
    if (!names.some((name) => name !== '' && isNumber(name))) this.#names = names;
    else if (isNumbering && second.some((text) => /[.,e]/i.test(text) && isNumber(text))) this.#names = names;
    else if (isNumbering && second.length > 0) {
      throw new InputError('the first line may hold numbers of columns or samples', {
        file: this.#file,
        where: `line ${line}`,
        got: names.join(this.#delimiter).slice(0, 80),
        next: 'Write the names of the leads into the first line.',
      });
    }
    this.#columns = names.length;
    if (this.#names === undefined) {
      const named = this.#comment?.split(this.#delimiter === '\t' ? /\s+/ : this.#delimiter).map(unquoted);
      if (named?.length === names.length && !named.some((name) => name === '' || isNumber(name))) this.#names = named;
      const blank = this.#blank;
      this.#blank = 0;
      this.#append(record, line);
      this.#blank = blank;
    } else {
      const cells = second.map(unquoted);
      const isUnits =
        cells.length >= names.length && !cells.some(isNumber) && cells.some((text) => unitLike.test(text));
      if (isUnits) this.#units = cells;
    }
  }

  #append(record: readonly string[], line: number): void {
    const columns = this.#columns;
    const isClosed = record.length === columns + 1 && record[columns].trim() === '';
    if (record.length !== columns && !isClosed) {
      throw new InputError('the row has another number of values than the first line', {
        file: this.#file,
        where: `line ${line}`,
        got: `${record.length} values`,
        expected: `${columns}`,
        ...(this.#delimiter === ',' &&
          record.length === 2 * columns && {
            next: 'Separate columns by semicolons where numbers have decimal commas.',
          }),
      });
    }
    this.#reserve(this.#blank + 1);
    this.#cells.fill(Number.NaN, this.#rows * columns, (this.#rows + this.#blank) * columns);
    this.#rows += this.#blank;
    this.#blank = 0;
    const at = this.#rows * columns;
    for (let column = 0; column < columns; column++) {
      const text = record[column];
      const value = this.#value(text, line) ?? this.#timestamp(text, column);
      if (value === undefined) {
        if (!MISSING.has(text.trim().toLowerCase())) this.#faults[column] ??= { line, text };
        this.#cells[at + column] = Number.NaN;
      } else this.#cells[at + column] = value;
    }
    this.#rows++;
  }

  #value(text: string, line: number): number | undefined {
    const value = parseNumber(text);
    if (value !== undefined) {
      if (line > 0 && this.#point === 0 && text.includes('.')) this.#point = line;
      return value;
    }
    if (this.#delimiter === ',' || !text.includes(',') || text.includes('.')) return undefined;
    const german = parseNumber(text.replace(',', '.'));
    if (german !== undefined && line > 0 && this.#comma === 0) this.#comma = line;
    return german;
  }

  #timestamp(text: string, column: number): number | undefined {
    const value = text.includes(':') ? parseTimestamp(text) : undefined;
    if (value !== undefined) this.#timestamps.add(column);
    return value;
  }

  #reserve(rows: number): void {
    const needed = (this.#rows + rows) * this.#columns;
    if (needed > MAX_CELLS) {
      throw new InputError('the table is too large to be read whole', {
        file: this.#file,
        got: `more than ${MAX_CELLS} cells`,
        expected: `at most ${MAX_CELLS}`,
      });
    }
    if (needed <= this.#cells.length) return;
    const length = Math.min(MAX_CELLS, Math.max(needed, 2 * this.#cells.length));
    // Twice: the result is a copy.
    this.#budget.spend(2 * Float64Array.BYTES_PER_ELEMENT * (length - this.#cells.length), 'cells');
    const larger = new Float64Array(length);
    larger.set(this.#cells);
    this.#cells = larger;
  }
}

/** What stands in a line of units: `mV`, `[uV]`, `seconds`, `hh:mm:ss.mmm`. */
const unitLike = /^[[(]?(?:[munµμ]?v|(?:milli|micro|nano)?volts?|m?s|sec(?:onds?)?|(?:hh:)?mm?:ss(?:\.m*s*)?)[\])]?$/i;

/** A name without blanks and quotes around it. */
function unquoted(text: string): string {
  const plain = text.trim();
  return /^(['"]).*\1$/.test(plain) && plain.length > 1 ? plain.slice(1, -1).trim() : plain;
}
