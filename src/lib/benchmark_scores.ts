import { quantile } from './bootstrap.ts';
import type { NdArray } from './numpy/ndarray.ts';
import { RandomState } from './numpy/random.ts';
import { ValueError } from './python/errors.ts';
import { binaryLabels, rankingsOf, ThresholdScores } from './weighted_scores.ts';

/** A score as the public PTB-XL benchmark reports it. */
export interface BenchmarkScore {
  /** On all records. */
  readonly point: number;
  /** Mean over the resamples. */
  readonly mean: number;
  /** 5th and 95th percentile over the resamples. */
  readonly lower: number;
  readonly upper: number;
}

/** How to resample. */
export interface BenchmarkOptions {
  /** Default 100, as in the benchmark. */
  readonly resamples?: number;
  /** Seed of the draws; default 0. */
  readonly seed?: number;
  /** Names of the classes, for errors; default: their numbers. */
  readonly classes?: readonly string[];
}

/** Draws per resample after which a set counts as too small to be resampled. */
const patience = 1000;

/**
 * Macro AUC and Fmax with the intervals of the public PTB-XL benchmark: records are drawn with replacement, as `numpy.random.RandomState(seed).randint(0, n, n)`
 * does, and a draw that lacks a class is drawn again. See Strodthoff et al. 2021 (doi:10.1109/JBHI.2020.3022989), section III.
 *
 * @param yTrue truth (records, classes) of 0 and 1.
 * @param yProb probabilities of the same shape.
 * @returns the scores, and the drawn records (resamples, records).
 * @throws ValueError if shapes or labels are wrong, if a class never or always occurs, or if hardly any draw has every class.
 */
export function benchmarkScores(
  yTrue: NdArray,
  yProb: NdArray,
  { resamples = 100, seed = 0, classes: names }: BenchmarkOptions = {},
): { readonly macroAuc: BenchmarkScore; readonly fMax: BenchmarkScore; readonly drawn: NdArray<'int64'> } {
  if (yProb.shape.length !== 2 || yTrue.shape.join() !== yProb.shape.join()) {
    throw new ValueError(`y_true has shape (${yTrue.shape.join(', ')}), y_prob (${yProb.shape.join(', ')})`);
  }
  const [records, classes] = yProb.shape;
  const truth = binaryLabels(yTrue);
  for (let label = 0; label < classes; label++) {
    const count = countOf(truth, classes, label);
    if (count > 0 && count < records) continue;
    throw new ValueError(
      `class ${names?.[label] ?? label} occurs in ${count} of ${records} records, so its AUC is not defined`,
    );
  }
  const rankings = rankingsOf(truth, yProb);
  const thresholds = new ThresholdScores(truth, yProb);
  const score = (weights: Float64Array): [number, number] => [
    rankings.reduce((sum, ranking) => sum + ranking.areas(weights)[0], 0) / classes,
    thresholds.fMax(weights),
  ];
  const point = score(new Float64Array(records).fill(1));
  const random = new RandomState(seed);
  const drawn = new BigInt64Array(resamples * records);
  const scores = Array.from({ length: resamples }, (_, i) => {
    const chosen = drawWithEveryClass(random, truth, classes);
    drawn.set(BigInt64Array.from(chosen, BigInt), i * records);
    const weights = new Float64Array(records);
    for (const record of chosen) weights[record]++;
    return score(weights);
  });
  const summary = (which: 0 | 1): BenchmarkScore => {
    const values = Float64Array.from(scores, (pair) => pair[which]);
    const mean = values.reduce((sum, value) => sum + value, 0) / resamples;
    const sorted = values.sort();
    return { point: point[which], mean, lower: quantile(sorted, 0.05), upper: quantile(sorted, 0.95) };
  };
  return {
    macroAuc: summary(0),
    fMax: summary(1),
    drawn: { dtype: 'int64', shape: [resamples, records], data: drawn },
  };
}

function countOf(truth: Uint8Array, classes: number, label: number): number {
  let count = 0;
  for (let j = label; j < truth.length; j += classes) count += truth[j];
  return count;
}

function drawWithEveryClass(random: RandomState, truth: Uint8Array, classes: number): Uint32Array {
  const records = truth.length / classes;
  for (let attempt = 0; attempt < patience; attempt++) {
    const chosen = Uint32Array.from({ length: records }, () => random.randint(records));
    const present = new Uint8Array(classes);
    for (const record of chosen) for (let j = 0; j < classes; j++) present[j] |= truth[record * classes + j];
    if (present.every((value) => value === 1)) return chosen;
  }
  throw new ValueError(`none of ${patience} draws of ${records} records has all ${classes} classes`);
}
