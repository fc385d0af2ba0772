import type { NdArray } from '../lib/numpy/ndarray.ts';
import { ValueError } from '../lib/python/errors.ts';
import type { Context } from './context.ts';
import type { ElementType } from './element_type.ts';
import type { Tensor } from './executor.ts';
import { castRaw, meanRaw, sumRaw } from './ops/shape.ts';
import {
  argMax,
  binaryCrossentropy,
  categoricalCrossentropy,
  equal,
  greater,
  sparseCategoricalCrossentropy,
} from './ops/softmax.ts';

/** Names of the losses, as Keras spells them. Each is computed from logits. */
export type LossName = 'categorical_crossentropy' | 'sparse_categorical_crossentropy' | 'binary_crossentropy';

/** A loss with the accuracy that goes with it. */
export interface Loss {
  readonly name: LossName;
  /** Element type and shape of labels for outputs `(batch, classes)`. */
  labels(output: readonly number[]): { readonly dtype: ElementType; readonly shape: readonly number[] };
  /** Throws a ValueError for labels that the loss does not define. */
  check(labels: NdArray, classes: number): void;
  /** Shape of the weights that go with outputs `(batch, classes)`: one per sample or, with several labels, one per sample and class. */
  weights(output: readonly number[]): readonly number[];
  /** Mean loss over the batch, each loss times its weight. The weights are of the type of the logits; default 1. */
  loss(c: Context, labels: Tensor, logits: Tensor, weights?: Tensor): Tensor;
  /** Sum over the batch of each sample's accuracy, as a float32 scalar. */
  correct(c: Context, labels: Tensor, outputs: Tensor): Tensor;
}

/** Labels in [0, 1]; NaN is refused too. */
function checkProbabilities({ data }: NdArray): void {
  const place = (data as Float32Array).findIndex((value) => !(value >= 0 && value <= 1));
  if (place >= 0) throw new ValueError(`labels: got ${data[place]} (element ${place}), expected values from 0 to 1`);
}

function checkClasses({ data }: NdArray, classes: number): void {
  const place = (data as Int32Array).findIndex((value) => value < 0 || value >= classes);
  if (place >= 0) {
    throw new ValueError(`labels: got class ${data[place]} (sample ${place}), expected 0 to ${classes - 1}`);
  }
}

/** One-hot labels, softmax outputs; accuracy compares first maxima. */
const categorical: Loss = {
  name: 'categorical_crossentropy',
  labels: (output) => ({ dtype: 'float32', shape: output }),
  check: checkProbabilities,
  weights: ([batch]) => [batch],
  loss: categoricalCrossentropy,
  correct: (c, labels, outputs) => sumRaw(c, equal(c, argMax(c, labels), argMax(c, outputs)), [0]),
};

/** Class numbers as labels. */
const sparseCategorical: Loss = {
  name: 'sparse_categorical_crossentropy',
  labels: (output) => ({ dtype: 'int32', shape: [output[0]] }),
  check: checkClasses,
  weights: ([batch]) => [batch],
  loss: sparseCategoricalCrossentropy,
  correct: (c, labels, outputs) => sumRaw(c, equal(c, castRaw(c, labels, 'int64'), argMax(c, outputs)), [0]),
};

/** Multi-hot labels, sigmoid outputs; accuracy is the share of classes with output > 0.5 exactly where the label is 1. */
const binary: Loss = {
  name: 'binary_crossentropy',
  labels: (output) => ({ dtype: 'float32', shape: output }),
  check: checkProbabilities,
  weights: (output) => output,
  loss: binaryCrossentropy,
  correct: (c, labels, outputs) => {
    const hits = equal(c, castRaw(c, labels, 'float32'), greater(c, outputs, 0.5));
    return sumRaw(c, meanRaw(c, hits, [1]), [0]);
  },
};

/** The losses by name. */
export const losses: { readonly [N in LossName]: Loss } = {
  categorical_crossentropy: categorical,
  sparse_categorical_crossentropy: sparseCategorical,
  binary_crossentropy: binary,
};
