import { toFloat64 } from '../numpy/convert.ts';
import type { NdArray } from '../numpy/ndarray.ts';
import { pairwiseSum } from '../numpy/sum.ts';
import { ValueError } from '../python/errors.ts';

/** Row-major matrix of 0 and 1. */
export interface Indicator {
  readonly rows: number;
  readonly columns: number;
  readonly data: Uint8Array;
}

/** Precision, recall and F1 of one class; 0 if the denominator is 0. */
export interface ClassScore {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  /** Number of true samples of the class. */
  readonly support: number;
}

/**
 * Area under the ROC curve of one class; tied scores count half. Twin of `sklearn.metrics.roc_auc_score(truth, scores)`, to the last bit.
 *
 * @param truth 0 or 1 per sample.
 * @throws ValueError if `truth` has only one distinct value, or a score is not finite.
 */
export function rocAucScore(truth: ArrayLike<number>, scores: ArrayLike<number>): number {
  const { x, y } = rocCurve(truth, scores);
  const areas = new Float64Array(x.length - 1);
  for (let i = 0; i < areas.length; i++) areas[i] = ((x[i + 1] - x[i]) * (y[i + 1] + y[i])) / 2;
  return pairwiseSum(areas);
}

/**
 * Twin of `sklearn.metrics.roc_curve` with its defaults, without the thresholds: false positive rate (`x`) and true positive rate (`y`) at the
 * corners of the curve. Throws a ValueError if only one class is present.
 */
export function rocCurve(truth: ArrayLike<number>, scores: ArrayLike<number>): { x: number[]; y: number[] } {
  const { falsePositives, truePositives } = rocPoints(truth, scores);
  const [negatives, positives] = [falsePositives.at(-1)!, truePositives.at(-1)!];
  return { x: falsePositives.map((count) => count / negatives), y: truePositives.map((count) => count / positives) };
}

/** Corners of the ROC curve as counts, from (0, 0). Leaves out points on a straight line between two corners. */
function rocPoints(
  truth: ArrayLike<number>,
  scores: ArrayLike<number>,
): { falsePositives: number[]; truePositives: number[] } {
  if (truth.length !== scores.length) throw new ValueError(`${truth.length} labels for ${scores.length} scores`);
  const positives = Array.from(truth).reduce((count, value) => count + checkBinary(value), 0);
  if (positives === 0 || positives === truth.length) {
    throw new ValueError('Only one class present in y_true. ROC AUC score is not defined in that case.');
  }
  const order = descending(scores);
  const [fps, tps] = [[] as number[], [] as number[]];
  let [fp, tp] = [0, 0];
  for (const [i, sample] of order.entries()) {
    if (truth[sample]) tp++;
    else fp++;
    const next = order[i + 1];
    if (next !== undefined && scores[next] === scores[sample]) continue;
    fps.push(fp);
    tps.push(tp);
  }
  const last = fps.length - 1;
  const isCorner = (i: number): boolean => i === 0 || i === last || bends(fps, i) || bends(tps, i);
  const corners = fps.flatMap((_, i) => (isCorner(i) ? [i] : []));
  return { falsePositives: [0, ...corners.map((i) => fps[i])], truePositives: [0, ...corners.map((i) => tps[i])] };
}

/** A curve of decisions: what one threshold after the other gives. */
export interface ThresholdCurve {
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** Scores of at least this much count as positive. */
  readonly thresholds: Float64Array;
}

/** Number of false and true positives at each distinct score, from the highest. Twin of `sklearn.metrics._ranking._binary_clf_curve`. */
export function countsByScore(
  truth: ArrayLike<number>,
  scores: ArrayLike<number>,
): { falsePositives: number[]; truePositives: number[]; thresholds: number[] } {
  if (truth.length !== scores.length) throw new ValueError(`${truth.length} labels for ${scores.length} scores`);
  if (truth.length === 0) throw new ValueError('there are no samples');
  const order = descending(scores);
  const counts = { falsePositives: [] as number[], truePositives: [] as number[], thresholds: [] as number[] };
  let [fp, tp] = [0, 0];
  for (const [i, sample] of order.entries()) {
    if (checkBinary(truth[sample])) tp++;
    else fp++;
    if (i + 1 < order.length && scores[order[i + 1]] === scores[sample]) continue;
    counts.falsePositives.push(fp);
    counts.truePositives.push(tp);
    counts.thresholds.push(scores[sample]);
  }
  return counts;
}

/**
 * False (`x`) and true (`y`) positive rates at every distinct score, from the threshold ∞ downwards. Twin of
 * `sklearn.metrics.roc_curve(truth, scores, drop_intermediate=False)`, to the last bit.
 *
 * @throws ValueError if `truth` has only one distinct value, or a score is not finite.
 */
export function fullRocCurve(truth: ArrayLike<number>, scores: ArrayLike<number>): ThresholdCurve {
  const { falsePositives, truePositives, thresholds } = countsByScore(truth, scores);
  const [negatives, positives] = [falsePositives.at(-1)!, truePositives.at(-1)!];
  if (negatives === 0 || positives === 0) throw new ValueError('Only one class present in y_true.');
  return {
    x: Float64Array.of(0, ...falsePositives.map((count) => count / negatives)),
    y: Float64Array.of(0, ...truePositives.map((count) => count / positives)),
    thresholds: Float64Array.of(Number.POSITIVE_INFINITY, ...thresholds),
  };
}

/**
 * Recall (`x`) and precision (`y`) at every distinct score, from the lowest threshold upwards, and the point (0, 1) at the end, which has no
 * threshold. Twin of `sklearn.metrics.precision_recall_curve(truth, scores)`, to the last bit. Without positive samples, recall is 1 everywhere.
 *
 * @throws ValueError for no samples, labels other than 0 and 1, or a score that is not finite.
 */
export function precisionRecallCurve(truth: ArrayLike<number>, scores: ArrayLike<number>): ThresholdCurve {
  const { falsePositives, truePositives, thresholds } = countsByScore(truth, scores);
  const positives = truePositives.at(-1)!;
  const precision = truePositives.map((count, i) => ratio(count, count + falsePositives[i]));
  const recall = truePositives.map((count) => (positives === 0 ? 1 : count / positives));
  return {
    x: Float64Array.from([...recall.reverse(), 0]),
    y: Float64Array.from([...precision.reverse(), 1]),
    thresholds: Float64Array.from(thresholds.reverse()),
  };
}

/**
 * Mean of the precisions, weighted by the increase in recall. Twin of `sklearn.metrics.average_precision_score(truth, scores)`; like it, 0
 * without positive samples.
 */
export function averagePrecisionScore(truth: ArrayLike<number>, scores: ArrayLike<number>): number {
  const { x, y } = precisionRecallCurve(truth, scores);
  const steps = Float64Array.from({ length: x.length - 1 }, (_, i) => (x[i + 1] - x[i]) * y[i]);
  return -pairwiseSum(steps);
}

function bends(counts: readonly number[], i: number): boolean {
  return counts[i + 1] - counts[i] !== counts[i] - counts[i - 1];
}

/** Indices of the scores from the highest to the lowest. */
export function descending(scores: ArrayLike<number>): Uint32Array {
  for (let i = 0; i < scores.length; i++) {
    if (!Number.isFinite(scores[i])) throw new ValueError(`score ${i} is ${scores[i]}; expected finite numbers`);
  }
  return Uint32Array.from({ length: scores.length }, (_, i) => i).sort((a, b) => scores[b] - scores[a]);
}

function checkBinary(value: number): number {
  if (value !== 0 && value !== 1) throw new ValueError(`a label is ${value}; expected 0 or 1`);
  return value;
}

/** Column of a row-major matrix. */
export function columnOf(values: ArrayLike<number>, columns: number, column: number): Float64Array {
  return Float64Array.from({ length: values.length / columns }, (_, row) => values[row * columns + column]);
}

/**
 * Scores of each class of an indicator matrix. Twin of `sklearn.metrics.precision_recall_fscore_support(truth, prediction, average=None)` with
 * `zero_division=0`.
 */
export function precisionRecallFscoreSupport(truth: Indicator, prediction: Indicator): ClassScore[] {
  checkSameShape(truth, prediction);
  const { columns } = truth;
  const counts = Array.from({ length: columns }, () => ({ tp: 0, predicted: 0, support: 0 }));
  for (let i = 0; i < truth.data.length; i++) {
    const count = counts[i % columns];
    count.tp += truth.data[i] & prediction.data[i];
    count.predicted += prediction.data[i];
    count.support += truth.data[i];
  }
  return counts.map(({ tp, predicted, support }) => ({
    precision: ratio(tp, predicted),
    recall: ratio(tp, support),
    f1: ratio(2 * tp, support + predicted),
    support,
  }));
}

/**
 * Unweighted mean of the classes' F1 scores. Twin of `sklearn.metrics.f1_score(truth, prediction, average='macro')` for matrices. Quirk Q11: a single
 * column is a binary problem, averaged over the label values that occur.
 *
 * @param truth (samples, classes) with at most two distinct whole values; every value but 0 is true.
 * @throws ValueError for other truth.
 */
export function f1Score(truth: NdArray, prediction: Indicator): number {
  const values = toFloat64(truth);
  for (const value of values) {
    if (!Number.isInteger(value)) throw new ValueError(`a label is ${value}; expected whole numbers`);
  }
  if (prediction.columns === 1) return mean(binaryF1(values, prediction.data));
  if (new Set(values).size > 2) throw new ValueError('truth with more than two values is not a multi-label indicator');
  const indicator = { ...prediction, data: Uint8Array.from(values, (value) => (value ? 1 : 0)) };
  return mean(precisionRecallFscoreSupport(indicator, prediction).map((score) => score.f1));
}

function binaryF1(truth: ArrayLike<number>, prediction: Uint8Array): number[] {
  const labels = [...new Set([...Array.from(truth), ...prediction])].sort((a, b) => a - b);
  return labels.map((label) => {
    let [tp, predicted, support] = [0, 0, 0];
    prediction.forEach((value, i) => {
      const [isTrue, isPredicted] = [truth[i] === label, value === label];
      if (isTrue && isPredicted) tp++;
      if (isTrue) support++;
      if (isPredicted) predicted++;
    });
    return ratio(2 * tp, support + predicted);
  });
}

/**
 * Numbers of samples by true class (row) and predicted class (column). Twin of `sklearn.metrics.confusion_matrix(truth, prediction, labels=range(classes))`.
 *
 * @throws ValueError for a class outside 0 … classes−1.
 */
export function confusionMatrix(truth: ArrayLike<number>, prediction: ArrayLike<number>, classes: number): number[][] {
  if (truth.length !== prediction.length)
    throw new ValueError(`${truth.length} labels for ${prediction.length} predictions`);
  const matrix = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (let i = 0; i < truth.length; i++) {
    const row = matrix[truth[i]];
    if (row?.[prediction[i]] === undefined) {
      throw new ValueError(`sample ${i} has the classes ${truth[i]} and ${prediction[i]}; expected 0 … ${classes - 1}`);
    }
    row[prediction[i]]++;
  }
  return matrix;
}

/** Mean, with additions in NumPy's order. */
export function mean(values: ArrayLike<number>): number {
  return pairwiseSum(values) / values.length;
}

/** A share; 0 of nothing. */
export function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function checkSameShape(a: Indicator, b: Indicator): void {
  if (a.rows !== b.rows || a.columns !== b.columns) {
    throw new ValueError(`truth has shape (${a.rows}, ${a.columns}), the prediction (${b.rows}, ${b.columns})`);
  }
}
