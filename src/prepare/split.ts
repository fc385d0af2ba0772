import { InputError } from '../errors.ts';
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
  /** Size of the test part: a fraction below 1, or a number of records or patients; 0: no division. */
  readonly testSize: number;
  readonly seed: number;
}

/**
 * Resolves the options for one set.
 *
 * @param usual how the documented recipe of the collection divides it.
 * @throws InputError if the division needs patients or folds that are not known.
 */
export function resolveSplit(
  {
    splitBy,
    testFolds,
    testSize = 0.2,
    seed,
  }: { splitBy?: SplitBy; testFolds?: readonly number[]; testSize?: number; seed?: number },
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
  return {
    by,
    // Quirk Q49: sets with several labels per record cannot be stratified.
    stratify: by === 'record' && !isMulticlass(listing.y),
    testFolds: testFolds ?? [],
    testSize,
    seed: seed ?? Math.floor(Math.random() * 2 ** 16),
  };
}

/** Divides the records. By record: with the random draws of the original. By patient: all records of a patient stay in one part. */
export function divide(listing: RecordListing, { by, stratify, testFolds, testSize, seed }: SplitSettings): Parts {
  const randomState = new RandomState(seed);
  const all = listing.paths.map((_, i) => i);
  if (testSize === 0) return { all };
  if (by === 'fold') {
    const inTest = (i: number): boolean => testFolds.includes(listing.folds![i]);
    const parts = { train: all.filter((i) => !inTest(i)), test: all.filter(inTest) };
    if (parts.train.length === 0 || parts.test.length === 0) {
      throw new InputError('one part would have no records', {
        got: `${parts.train.length} training and ${parts.test.length} test records`,
      });
    }
    return parts;
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
export function describeSplit({ by, stratify, testFolds, testSize, seed }: SplitSettings): Preprocessing['split'] {
  if (testSize === 0) return { by: 'none', testSize: null, testFolds: null, stratified: false, seed: null };
  if (by === 'fold') return { by, testSize: null, testFolds, stratified: false, seed: null };
  return { by, testSize, testFolds: null, stratified: stratify, seed };
}
