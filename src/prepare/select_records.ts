import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../errors.ts';
import { RandomState } from '../lib/numpy/random.ts';
import { copyFileAtomic, writeFileAtomic } from '../lib/python/atomic_file.ts';
import { trainTestSplit } from '../lib/sklearn/model_selection.ts';
import { listChallenge17Data } from '../port/transplant/datasets/physionet/listing.ts';

/**
 * Copies `count` Challenge 2017 records, stratified by class, to a folder of the same form (`RECORDS`, `REFERENCE.csv`, signals). Throws a
 * ValueError if `source` is not such a collection, an InputError if it is too small.
 */
export function selectRecords(source: string, target: string, count: number, seed: number): void {
  const { labels } = listChallenge17Data(source);
  const names = labels.index;
  if (names.length < count) {
    throw new InputError('too few records', {
      file: source,
      got: String(names.length),
      expected: `at least ${count}`,
      next: 'Choose an experiment with fewer records (--profile smallest), or use the whole collection.',
    });
  }
  const classOf = (row: number): string => {
    const width = labels.columns.length;
    return labels.columns[labels.values.data.subarray(row * width, (row + 1) * width).indexOf(1)];
  };
  const rows = names.map((_, row) => row);
  const chosen =
    names.length === count
      ? rows
      : trainTestSplit(rows, { trainSize: count, stratify: rows.map(classOf), randomState: new RandomState(seed) })[0];
  chosen.sort((a, b) => a - b);
  mkdirSync(target, { recursive: true });
  for (const row of chosen) {
    for (const ending of ['hea', 'mat'])
      copyFileAtomic(join(source, `${names[row]}.${ending}`), join(target, `${names[row]}.${ending}`));
  }
  writeFileAtomic(join(target, 'REFERENCE.csv'), chosen.map((row) => `${names[row]},${classOf(row)}\n`).join(''));
  writeFileAtomic(join(target, 'RECORDS'), chosen.map((row) => `${names[row]}\n`).join(''));
}
