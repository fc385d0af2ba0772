import { InputError } from '../errors.ts';
import type { NdArray } from '../lib/numpy/ndarray.ts';
import { partSizes, type SplitOptions, splitIndices } from '../lib/sklearn/model_selection.ts';
import { countByClass } from './labels.ts';

/** The option that asks for a division, for error messages. */
export interface Divided {
  readonly file?: string;
  /** Flag as typed. */
  readonly option: string;
  readonly value: number;
  /** What to do instead. */
  readonly otherwise: string;
}

/** Indices of the records of each part. */
export interface Division {
  readonly train: readonly number[];
  readonly test: readonly number[];
}

/** Single-label classes to stratify by. */
export interface Strata {
  readonly y: NdArray;
  readonly classes: readonly string[];
  readonly recordIds: readonly (string | number)[];
}

/**
 * Divides records as scikit-learn does, with or without stratification. Where scikit-learn would raise an error, throws an InputError that names the option, the class
 * and a size that works.
 */
export function divideRecords(
  records: number,
  options: Omit<SplitOptions, 'stratify'>,
  strata: Strata | undefined,
  divided: Divided,
): Division {
  const sizes = requireSizes(records, options, 'records', divided);
  if (strata)
    requireStrata(records, strata, { ...sizes, chosen: options.trainSize === undefined ? 'test' : 'train' }, divided);
  return splitIndices(records, { ...options, ...(strata && { stratify: strata.y }) });
}

/** Divides patients; each part gets the records of its patients, in their order. Sizes count patients. */
export function dividePatients(
  patientIds: readonly (string | number)[],
  options: Omit<SplitOptions, 'stratify'>,
  divided: Divided,
): Division & { readonly patients: { readonly train: number; readonly test: number } } {
  const patients = [...new Set(patientIds)];
  requireSizes(patients.length, options, 'patients', divided);
  const split = splitIndices(patients.length, options);
  const [train, test] = [split.train, split.test].map((part) => new Set(part.map((i) => patients[i])));
  const recordsOf = (part: ReadonlySet<string | number>): number[] =>
    patientIds.flatMap((id, i) => (part.has(id) ? [i] : []));
  return { train: recordsOf(train), test: recordsOf(test), patients: { train: train.size, test: test.size } };
}

function requireSizes(
  count: number,
  options: SplitOptions,
  unit: 'records' | 'patients',
  { file, option, value, otherwise }: Divided,
): { train: number; test: number } {
  try {
    const [train, test] = partSizes(count, options);
    return { train, test };
  } catch {
    const range =
      count > 1
        ? `a fraction below 1 that leaves ${unit} in both parts, or a whole number of 1 to ${count - 1}`
        : `at least 2 ${unit}`;
    throw new InputError(`${option} ${value} does not divide ${count} ${unit}`, {
      file,
      expected: range,
      next: otherwise,
    });
  }
}

function requireStrata(
  records: number,
  { y, classes, recordIds }: Strata,
  sizes: { train: number; test: number; chosen: 'train' | 'test' },
  { file, option, value, otherwise }: Divided,
): void {
  const counts = countByClass(y);
  const rare = counts.indexOf(1);
  if (rare !== -1) {
    throw new InputError(`${option} ${value} needs 2 records of each class, one for each part`, {
      file,
      where: `class ${classes[rare]}`,
      got: `1 record: ${recordIds[recordWith(y, rare)]}`,
      next: otherwise,
    });
  }
  const present = counts.filter((count) => count > 0).length;
  if (sizes.train >= present && sizes.test >= present) return;
  const works = sizes[sizes.chosen] < present ? present : records - present;
  const next = records >= 2 * present ? `Try ${option} ${works}. Or: ${otherwise}` : otherwise;
  throw new InputError(`${option} ${value} leaves too few records for ${present} classes`, {
    file,
    got: `${sizes.train} and ${sizes.test} of ${records} records`,
    expected: `at least ${present} in both parts`,
    next,
  });
}

/** Index of the first record that has a class. */
function recordWith(y: NdArray, k: number): number {
  const [records, classes] = y.shape;
  return Array.from({ length: records }, (_, i) => i).findIndex((i) => Number(y.data[i * classes + k]) === 1);
}
