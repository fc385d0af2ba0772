import type { NdArray } from '../numpy/ndarray.ts';
import type { ObjectArray, TextArray } from '../numpy/object_array.ts';
import { ValueError } from '../python/errors.ts';

/** One column: a 1-D array. In an object array, a missing value is NaN or null. */
export type Column = NdArray | ObjectArray | TextArray;

/** A table of named columns of equal length. Twin of `pandas.DataFrame` without an index. */
export class DataFrame {
  readonly columns: ReadonlyMap<string, Column>;
  /** Number of rows. */
  readonly length: number;

  /** Throws ValueError if columns differ in length, are not 1-D, or share a name. */
  constructor(columns: Iterable<readonly [name: string, column: Column]>) {
    const map = new Map<string, Column>();
    for (const [name, column] of columns) {
      if (map.has(name)) throw new ValueError(`two columns are named ${name}`);
      if (column.shape.length !== 1)
        throw new ValueError(`column ${name} has shape (${column.shape.join(', ')}); expected one axis`);
      map.set(name, column);
    }
    this.columns = map;
    this.length = map.values().next().value?.data.length ?? 0;
    for (const [name, { data }] of map) {
      if (data.length !== this.length) {
        throw new ValueError(`column ${name} has ${data.length} rows, the first column has ${this.length}`);
      }
    }
  }
}
