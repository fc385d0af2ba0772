import { fromFloat16 } from '../../../src/lib/numpy/float16.ts';
import type { Column, DataFrame } from '../../../src/lib/pandas/csv.ts';
import { floatHex } from '../numpy/plain.ts';

/** Table as `[name, dtype, texts of the cells][]`, floats in hexadecimal: the form of `test/fixtures/pandas/csv_cases.py`. */
export function columnsOf(frame: DataFrame): [string, string, string[]][] {
  return [...frame.columns].map(([name, column]) => [name, column.dtype, cells(column)]);
}

function cells(column: Column): string[] {
  if (column.dtype === 'object' || column.dtype === 'str') return column.data.map(objectText);
  if (column.dtype === 'bool') return Array.from(column.data as Uint8Array, (value) => (value ? 'True' : 'False'));
  if (column.dtype === 'float16') return Array.from(column.data as Uint16Array, (bits) => floatHex(fromFloat16(bits)));
  if (column.dtype.startsWith('float')) return Array.from(column.data as Float64Array, floatHex);
  return Array.from(column.data as ArrayLike<number | bigint>, String);
}

function objectText(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return typeof value === 'number' ? floatHex(value) : String(value);
}
