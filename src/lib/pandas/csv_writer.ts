import { numberText } from '../numpy/text.ts';
import { writeFileAtomic } from '../python/atomic_file.ts';
import { ValueError } from '../python/errors.ts';
import { floatRepr } from '../python/float_repr.ts';
import type { Column, DataFrame } from './frame.ts';

/**
 * Text of a table, byte for byte as `frame.to_csv(index=False)` writes it: `True` and `False`, floats with the fewest digits in their own precision,
 * empty cells for missing values.
 */
export function toCsv(frame: DataFrame): string {
  const names = [...frame.columns.keys()];
  const columns = [...frame.columns.values()].map(cellTexts);
  const lines = [names.map((name) => quote(name, names.length))];
  for (let row = 0; row < frame.length; row++) lines.push(columns.map((cells) => quote(cells[row], names.length)));
  return lines.map((cells) => `${cells.join(',')}\n`).join('');
}

/** Writes a table under a temporary name, then renames it. Twin of `frame.to_csv(path, index=False)`. */
export function writeCsv(path: string, frame: DataFrame): void {
  writeFileAtomic(path, toCsv(frame));
}

function cellTexts(column: Column): string[] {
  if (column.dtype === 'object') return column.data.map(objectText);
  if (column.dtype === 'str') return [...column.data];
  const { dtype, data } = column;
  return Array.from(data as ArrayLike<number | bigint>, (value) =>
    Number.isNaN(value) ? '' : numberText(dtype, value),
  );
}

function objectText(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value;
    case 'boolean':
      return value ? 'True' : 'False';
    case 'bigint':
      return value.toString();
    case 'number':
      if (Number.isNaN(value)) return '';
      return Number.isSafeInteger(value) ? String(value) : floatRepr(value);
    default:
      if (value === null || value === undefined) return '';
      throw new ValueError(`a ${typeof value} cannot be written as a cell`);
  }
}

/** Python's minimal quoting with `\n` line ends. An empty cell is quoted if it is the only one of its line. */
function quote(cell: string, columns: number): string {
  if (cell === '' && columns === 1) return '""';
  return /[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
