import { InputError } from '../../../errors.ts';
import { astype, squeeze, toFloat64 } from '../../../lib/numpy/convert.ts';
import { allocate, type NdArray, ndarray } from '../../../lib/numpy/ndarray.ts';
import { isArray, type ObjectArray, objectArray, type TextArray } from '../../../lib/numpy/object_array.ts';
import { type Column, DataFrame, readCsv } from '../../../lib/pandas/csv.ts';
import { IndexError, ValueError } from '../../../lib/python/errors.ts';

/** What a prediction table can hold besides the probabilities. */
export interface PredictionColumns {
  /** Truth of the shape of `yProb`, or class indices (records,). */
  readonly yTrue?: NdArray;
  /** Decisions of the shape of `yProb`. */
  readonly yPred?: NdArray;
  /** One name per class; 0 … classes − 1 by default. */
  readonly classNames?: ArrayLike<string | number> | TextArray | ObjectArray;
  /** One id per record. */
  readonly recordIds?: ArrayLike<string | number | bigint> | NdArray | TextArray | ObjectArray;
}

/**
 * Arranges predictions as a table, one record per row. Twin of `transplant.utils.create_predictions_frame`.
 *
 * @param yProb probabilities (records, classes), or (records,) of the second of two classes.
 * @returns columns `record_name`, `true_<class>`, `prob_<class>`, `pred_<class>`: those given, in this order.
 * @throws ValueError where shapes, class indices or numbers of names disagree; IndexError for a (1, 1) `yProb` or floating-point class indices.
 */
export function createPredictionsFrame(yProb: NdArray, columns: PredictionColumns = {}): DataFrame {
  // Quirk Q2: one record with C classes is squeezed to a vector and taken for C records of a binary problem.
  const prob = asTwoColumns(squeeze(yProb));
  if (prob.shape.length === 0) throw new IndexError('y_prob holds a single number; expected (records, classes)');
  if (prob.shape.length !== 2)
    throw new ValueError(`y_prob has shape (${yProb.shape.join(', ')}); expected (records, classes)`);
  const [records, classes] = prob.shape as [number, number];
  const names = columns.classNames ? namesOf(columns.classNames) : Array.from({ length: classes }, (_, i) => String(i));
  if (names.length !== classes) {
    throw new ValueError(`expected ${classes} class names, one per column of y_prob, got ${names.length}`);
  }
  const entries: [string, Column][] = [];
  const add = (prefix: string, values: NdArray): void => {
    if (values.shape.join() !== prob.shape.join()) {
      throw new ValueError(
        `y_${prefix} has shape (${values.shape.join(', ')}); expected (${prob.shape.join(', ')}), the shape of y_prob`,
      );
    }
    names.forEach((name, i) => {
      entries.push([`${prefix}_${name}`, columnOf(values, i)]);
    });
  };
  const pred = columns.yPred && asTwoColumns(squeeze(columns.yPred));
  if (columns.recordIds) entries.push(['record_name', idColumn(columns.recordIds, records)]);
  // Quirk Q3: two-dimensional truth keeps its dtype, hence its text: True, 1 or 1.0.
  if (columns.yTrue) add('true', asIndicator(squeeze(columns.yTrue), classes));
  add('prob', prob);
  if (pred) add('pred', pred);
  return new DataFrame(entries);
}

/** What `readPredictions` finds. */
export interface Predictions {
  readonly classes: string[];
  /** Each (records, classes that have the column); truth is bool, int64 or float64 according to its text. */
  readonly yTrue?: NdArray;
  readonly yPred?: NdArray;
  readonly yProb?: NdArray;
}

/**
 * Reads a table written from `createPredictionsFrame`. Twin of `transplant.utils.read_predictions`.
 *
 * @throws FileNotFoundError, or InputError for a damaged file or a column that does not hold numbers.
 */
export function readPredictions(file: string): Predictions {
  const { columns } = readCsv(file);
  // Quirk Q4: every column that starts with "prob" names a class, with or without the underscore.
  const classes = [...columns.keys()]
    .filter((name) => name.startsWith('prob'))
    .map((name) => name.slice('prob_'.length));
  const group = (prefix: string): NdArray | undefined => {
    const names = classes.map((name) => `${prefix}_${name}`).filter((name) => columns.has(name));
    return names.length === 0 ? undefined : matrixOf(names, columns, file);
  };
  const [yTrue, yPred, yProb] = [group('true'), group('pred'), group('prob')];
  return { classes, ...(yTrue && { yTrue }), ...(yPred && { yPred }), ...(yProb && { yProb }) };
}

function matrixOf(names: readonly string[], columns: ReadonlyMap<string, Column>, file: string): NdArray {
  const parts = names.map((name) => {
    const column = columns.get(name)!;
    if (column.dtype === 'object' || column.dtype === 'str') {
      throw new InputError('a column of predictions does not hold numbers', {
        file,
        where: `column ${name}`,
        got: column.data.length === 0 ? 'no rows' : 'texts, or booleans with gaps',
      });
    }
    return column;
  });
  const dtypes = new Set(parts.map((part) => part.dtype));
  if (dtypes.size > 1 && dtypes.has('bool')) {
    throw new InputError('columns of one group differ in type', {
      file,
      where: names.join(', '),
      got: [...dtypes].join(', '),
    });
  }
  const dtype = dtypes.size === 1 ? parts[0].dtype : 'float64';
  const rows = parts[0].data.length;
  const data = allocate(dtype, rows * parts.length) as { [index: number]: number | bigint };
  parts.forEach((part, column) => {
    const values = astype(part, dtype).data;
    for (let row = 0; row < rows; row++) data[row * parts.length + column] = values[row];
  });
  return ndarray(dtype, [rows, parts.length], data as unknown as NdArray['data']);
}

/** A vector v becomes the columns 1 − v and v; booleans become integers then. */
function asTwoColumns(values: NdArray): NdArray {
  if (values.shape.length !== 1) return values;
  const source = values.dtype === 'bool' ? astype(values, 'int64') : values;
  const numbers = toFloat64(source);
  const pairs = new Float64Array(2 * numbers.length);
  numbers.forEach((value, i) => {
    pairs[2 * i] = 1 - value;
    pairs[2 * i + 1] = value;
  });
  return astype(ndarray('float64', [numbers.length, 2], pairs), source.dtype);
}

/** Class indices become rows of the float64 identity matrix; other truth stays as it is. */
function asIndicator(truth: NdArray, classes: number): NdArray {
  if (truth.shape.length !== 1) return truth;
  const indices = toFloat64(truth);
  const outside = indices.find((index) => !Number.isInteger(index) || index < 0 || index >= classes);
  if (outside !== undefined) throw new ValueError(`class indices in y_true must be 0 … ${classes - 1}, got ${outside}`);
  if (truth.dtype.startsWith('float'))
    throw new IndexError(`class indices in y_true must be integers, got ${truth.dtype}`);
  // NumPy takes no booleans at all for any number of classes.
  if (truth.dtype === 'bool' && indices.length > 0 && indices.length !== classes) {
    throw new IndexError(`boolean y_true of length ${indices.length} selects from ${classes} classes`);
  }
  // In Python a boolean vector selects rows instead of naming them.
  const rows = truth.dtype === 'bool' ? [...indices.keys()].filter((i) => indices[i]) : Array.from(indices);
  const indicator = new Float64Array(rows.length * classes);
  rows.forEach((index, row) => {
    indicator[row * classes + index] = 1;
  });
  return ndarray('float64', [rows.length, classes], indicator);
}

function columnOf({ dtype, shape, data }: NdArray, column: number): NdArray {
  const [rows, columns] = shape as [number, number];
  const out = allocate(dtype, rows) as { [index: number]: number | bigint };
  for (let row = 0; row < rows; row++) out[row] = data[row * columns + column];
  return ndarray(dtype, [rows], out as unknown as NdArray['data']);
}

function namesOf(names: NonNullable<PredictionColumns['classNames']>): string[] {
  return Array.from(isArray(names) ? (names.data as ArrayLike<unknown>) : names, String);
}

function idColumn(ids: NonNullable<PredictionColumns['recordIds']>, records: number): Column {
  const column = isArray(ids) ? (ids as Column) : objectArray(Array.from(ids));
  if (column.data.length !== records) throw new ValueError(`expected ${records} record ids, got ${column.data.length}`);
  return column;
}
