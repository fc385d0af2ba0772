import type { NdArray } from '../../lib/numpy/ndarray.ts';
import { allocate, bytesOf, itemSize, sizeOf } from '../../lib/numpy/ndarray.ts';
import { load } from '../../lib/python/pickle.ts';
import { type SplitOptions, splitIndices } from '../../lib/sklearn/model_selection.ts';
import { dataSetFromPickle } from './datasets.ts';
import { arrayRows, type Rows, selectLead, selectRows } from './rows.ts';

/** A prepared data set whose recordings are read by number, so that parts of it need no copy. */
export interface TrainingSet {
  /** `(records, samples, leads)`. */
  readonly x: Rows;
  /** `(records, classes)`, one-hot or multi-hot. */
  readonly y: NdArray;
  readonly recordIds: readonly (string | number)[];
  readonly classes: readonly string[];
}

/** Reads a prepared data set. Throws an InputError for a file that is none. */
export async function loadTrainingSet(path: string): Promise<TrainingSet> {
  const { x, y, recordIds, classes } = dataSetFromPickle(await load(path), path);
  return { x: arrayRows(x), y, recordIds, classes };
}

/**
 * Splits a data set by scikit-learn's rules; without `randomState` the global generator decides. Twin of
 * `finetuning.utils.train_test_split`.
 */
export function trainTestSplit(set: TrainingSet, options: SplitOptions): [train: TrainingSet, test: TrainingSet] {
  const { train, test } = splitIndices(set.x.shape[0], options);
  return [part(set, train), part(set, test)];
}

/** The set with one lead; see `selectLead`. */
export function withLead(set: TrainingSet, lead: number): TrainingSet {
  return { ...set, x: selectLead(set.x, lead) };
}

function part(set: TrainingSet, indices: readonly number[]): TrainingSet {
  const { x, y, recordIds, classes } = set;
  const width = sizeOf(y.shape.slice(1)) * itemSize[y.dtype];
  const data = allocate(y.dtype, sizeOf(y.shape.slice(1)) * indices.length);
  const labels: NdArray = { dtype: y.dtype, shape: [indices.length, ...y.shape.slice(1)], data };
  const [from, to] = [bytesOf(y), bytesOf(labels)];
  for (const [i, index] of indices.entries()) to.set(from.subarray(index * width, (index + 1) * width), i * width);
  return { x: selectRows(x, indices), y: labels, recordIds: indices.map((i) => recordIds[i]), classes };
}
