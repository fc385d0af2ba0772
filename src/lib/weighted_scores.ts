import { toFloat64 } from './numpy/convert.ts';
import type { NdArray } from './numpy/ndarray.ts';
import { ValueError } from './python/errors.ts';
import { columnOf, descending } from './sklearn/metrics.ts';

/** Scores that are computed many times with other weights of the samples: what does not depend on the weights is computed once. */

/** Labels as 0 and 1. Throws a ValueError for any other. */
export function binaryLabels(yTrue: NdArray): Uint8Array {
  return Uint8Array.from(toFloat64(yTrue), (value) => {
    if (value !== 0 && value !== 1) throw new ValueError(`a label is ${value}; expected 0 or 1`);
    return value;
  });
}

/** The samples of one class by their score. */
export class Ranking {
  readonly #truth: Uint8Array;
  /** From the highest score to the lowest. */
  readonly #order: Uint32Array;
  /** Whether the next one has a lower score. */
  readonly #lastOfTie: Uint8Array;

  /**
   * @param truth 0 or 1 per sample.
   * @param scores one per sample, finite.
   */
  constructor(truth: Uint8Array, scores: Float64Array) {
    this.#truth = truth;
    const order = descending(scores);
    this.#order = order;
    this.#lastOfTie = Uint8Array.from(order, (sample, i) => (scores[order[i + 1]] === scores[sample] ? 0 : 1));
  }

  /** Area under the ROC curve, and average precision; NaN without both labels, and without positive samples. */
  areas(weights: Float64Array): [auc: number, averagePrecision: number] {
    let [area, precisions, fp, tp, lastFp, lastTp] = [0, 0, 0, 0, 0, 0];
    for (let i = 0; i < this.#order.length; i++) {
      const sample = this.#order[i];
      if (this.#truth[sample]) tp += weights[sample];
      else fp += weights[sample];
      if (!this.#lastOfTie[i]) continue;
      area += ((fp - lastFp) * (tp + lastTp)) / 2;
      if (tp > lastTp) precisions += ((tp - lastTp) * tp) / (tp + fp);
      [lastFp, lastTp] = [fp, tp];
    }
    return [area / (fp * tp), precisions / tp];
  }
}

/** One ranking per class, for probabilities `(samples, classes)`. */
export function rankingsOf(truth: Uint8Array, yProb: NdArray): Ranking[] {
  const classes = yProb.shape[1];
  const prob = toFloat64(yProb);
  return Array.from({ length: classes }, (_, label) => {
    const own = Uint8Array.from({ length: yProb.shape[0] }, (_, i) => truth[i * classes + label]);
    return new Ranking(own, columnOf(prob, classes, label));
  });
}

/** Number of thresholds from 0 to 1, as in `transplant.evaluation.f_max`. */
const thresholds = 100;

/** Precision and recall of each sample at each threshold. */
export class ThresholdScores {
  readonly #samples: number;
  /** Shape (thresholds, samples); NaN where no class is predicted. */
  readonly #precision: Float64Array;
  /** Shape (thresholds, samples); NaN for a sample without labels. */
  readonly #recall: Float64Array;

  constructor(truth: Uint8Array, yProb: NdArray) {
    const [samples, classes] = yProb.shape;
    const prob = toFloat64(yProb);
    this.#samples = samples;
    this.#precision = new Float64Array(thresholds * samples);
    this.#recall = new Float64Array(thresholds * samples);
    for (let t = 0; t < thresholds; t++) {
      // `numpy.linspace(0, 1, 100)`.
      const threshold = t === thresholds - 1 ? 1 : t * (1 / (thresholds - 1));
      for (let i = 0; i < samples; i++) {
        let [hits, predicted, labels] = [0, 0, 0];
        for (let j = i * classes; j < (i + 1) * classes; j++) {
          labels += truth[j];
          if (prob[j] < threshold) continue;
          predicted++;
          hits += truth[j];
        }
        this.#precision[t * samples + i] = hits / predicted;
        this.#recall[t * samples + i] = hits / labels;
      }
    }
  }

  /** Largest F1 of mean precision and mean recall; NaN if a sample with weight has no label, or if no prediction is right at any threshold. */
  fMax(weights: Float64Array): number {
    let best = Number.NaN;
    for (let t = 0; t < thresholds; t++) {
      let [precision, defined, recall, total] = [0, 0, 0, 0];
      for (let i = 0, at = t * this.#samples; i < this.#samples; i++, at++) {
        const weight = weights[i];
        if (weight === 0) continue;
        recall += weight * this.#recall[at];
        total += weight;
        if (Number.isNaN(this.#precision[at])) continue;
        precision += weight * this.#precision[at];
        defined += weight;
      }
      const [p, r] = [precision / defined, recall / total];
      const f = (2 * p * r) / (p + r);
      if (!(f <= best)) best = Number.isNaN(f) ? best : f;
    }
    return best;
  }
}
