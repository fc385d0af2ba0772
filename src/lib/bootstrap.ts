import { atThreshold, mostProbable } from './decisions.ts';
import type { NdArray } from './numpy/ndarray.ts';
import { RandomState } from './numpy/random.ts';
import { ValueError } from './python/errors.ts';
import type { Indicator } from './sklearn/metrics.ts';
import { binaryLabels, type Ranking, rankingsOf, ThresholdScores } from './weighted_scores.ts';

/** `argmax` predicts the most probable class; a number, or one for each class, predicts every class with at least this probability. */
export type Decision = 'argmax' | number | readonly number[];

/** How to resample. */
export interface BootstrapOptions {
  /** Default 1,000. */
  readonly resamples?: number;
  /** Share of the resamples that an interval covers; default 0.95. */
  readonly confidence?: number;
  /** Seed of the draws; default 0. The same seed gives the same intervals. */
  readonly seed?: number;
  /** Default `argmax`. */
  readonly decision?: Decision;
  /**
   * Patient of each sample. If given, whole patients are drawn, because recordings of one patient are not independent. Otherwise, samples are drawn
   * within each distinct row of labels, so that every resample has the same class counts.
   */
  readonly groups?: ArrayLike<string | number | bigint>;
  /** Called after each resample with their number so far. */
  readonly onResample?: (done: number) => void;
  /** Also give Fmax, for samples with several labels. */
  readonly fMax?: boolean;
  /** Also give the mean F1 of these classes, such as the score of Challenge 2017. */
  readonly f1Of?: readonly number[];
}

/** A figure with its percentile interval over the resamples. */
export interface Interval {
  /** On all samples, without resampling; NaN if it is not defined. */
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** Number of resamples in which the score is not defined (an AUC without both labels). They are left out of the interval. */
  readonly undefinedResamples: number;
}

/** Scores of one class. */
export interface ClassScores<T> {
  readonly precision: T;
  readonly recall: T;
  readonly f1: T;
  readonly auc: T;
  readonly averagePrecision: T;
}

/** Scores of a set of predictions. F1, precision and recall are 0 if their denominator is 0. */
export interface Scores<T> {
  /** Share of samples whose predicted labels are all correct. */
  readonly accuracy: T;
  readonly macroF1: T;
  readonly macroAuc: T;
  readonly macroAveragePrecision: T;
  /** Largest F1 of sample-averaged precision and recall over 100 thresholds; NaN if a sample has no label. */
  readonly fMax?: T;
  /** Mean F1 of the classes of the option `f1Of`. */
  readonly f1Of?: T;
  readonly perClass: readonly ClassScores<T>[];
}

/**
 * Scores with bootstrap intervals.
 *
 * @param yTrue truth (samples, classes) of 0 and 1.
 * @param yProb probabilities of the same shape.
 * @throws ValueError if shapes, labels or options are wrong.
 */
export function bootstrapScores(yTrue: NdArray, yProb: NdArray, options: BootstrapOptions = {}): Scores<Interval> {
  const scorer = new Scorer(yTrue, yProb, options);
  const drawn = drawWeights(yTrue, options, (weights) => scorer.score(weights));
  return toScores(scorer.classes, intervals(scorer.score(), drawn, options), options);
}

/**
 * Differences b − a of the scores of two sets of predictions for the same samples; each resample is drawn once for both.
 *
 * @throws ValueError if shapes, labels or options are wrong.
 */
export function bootstrapDifference(
  yTrue: NdArray,
  yProbA: NdArray,
  yProbB: NdArray,
  options: BootstrapOptions & {
    /** How the second set is decided; default as the first. */
    readonly decisionB?: Decision;
  } = {},
): Scores<Interval> {
  const second = { ...options, decision: options.decisionB ?? options.decision };
  const [a, b] = [new Scorer(yTrue, yProbA, options), new Scorer(yTrue, yProbB, second)];
  const difference = (weights?: Float64Array): Float64Array => {
    const scoresOfA = a.score(weights);
    return b.score(weights).map((value, i) => value - scoresOfA[i]);
  };
  return toScores(a.classes, intervals(difference(), drawWeights(yTrue, options, difference), options), options);
}

/** Computes all scores from the number of times that each sample was drawn. Sorts only once. */
class Scorer {
  readonly classes: number;
  readonly #samples: number;
  readonly #truth: Uint8Array;
  readonly #prediction: Indicator;
  readonly #rankings: readonly Ranking[];
  readonly #thresholds: ThresholdScores | undefined;
  readonly #f1Of: readonly number[];

  constructor(yTrue: NdArray, yProb: NdArray, { decision = 'argmax', fMax = false, f1Of = [] }: BootstrapOptions) {
    if (yProb.shape.length !== 2 || yTrue.shape.join() !== yProb.shape.join()) {
      throw new ValueError(
        `y_true has shape (${yTrue.shape.join(', ')}), y_prob (${yProb.shape.join(', ')}); expected (samples, classes) twice`,
      );
    }
    [this.#samples, this.classes] = yProb.shape;
    if (this.#samples === 0) throw new ValueError('there are no samples');
    this.#truth = binaryLabels(yTrue);
    this.#prediction = decision === 'argmax' ? mostProbable(yProb) : atThreshold(yProb, decision);
    this.#rankings = rankingsOf(this.#truth, yProb);
    this.#thresholds = fMax ? new ThresholdScores(this.#truth, yProb) : undefined;
    this.#f1Of = f1Of;
  }

  /** `[accuracy, macro F1, AUC and average precision, then precision, recall, F1, AUC and average precision of each class, then Fmax and the mean F1 of `f1Of`]`. */
  score(weights: Float64Array = new Float64Array(this.#samples).fill(1)): Float64Array {
    const { classes } = this;
    const out = new Float64Array(6 + 5 * classes);
    out[0] = this.#accuracy(weights);
    for (let label = 0; label < classes; label++) {
      const at = 4 + 5 * label;
      this.#counts(label, weights, out, at);
      [out[at + 3], out[at + 4]] = this.#rankings[label].areas(weights);
      out[1] += out[at + 2] / classes;
      out[2] += out[at + 3] / classes;
      out[3] += out[at + 4] / classes;
    }
    const last = 4 + 5 * classes;
    out[last] = this.#thresholds?.fMax(weights) ?? Number.NaN;
    out[last + 1] = this.#f1Of.reduce((sum, label) => sum + out[6 + 5 * label], 0) / this.#f1Of.length;
    return out;
  }

  #accuracy(weights: Float64Array): number {
    let [right, total] = [0, 0];
    for (let i = 0; i < weights.length; i++) {
      const start = i * this.classes;
      let equal = true;
      for (let j = start; j < start + this.classes; j++) equal &&= this.#truth[j] === this.#prediction.data[j];
      if (equal) right += weights[i];
      total += weights[i];
    }
    return right / total;
  }

  #counts(label: number, weights: Float64Array, out: Float64Array, at: number): void {
    let [hits, predicted, support] = [0, 0, 0];
    for (let i = 0, j = label; i < weights.length; i++, j += this.classes) {
      const weight = weights[i];
      if (this.#truth[j]) support += weight;
      if (!this.#prediction.data[j]) continue;
      predicted += weight;
      if (this.#truth[j]) hits += weight;
    }
    out[at] = predicted === 0 ? 0 : hits / predicted;
    out[at + 1] = support === 0 ? 0 : hits / support;
    out[at + 2] = predicted + support === 0 ? 0 : (2 * hits) / (predicted + support);
  }
}

/** Scores of every resample. */
function drawWeights(
  yTrue: NdArray,
  options: BootstrapOptions,
  score: (weights: Float64Array) => Float64Array,
): Float64Array[] {
  const { resamples = 1000, seed = 0 } = options;
  if (!Number.isInteger(resamples) || resamples < 1)
    throw new ValueError(`resamples is ${resamples}; expected an integer of 1 or more`);
  const random = new RandomState(seed);
  const samples = yTrue.shape[0];
  const units = options.groups ? [groupMembers(options.groups, samples)] : labelStrata(yTrue);
  return Array.from({ length: resamples }, (_, resample) => {
    const weights = new Float64Array(samples);
    for (const stratum of units) {
      for (let i = 0; i < stratum.length; i++)
        for (const sample of stratum[random.randint(stratum.length)]) weights[sample]++;
    }
    const scores = score(weights);
    options.onResample?.(resample + 1);
    return scores;
  });
}

/** One stratum per distinct row of labels, each unit a single sample. */
function labelStrata(yTrue: NdArray): number[][][] {
  const [samples, classes] = yTrue.shape as [number, number];
  const strata = new Map<string, number[][]>();
  for (let i = 0; i < samples; i++) {
    const key = Array.from({ length: classes }, (_, j) => yTrue.data[i * classes + j]).join();
    const stratum = strata.get(key);
    if (stratum) stratum.push([i]);
    else strata.set(key, [[i]]);
  }
  return [...strata.values()];
}

function groupMembers(groups: ArrayLike<string | number | bigint>, samples: number): number[][] {
  if (groups.length !== samples) throw new ValueError(`${groups.length} groups for ${samples} samples`);
  const members = new Map<string | number | bigint, number[]>();
  for (let i = 0; i < samples; i++) {
    const own = members.get(groups[i]);
    if (own) own.push(i);
    else members.set(groups[i], [i]);
  }
  return [...members.values()];
}

function intervals(
  values: Float64Array,
  drawn: readonly Float64Array[],
  { confidence = 0.95 }: BootstrapOptions,
): Interval[] {
  if (!(confidence > 0 && confidence < 1))
    throw new ValueError(`confidence is ${confidence}; expected a share between 0 and 1`);
  return Array.from(values, (value, i) => {
    const defined = Float64Array.from(drawn, (scores) => scores[i])
      .filter((score) => !Number.isNaN(score))
      .sort();
    const tail = (1 - confidence) / 2;
    return {
      value,
      low: quantile(defined, tail),
      high: quantile(defined, 1 - tail),
      undefinedResamples: drawn.length - defined.length,
    };
  });
}

/** Quantile with linear interpolation, as `numpy.quantile`; NaN if there are no values. */
export function quantile(sorted: Float64Array, share: number): number {
  if (sorted.length === 0) return Number.NaN;
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const next = sorted[Math.min(below + 1, sorted.length - 1)];
  return sorted[below] + (place - below) * (next - sorted[below]);
}

function toScores(classes: number, all: Interval[], options: BootstrapOptions): Scores<Interval> {
  const [accuracy, macroF1, macroAuc, macroAveragePrecision] = all;
  const perClass = Array.from({ length: classes }, (_, label) => {
    const [precision, recall, f1, auc, averagePrecision] = all.slice(4 + 5 * label, 9 + 5 * label);
    return { precision, recall, f1, auc, averagePrecision };
  });
  const [fMax, f1Of] = all.slice(4 + 5 * classes);
  const more = { ...(options.fMax && { fMax }), ...(options.f1Of && { f1Of }) };
  return { accuracy, macroF1, macroAuc, macroAveragePrecision, ...more, perClass };
}
