import { InputError, UsageError } from '../errors.ts';
import { RandomState } from '../lib/numpy/random.ts';
import { isMulticlass } from '../port/transplant/utils.ts';
import type { RecordListing } from './collections.ts';
import { dividePatients, divideRecords } from './division.ts';
import type { Preprocessing } from './preprocessing.ts';

/** How a set is divided into a training and a test part. */
export type SplitBy = 'record' | 'patient' | 'fold';

/** Indices of the records of each part, in the order of the file. */
export type Parts = Readonly<Record<string, readonly number[]>>;

/** How one set is divided. */
export interface SplitSettings {
  readonly by: SplitBy;
  readonly stratify: boolean;
  readonly testFolds: readonly number[];
  /** Folds of the validation part; none: there is no validation part. */
  readonly valFolds: readonly number[];
  /** Size of the test part: a fraction below 1, or a number of records or patients; 0: no division. */
  readonly testSize: number;
  readonly seed: number;
}

/** The options that choose the division. */
export interface SplitOptions {
  readonly splitBy?: SplitBy;
  readonly testFolds?: readonly number[];
  readonly valFolds?: readonly number[];
  readonly testSize?: number;
  readonly seed?: number;
}

/** Names of the parts that the options ask for. */
export function partNames({ testSize, valFolds = [] }: SplitOptions): readonly string[] {
  if (testSize === 0) return ['all'];
  return valFolds.length > 0 ? ['train', 'val', 'test'] : ['train', 'test'];
}

/**
 * Resolves the options for one set.
 *
 * @param usual how the documented recipe of the collection divides it.
 * @throws InputError if the division needs patients or folds that are not known.
 */
export function resolveSplit(
  { splitBy, testFolds, valFolds, testSize = 0.2, seed }: SplitOptions,
  usual: 'record' | 'patient',
  listing: RecordListing,
): SplitSettings {
  const by = splitBy ?? (testFolds ? 'fold' : usual === 'patient' && listing.patientIds ? 'patient' : 'record');
  if (by === 'patient' && !listing.patientIds) {
    throw new InputError('the collection does not say which patients the records are from', {
      got: '--split patient',
      expected: '--split record',
    });
  }
  if (by === 'fold' && (!listing.folds || !testFolds?.length)) {
    throw new InputError('the folds of the test part are not known', {
      expected: 'a collection with folds, and --test-folds, such as --test-folds 10',
    });
  }
  checkValFolds(by, testFolds ?? [], valFolds ?? [], testSize);
  return {
    by,
    // Quirk Q49: sets with several labels per record cannot be stratified.
    stratify: by === 'record' && !isMulticlass(listing.y),
    testFolds: testFolds ?? [],
    valFolds: valFolds ?? [],
    testSize,
    seed: seed ?? Math.floor(Math.random() * 2 ** 16),
  };
}

function checkValFolds(by: SplitBy, testFolds: readonly number[], valFolds: readonly number[], testSize: number): void {
  if (valFolds.length === 0) return;
  const got = `--val-folds ${valFolds.join(',')}`;
  if (by !== 'fold' || testSize === 0) {
    throw new UsageError('--val-folds needs a division by fold', {
      got,
      expected: '--test-folds beside it, such as --val-folds 9 --test-folds 10',
    });
  }
  const both = valFolds.filter((fold) => testFolds.includes(fold));
  if (both.length === 0) return;
  throw new UsageError('a fold cannot be in two parts', {
    got: `${got} --test-folds ${testFolds.join(',')}`,
    expected: `fold ${both.join(', ')} in one of them`,
  });
}

/** Divides the records. By record: with the random draws of the original. By patient: all records of a patient stay in one part. */
export function divide(
  listing: RecordListing,
  { by, stratify, testFolds, valFolds, testSize, seed }: SplitSettings,
): Parts {
  const randomState = new RandomState(seed);
  const all = listing.paths.map((_, i) => i);
  if (testSize === 0) return { all };
  if (by === 'fold') {
    const inFolds = (folds: readonly number[]) => all.filter((i) => folds.includes(listing.folds![i]));
    const [val, test] = [inFolds(valFolds), inFolds(testFolds)];
    const held = new Set([...val, ...test]);
    const train = all.filter((i) => !held.has(i));
    if (train.length === 0 || test.length === 0 || (valFolds.length > 0 && val.length === 0)) {
      const validation = valFolds.length > 0 ? `${val.length} validation, ` : '';
      throw new InputError('one part would have no records', {
        got: `${train.length} training, ${validation}${test.length} test records`,
        expected: `folds of the collection: ${[...new Set(listing.folds!)].sort((a, b) => a - b).join(', ')}`,
      });
    }
    return valFolds.length > 0 ? { train, val, test } : { train, test };
  }
  const otherwise = 'Make one file without division: --test-size 0';
  const divided = { option: '--test-size', value: testSize, otherwise };
  const { train, test } =
    by === 'record'
      ? divideRecords(all.length, { testSize, randomState }, stratify ? listing : undefined, divided)
      : dividePatients(listing.patientIds!, { testSize, randomState }, divided);
  return { train, test };
}

/** The division, in the form in which `preprocessing.json` records it. */
export function describeSplit({
  by,
  stratify,
  testFolds,
  valFolds,
  testSize,
  seed,
}: SplitSettings): Preprocessing['split'] {
  if (testSize === 0) return { by: 'none', testSize: null, testFolds: null, stratified: false, seed: null };
  if (by === 'fold') {
    const folds = valFolds.length > 0 ? { testFolds, valFolds } : { testFolds };
    return { by, testSize: null, ...folds, stratified: false, seed: null };
  }
  return { by, testSize, testFolds: null, stratified: stratify, seed };
}
