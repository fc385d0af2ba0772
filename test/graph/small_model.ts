import { Dense, GlobalAveragePooling1D } from '../../src/graph/layers.ts';
import { Sequential } from '../../src/graph/model.ts';
import type { Precision } from '../../src/graph/precision.ts';
import { type NdArray, ndarray } from '../../src/lib/numpy/ndarray.ts';
import { ResNet } from '../../src/port/transplant/modules/resnet1d.ts';
import { classes, normal, oneHot } from './keras_reference.ts';

/** Classes of the small model. */
export const units = 3;

/** Samples of a signal of the small model. */
export const samples = 96;

/** A residual network of two stages with a softmax head: every operation of the large ones, in a fraction of the time. */
export function smallModel(precision: Precision = 'float32'): Sequential {
  const resnet = new ResNet({ blocks: [1, 1], filters: [64, 16], kernelSize: [5, 3], includeTop: false });
  return new Sequential([resnet, new GlobalAveragePooling1D(), new Dense(units, 'softmax')]).build(
    [samples, 1],
    precision,
  );
}

/** A batch with labels that can be learnt: the classes differ in amplitude. */
export function smallBatch(size: number): { x: NdArray<'float64'>; y: NdArray<'float64'> } {
  const numbers = classes(size, units);
  const noise = normal([size, samples, 1], `batch of ${size}`);
  const data = noise.data.map((value, i) => value * (1 + numbers.data[Math.floor(i / samples)]));
  return { x: ndarray('float64', noise.shape, data), y: oneHot(numbers, units) };
}
