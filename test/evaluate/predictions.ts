import { join } from 'node:path';
import { ndarray } from '../../src/lib/numpy/ndarray.ts';
import { RandomState } from '../../src/lib/numpy/random.ts';
import { writeCsv } from '../../src/lib/pandas/csv.ts';
import { createPredictionsFrame } from '../../src/port/transplant/utils.ts';
import { smallSet } from '../port/training_data.ts';

/** Writes predictions of a small set that are right most of the time; returns the file's name. */
export function writePredictions(
  folder: string,
  name: string,
  { records = 120, multiLabel = false, seed = 1, noise = 0.6, classNames = [] as readonly string[] } = {},
): string {
  const { y, recordIds, classes } = smallSet({ records, samples: 1, multiLabel });
  const random = new RandomState(seed);
  const width = classes.length;
  const raw = Float64Array.from(
    y.data as ArrayLike<number>,
    (label) => Number(label) * (1 - noise) + random.randomSample() * noise,
  );
  const prob = multiLabel
    ? raw
    : raw.map((value, i) => {
        const from = i - (i % width);
        return value / raw.subarray(from, from + width).reduce((sum, one) => sum + one, 0);
      });
  const file = join(folder, name);
  const yProb = ndarray('float64', [records, width], prob);
  writeCsv(
    file,
    createPredictionsFrame(yProb, { yTrue: y, classNames: classNames.length > 0 ? classNames : classes, recordIds }),
  );
  return file;
}
