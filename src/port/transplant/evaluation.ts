import { atThreshold, mostProbable, requireMatrix } from '../../lib/decisions.ts';
import { toFloat64 } from '../../lib/numpy/convert.ts';
import type { NdArray } from '../../lib/numpy/ndarray.ts';
import { pairwiseSum } from '../../lib/numpy/sum.ts';
import { IndexError, ValueError } from '../../lib/python/errors.ts';
import { columnOf, f1Score, mean, rocAucScore } from '../../lib/sklearn/metrics.ts';

export { CustomCheckpoint, type CustomCheckpointOptions, type ScoreFunction } from './evaluation/custom_checkpoint.ts';

/**
 * Unweighted mean over classes of the area under the ROC curve. Twin of `transplant.evaluation.auc`.
 *
 * @param yTrue truth (samples, classes) of 0 and 1.
 * @param yProb scores of the same shape.
 * @throws ValueError if shapes do not match, or (Quirk Q9) a class has only one value in `yTrue`.
 */
export function auc(yTrue: NdArray, yProb: NdArray): number {
  const [, classes] = requireMatrix(yProb);
  requireSameShape(yTrue, yProb);
  requireElements(yProb);
  const [truth, scores] = [toFloat64(yTrue), toFloat64(yProb)];
  const perClass = Array.from({ length: classes }, (_, i) =>
    rocAucScore(columnOf(truth, classes, i), columnOf(scores, classes, i)),
  );
  return mean(perClass);
}

/** How `f1` decides. */
export interface F1Options {
  /** Labels do not exclude each other: predict every class that reaches its threshold. Default: the most probable class. */
  readonly multiclass?: boolean;
  /** One for all classes or one per class, default 0.5. Quirk Q10: ignored unless `multiclass`. */
  readonly threshold?: number | readonly number[];
}

/**
 * F1 score, unweighted mean over classes; 0 for a class that neither occurs nor is predicted. Twin of `transplant.evaluation.f1`. Quirk Q10: without
 * `multiclass` every class that shares the maximum is predicted; Quirk Q11: with one class the mean goes over the label values.
 *
 * @param yTrue truth (samples, classes), or class indices (samples,) if not `multiclass`.
 * @param yProb probabilities (samples, classes), or logits if not `multiclass`.
 * @throws ValueError if `yProb` is not a matrix, shapes do not match, or class indices are given with `multiclass`.
 */
export function f1(yTrue: NdArray, yProb: NdArray, options: F1Options = {}): number {
  const [, classes] = requireMatrix(yProb);
  const { multiclass = false, threshold = 0.5 } = options;
  if (yTrue.shape.length === 1 && multiclass) {
    throw new ValueError('with multiclass y_true must have shape (samples, classes), got class indices');
  }
  const truth = yTrue.shape.length === 1 ? oneHot(yTrue, classes) : yTrue;
  if (!multiclass) requireElements(yProb.shape[1] === 0 ? yProb : truth);
  if (yTrue.shape.length === 0) throw new TypeError('y_true is a single number, expected (samples, classes)');
  requireSameShape(truth, yProb);
  requireElements(yProb);
  return f1Score(truth, multiclass ? atThreshold(yProb, threshold) : mostProbable(yProb));
}

/** `f1` of labels that do not exclude each other, at the threshold 0.5. Twin of `transplant.evaluation.multi_f1`. */
export function multiF1(yTrue: NdArray, yProb: NdArray): number {
  return f1(yTrue, yProb, { multiclass: true, threshold: 0.5 });
}

/**
 * Largest F1 of sample-averaged precision and recall over all thresholds, and the first threshold that reaches it. Twin of `transplant.evaluation.f_max`.
 *
 * @param thresholds default: 100 equally spaced values from 0 to 1.
 * @throws ValueError if the score is NaN at every threshold, as (Quirk Q12) with one sample without labels.
 */
export function fMax(
  yTrue: NdArray,
  yProb: NdArray,
  thresholds: ArrayLike<number> = hundredThresholds(),
): [score: number, threshold: number] {
  const [precision, recall] = macroPrecisionRecall(yTrue, yProb, thresholds);
  let best = -1;
  let score = Number.NEGATIVE_INFINITY;
  precision.forEach((p, i) => {
    const f = (2 * p * recall[i]) / (p + recall[i]);
    if (f > score) [best, score] = [i, f];
  });
  if (best < 0)
    throw new ValueError(
      'All-NaN slice encountered: the score is NaN at every threshold; is there a sample without labels?',
    );
  return [score, thresholds[best]];
}

/**
 * Precision and recall per sample, averaged over the samples, at each threshold. Twin of `transplant.evaluation.macro_precision_recall`. Precision averages the
 * samples with a predicted class (NaN if there are none); recall all samples (Quirk Q12: NaN if one has no label). As in NumPy, a single class or a single sample of truth
 * stands for all.
 *
 * @throws IndexError for fewer than two axes, and for a single sample of probabilities beside several of truth; ValueError for other shapes that do not match.
 */
export function macroPrecisionRecall(
  yTrue: NdArray,
  yProb: NdArray,
  thresholds: ArrayLike<number>,
): [precision: Float64Array, recall: Float64Array] {
  for (const { shape } of [yTrue, yProb]) {
    if (shape.length < 2) throw new IndexError(`expected arrays (samples, classes), got (${shape.join(', ')})`);
  }
  const [trueSamples, trueClasses] = requireMatrix(yTrue);
  const [probSamples, probClasses] = requireMatrix(yProb);
  const samples = broadcast(trueSamples, probSamples);
  const classes = broadcast(trueClasses, probClasses);
  if (probSamples !== samples) throw new IndexError(`one sample of probabilities for ${samples} of truth`);
  const [truth, prob] = [toFloat64(yTrue), toFloat64(yProb)];
  const [trueRow, trueColumn] = [trueSamples === 1 ? 0 : trueClasses, trueClasses === 1 ? 0 : 1];
  const probColumn = probClasses === 1 ? 0 : 1;
  const labels = Float64Array.from({ length: samples }, (_, i) => pairwiseSum(truth, i * trueRow, trueClasses));
  const perThreshold = Array.from(thresholds, (threshold) => {
    const precisions = new Float64Array(samples);
    const recalls = new Float64Array(samples);
    let defined = 0;
    for (let i = 0; i < samples; i++) {
      const isPredicted = (j: number): boolean => prob[i * probClasses + j] >= threshold;
      let [hits, predicted] = [0, 0];
      for (let j = 0; j < probClasses; j++) if (isPredicted(j)) predicted++;
      for (let j = 0; j < classes; j++) {
        if (isPredicted(j * probColumn) && truth[i * trueRow + j * trueColumn]) hits++;
      }
      if (predicted > 0) {
        precisions[i] = hits / predicted;
        defined++;
      }
      recalls[i] = hits / labels[i];
    }
    return [pairwiseSum(precisions) / defined, mean(recalls)] as const;
  });
  return [Float64Array.from(perThreshold, ([p]) => p), Float64Array.from(perThreshold, ([, r]) => r)];
}

/** Weights of `challenge2020Metrics`. */
export interface Challenge2020Options {
  /** Weight of recall in F-beta; default 2. */
  readonly betaF?: number;
  /** Weight of missed labels in G-beta, not squared; default 2. */
  readonly betaG?: number;
  /** One per class, default ones; classes beyond its end are left out. */
  readonly classWeights?: ArrayLike<number>;
  /** Samples have one label each; all weigh 1. */
  readonly single?: boolean;
}

/**
 * F-beta and G-beta as weighted means over classes, each sample weighted by 1 / number of its labels. Twin of `transplant.evaluation.challenge2020_metrics`,
 * which is not the scoring matrix of the challenge. Quirk Q13: a class that neither occurs nor is predicted makes both NaN, and a sample without labels weighs
 * infinitely.
 *
 * @param yTrue truth (samples, classes) of 0 and 1.
 * @param yPred decisions of the same shape; values other than 0 and 1 count nowhere, further rows and columns are not looked at.
 * @throws ValueError for truth that is not a matrix; IndexError for more class weights than classes and for too few decisions, neither if there are no samples.
 */
export function challenge2020Metrics(
  yTrue: NdArray,
  yPred: NdArray,
  options: Challenge2020Options = {},
): { fBeta: number; gBeta: number } {
  const { betaF = 2, betaG = 2, single = false } = options;
  const [samples, classes] = requireMatrix(yTrue);
  const weights = Array.from(options.classWeights ?? new Array<number>(classes).fill(1));
  if (samples > 0 && weights.length > 0) {
    if (weights.length > classes) throw new IndexError(`${weights.length} class weights for ${classes} classes`);
    const [rows = 0, columns = 0, ...more] = yPred.shape;
    if (rows < samples || columns < weights.length) {
      throw new IndexError(`y_pred has shape (${yPred.shape.join(', ')}), expected (${yTrue.shape.join(', ')})`);
    }
    if (more.length > 0) throw new ValueError(`y_pred must have two axes, got ${yPred.shape.length}`);
  }
  const predClasses = yPred.shape[1] ?? 0;
  const [truth, prediction] = [toFloat64(yTrue), toFloat64(yPred)];
  const sampleWeight = Float64Array.from(
    { length: samples },
    (_, i) => 1 / (single ? 1 : pairwiseSum(truth, i * classes, classes)),
  );
  let [f, g] = [0, 0];
  weights.forEach((weight, label) => {
    let [tp, fp, fn] = [0, 0, 0];
    for (let i = 0; i < samples; i++) {
      const [isTrue, isPredicted] = [truth[i * classes + label], prediction[i * predClasses + label]];
      if (isPredicted === 1 && isTrue === 1) tp += sampleWeight[i];
      else if (isPredicted === 1) fp += sampleWeight[i];
      else if (isPredicted === 0 && isTrue !== 0) fn += sampleWeight[i];
    }
    const weightedTp = (1 + betaF ** 2) * tp;
    f += (weight * weightedTp) / (weightedTp + fp + betaF ** 2 * fn);
    g += (weight * tp) / (tp + fp + betaG * fn);
  });
  const total = pairwiseSum(weights);
  return { fBeta: f / total, gBeta: g / total };
}

/**
 * Matrix (indices, depth) with a 1 at each index. Twin of `transplant.evaluation._one_hot`, also for booleans, which choose columns instead of naming them.
 *
 * @throws IndexError for numbers of floating point, and for indices out of bounds.
 */
function oneHot(indices: NdArray, depth: number): NdArray<'float64'> {
  if (indices.dtype.startsWith('float')) throw new IndexError(`class indices must be integers, got ${indices.dtype}`);
  const values = toFloat64(indices);
  const data = new Float64Array(values.length * depth);
  if (indices.dtype === 'bool') {
    const chosen = [...values.keys()].filter((i) => values[i]);
    const pairs = broadcastOrUndefined(values.length, chosen.length);
    // NumPy takes no booleans at all for any number of classes.
    if ((values.length > 0 && values.length !== depth) || pairs === undefined) {
      throw new IndexError(`${values.length} booleans choose ${chosen.length} of ${depth} classes`);
    }
    for (let i = 0; i < pairs; i++) data[(i % values.length) * depth + chosen[i % chosen.length]] = 1;
    return { dtype: 'float64', shape: [values.length, depth], data };
  }
  values.forEach((index, row) => {
    if (!Number.isInteger(index) || index < -depth || index >= depth) {
      throw new IndexError(`class index ${index} of sample ${row} is out of bounds for ${depth} classes`);
    }
    data[row * depth + (index < 0 ? index + depth : index)] = 1;
  });
  return { dtype: 'float64', shape: [values.length, depth], data };
}

/** `numpy.linspace(0, 1, 100)`. */
function hundredThresholds(): Float64Array {
  const step = 1 / 99;
  return Float64Array.from({ length: 100 }, (_, i) => (i === 99 ? 1 : i * step));
}

/** Extent of an axis of two arrays as NumPy broadcasts them. */
function broadcast(a: number, b: number): number {
  const extent = broadcastOrUndefined(a, b);
  if (extent === undefined) throw new ValueError(`axes of ${a} and ${b} do not fit`);
  return extent;
}

function broadcastOrUndefined(a: number, b: number): number | undefined {
  return a === b || b === 1 ? a : a === 1 ? b : undefined;
}

function requireElements({ shape, data }: NdArray): void {
  if (data.length === 0) throw new ValueError(`there is nothing to score: shape (${shape.join(', ')})`);
}

function requireSameShape(array: NdArray, other: NdArray): void {
  if (array.shape.join() !== other.shape.join()) {
    throw new ValueError(
      `y_true has shape (${array.shape.join(', ')}), expected (${other.shape.join(', ')}), the shape of y_prob`,
    );
  }
}
