import { astype } from '../numpy/convert.ts';
import type { NdArray } from '../numpy/ndarray.ts';
import { RandomState, random } from '../numpy/random.ts';
import { numberText } from '../numpy/text.ts';
import { ValueError } from '../python/errors.ts';

/** Labels for stratification: one per sample, or a matrix (samples, classes) whose distinct rows count as classes. */
export type StratifyLabels = ArrayLike<number | string | boolean | bigint> | NdArray;

/** Options of `trainTestSplit`, as sklearn names them. A size below 1 is a fraction; an integer is a number of samples. */
export interface SplitOptions {
  /** Default: the rest that `trainSize` leaves, or 0.25. */
  readonly testSize?: number;
  /** Default: the rest that `testSize` leaves. */
  readonly trainSize?: number;
  /** Seed or generator; default: NumPy's global state. */
  readonly randomState?: number | RandomState;
  /** Default true. If false, the first samples are the training part. */
  readonly shuffle?: boolean;
  readonly stratify?: StratifyLabels;
}

/**
 * Splits items into a training and a test part. Twin of `sklearn.model_selection.train_test_split(items, **options)`: makes the same draws in the
 * same order.
 *
 * @throws ValueError for impossible sizes; with `stratify`, also if a class has only one member or a part has fewer samples than there are classes.
 */
export function trainTestSplit<T>(items: ArrayLike<T>, options: SplitOptions = {}): [train: T[], test: T[]] {
  const { train, test } = splitIndices(items.length, options);
  return [train.map((i) => items[i]!), test.map((i) => items[i]!)];
}

/** The indices of both parts. */
export function splitIndices(samples: number, options: SplitOptions = {}): { train: number[]; test: number[] } {
  const { shuffle = true, stratify, randomState = random } = options;
  const [trainCount, testCount] = partSizes(samples, options);
  if (!shuffle) {
    if (stratify !== undefined)
      throw new ValueError('Stratified train/test split is not implemented for shuffle=False');
    return { train: range(0, trainCount), test: range(trainCount, trainCount + testCount) };
  }
  const generator = typeof randomState === 'number' ? new RandomState(randomState) : randomState;
  if (stratify !== undefined) return stratified(samples, stratify, trainCount, testCount, generator);
  const order = generator.permutation(samples);
  return { train: order.slice(testCount, testCount + trainCount), test: order.slice(0, testCount) };
}

/** Sizes of both parts. Throws a ValueError for impossible sizes. */
export function partSizes(samples: number, { testSize, trainSize }: SplitOptions): [train: number, test: number] {
  const test = testSize ?? (trainSize === undefined ? 0.25 : undefined);
  checkSize('testSize', test, samples);
  checkSize('trainSize', trainSize, samples);
  if (isFraction(test) && isFraction(trainSize) && test + trainSize > 1) {
    throw new ValueError(`testSize and trainSize add up to ${test + trainSize}, more than 1`);
  }
  const testCount = isFraction(test) ? Math.ceil(test * samples) : test;
  const trainCount = isFraction(trainSize) ? Math.floor(trainSize * samples) : trainSize;
  const trainFinal = trainCount ?? samples - testCount!;
  const testFinal = testCount ?? samples - trainCount!;
  if (trainFinal + testFinal > samples) {
    throw new ValueError(`${trainFinal} training and ${testFinal} test samples are more than the ${samples} there are`);
  }
  if (trainFinal === 0)
    throw new ValueError(`the training part of ${samples} samples would be empty; change testSize or trainSize`);
  return [trainFinal, testFinal];
}

function isFraction(size: number | undefined): size is number {
  return size !== undefined && size < 1;
}

function checkSize(name: string, size: number | undefined, samples: number): void {
  if (size === undefined || (size > 0 && size < 1)) return;
  if (!Number.isInteger(size) || size <= 0 || size >= samples) {
    throw new ValueError(
      samples < 2
        ? `${name} is ${size}, but ${samples === 1 ? 'one sample' : 'an empty set'} cannot be split`
        : `${name} is ${size}; expected a fraction between 0 and 1 or an integer of 1 to ${samples - 1}`,
    );
  }
}

function stratified(
  samples: number,
  labels: StratifyLabels,
  trainCount: number,
  testCount: number,
  generator: RandomState,
): { train: number[]; test: number[] } {
  const classes = groupByClass(samples, labels);
  const counts = classes.map((members) => members.length);
  if (counts.some((count) => count < 2)) {
    throw new ValueError(
      'The least populated class in y has only 1 member, which is too few: both parts need one of each class',
    );
  }
  for (const [name, count] of [['train', trainCount] as const, ['test', testCount] as const]) {
    if (count < classes.length) {
      throw new ValueError(
        `The ${name}_size = ${count} should be greater or equal to the number of classes = ${classes.length}`,
      );
    }
  }
  const trainShares = shares(counts, trainCount, generator);
  const left = counts.map((count, i) => count - trainShares[i]);
  const testShares = shares(left, testCount, generator);
  const train: number[] = [];
  const test: number[] = [];
  for (const [i, members] of classes.entries()) {
    const order = generator.permutation(members);
    const cut = trainShares[i];
    for (const member of order.slice(0, cut)) train.push(member);
    for (const member of order.slice(cut, cut + testShares[i])) test.push(member);
  }
  return { train: generator.permutation(train), test: generator.permutation(test) };
}

/** Distributes `draws` in proportion to `counts`. The remainder after rounding goes to the largest fractional parts; ties are broken at random. */
function shares(counts: readonly number[], draws: number, generator: RandomState): number[] {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const exact = counts.map((count) => (count / total) * draws);
  const result = exact.map(Math.floor);
  let missing = draws - result.reduce((sum, share) => sum + share, 0);
  if (missing <= 0) return result;
  const parts = exact.map((value, i) => value - result[i]);
  for (const part of [...new Set(parts)].sort((a, b) => b - a)) {
    const equal = parts.flatMap((value, i) => (value === part ? [i] : []));
    const count = Math.min(equal.length, missing);
    for (const i of generator.choice(equal, { size: count, replace: false })) result[i]++;
    missing -= count;
    if (missing === 0) break;
  }
  return result;
}

/** The samples of each class, in their original order. The classes are in NumPy's sorting order. */
function groupByClass(samples: number, labels: StratifyLabels): number[][] {
  const keys = classKeys(labels);
  if (keys.length !== samples) throw new ValueError(`stratify has ${keys.length} labels for ${samples} samples`);
  const groups = new Map<number | string | bigint, number[]>();
  keys.forEach((key, i) => {
    const group = groups.get(key);
    if (group) group.push(i);
    else groups.set(key, [i]);
  });
  return [...groups.entries()].sort(([a], [b]) => compareKeys(a, b)).map(([, members]) => members);
}

function compareKeys(a: number | string | bigint, b: number | string | bigint): number {
  // Python sorts by code points, which is the order of UTF-8 bytes.
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return a < b ? -1 : a > b ? 1 : 0;
}

function classKeys(labels: StratifyLabels): (number | string | bigint)[] {
  if (!('dtype' in labels)) return Array.from(labels, scalarKey);
  const [rows, columns] = labels.shape;
  if (labels.dtype === 'float16') return classKeys(astype(labels, 'float32'));
  if (labels.shape.length === 1) return Array.from(labels.data as ArrayLike<number | bigint>, scalarKey);
  if (labels.shape.length !== 2)
    throw new ValueError(`labels to stratify by have ${labels.shape.length} axes; expected 1 or 2`);
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (_, column) => {
      const value = labels.data[row * columns + column];
      scalarKey(value);
      return numberText(labels.dtype, value);
    }).join(' '),
  );
}

function scalarKey(value: number | string | boolean | bigint): number | string | bigint {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new ValueError(`a label to stratify by is ${value}`);
  return typeof value === 'boolean' ? Number(value) : value;
}

function range(start: number, stop: number): number[] {
  return Array.from({ length: stop - start }, (_, i) => start + i);
}
