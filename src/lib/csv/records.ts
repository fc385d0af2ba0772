import { CsvError, type Options, parse } from 'csv-parse/sync';
import { InputError } from '../../errors.ts';
import { Budget } from '../budget.ts';

/** Memory of a row, and of a cell beside its characters. */
const COST = { row: 300, cell: 48 };

/** Longest record, in bytes: more is a quote that is never closed. */
const MAX_RECORD = 2 ** 24;

/** Budget of a CSV text: tables of numbers and names take eight times their size; a JavaScript heap ends at two GiB on small machines. */
export function csvBudget(text: string, file: string): Budget {
  return new Budget(file, text.length, { maxBytes: Math.min(2 ** 28 + 24 * text.length, 1.5 * 2 ** 30) });
}

/**
 * Takes a CSV text apart and hands each record to `add`, with the line on which it ends (from 1) and the number of empty lines before it
 * (with `skip_empty_lines`). pandas takes any of the three line ends at any line.
 *
 * @param linesBefore lines of the file before the text, for messages.
 * @throws InputError naming file and line, also for what exceeds the budget.
 */
export function eachRecord(
  text: string,
  budget: Budget,
  options: Omit<Options, 'on_record' | 'record_delimiter' | 'info' | 'columns'>,
  add: (record: string[], line: number, emptyLines: number) => void,
  linesBefore = 0,
): void {
  let last = 0;
  budget.where ??= () => `line ${last + 1 + linesBefore}`;
  try {
    parse(text, {
      ...options,
      record_delimiter: ['\r\n', '\n', '\r'],
      max_record_size: MAX_RECORD,
      on_record: (record: string[], { lines, empty_lines }: { lines: number; empty_lines: number }) => {
        budget.spend(COST.row + record.reduce((sum, cell) => sum + COST.cell + 2 * cell.length, 0), 'rows and cells');
        last = lines;
        add(record, lines, empty_lines);
        return null;
      },
    });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const { lines } = error as CsvError & { readonly lines?: number };
    throw new InputError('the CSV file cannot be read', {
      file: budget.file,
      where: lines === undefined ? undefined : `line ${lines + linesBefore}`,
      got: error.message,
    });
  }
}
