import { toFloat64 } from '../../../lib/numpy/convert.ts';
import { ndarray } from '../../../lib/numpy/ndarray.ts';
import { arrayRows, type Rows } from '../../../lib/numpy/rows.ts';
import { balancedClassWeights } from '../../../lib/sklearn/class_weight.ts';
import { countByClass } from '../../../prepare/labels.ts';
import type { PreparedSet } from '../datasets.ts';

/** Choices of `--class-weights`. */
export const classWeightChoices = ['balanced'] as const;
export type ClassWeights = (typeof classWeightChoices)[number];

/** Weights of the losses of a set, and what they are, for the user. */
export interface SampleWeights {
  /** `(records)` or, with several labels, `(records, classes)`; float64. */
  readonly rows: Rows;
  readonly text: string;
}

/**
 * Balanced weights of the losses of a set. With one label, each record has the weight of its class, as with `class_weight` of Keras's `fit`. With several labels,
 * each class is balanced by itself: the loss of a record in a class has the weight of the records with that label (0 or 1), which Keras takes as `sample_weight` of
 * an output `(records, classes, 1)`.
 */
export function balancedWeights(
  { y, classes }: Pick<PreparedSet, 'y' | 'classes'>,
  multiLabel: boolean,
): SampleWeights {
  const [records, width] = y.shape;
  const labels = toFloat64(y);
  const counts = countByClass(y);
  const tell = (weights: readonly string[]): string => classes.map((name, k) => `${name} ${weights[k]}`).join(', ');
  if (!multiLabel) {
    const weights = balancedClassWeights(counts);
    const classOf = (record: number): number => labels.subarray(record * width, (record + 1) * width).indexOf(1);
    const data = Float64Array.from({ length: records }, (_, record) => weights[classOf(record)]);
    const text = `Class weights: ${tell(weights.map((weight) => weight.toFixed(3)))}`;
    return { rows: arrayRows(ndarray('float64', [records], data)), text };
  }
  const weights = counts.map((count) => balancedClassWeights([records - count, count]));
  const data = Float64Array.from(labels, (label, i) => weights[i % width][label]);
  const pairs = weights.map(([without, having]) => `${having.toFixed(3)} / ${without.toFixed(3)}`);
  const text = `Class weights of records with / without the label: ${tell(pairs)}`;
  return { rows: arrayRows(ndarray('float64', y.shape, data)), text };
}
