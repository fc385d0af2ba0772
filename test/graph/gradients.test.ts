import { afterAll, describe, expect, it } from 'vitest';
import { Context } from '../../src/graph/context.ts';
import { EagerExecutor } from '../../src/graph/eager.ts';
import type { Tensor } from '../../src/graph/executor.ts';
import { conv1d } from '../../src/graph/ops/convolution.ts';
import { add, addConstant, divide, relu, scale, sigmoid, sumOfRaw } from '../../src/graph/ops/elementwise.ts';
import { batchMatMul, biasAdd, dense, matMul } from '../../src/graph/ops/linear.ts';
import { batchNorm, layerNorm } from '../../src/graph/ops/normalization.ts';
import { globalAveragePool1d, maxPool1d } from '../../src/graph/ops/pooling.ts';
import { dropout } from '../../src/graph/ops/random.ts';
import { concatenate, repeatForEach, reshape, slice, transpose } from '../../src/graph/ops/shape.ts';
import {
  binaryCrossentropy,
  categoricalCrossentropy,
  softmax,
  sparseCategoricalCrossentropy,
} from '../../src/graph/ops/softmax.ts';
import type { Precision } from '../../src/graph/precision.ts';
import { type NdArray, ndarray } from '../../src/lib/numpy/ndarray.ts';
import { classes, distance, multiHot, normal, oneHot } from './keras_reference.ts';

const executor = new EagerExecutor();
afterAll(() => executor.dispose());

type Operation = (c: Context, ...inputs: Tensor[]) => Tensor;

const context = (training = true, precision: Precision = 'float64'): Context =>
  new Context(executor, { training, precision, seed: 3 });

/** Value of Σ weights·operation(inputs). */
function project(operation: Operation, inputs: readonly NdArray[], weights: NdArray, training: boolean): number {
  const feeds = Object.fromEntries(inputs.map((input, i) => [String(i), input]));
  const y = executor.run(feeds, (tensors) => ({ y: operation(context(training), ...Object.values(tensors)) })).y;
  return [...y.data].reduce<number>((sum, value, i) => sum + Number(value) * Number(weights.data[i]), 0);
}

/** Gradients of Σ weights·operation(inputs) by the tape; `weights` are drawn once the output's shape is known. */
function byTape(operation: Operation, inputs: readonly NdArray[], training: boolean, precision: Precision = 'float64') {
  const feeds = Object.fromEntries(inputs.map((input, i) => [String(i), input]));
  let weights!: NdArray;
  const gradients = executor.run(feeds, (tensors) => {
    const c = context(training, precision);
    const sources = Object.values(tensors);
    for (const source of sources) c.tape.watch(source);
    const y = operation(c, ...sources);
    const draws = normal(y.shape, 'weights');
    weights = precision === 'float64' ? draws : ndarray('float32', draws.shape, Float32Array.from(draws.data));
    const found = c.tape.gradients(y, executor.constant(weights), sources, (parts) => sumOfRaw(c, parts));
    return Object.fromEntries(found.map((gradient, i) => [String(i), gradient!]));
  });
  return { weights, gradients: inputs.map((_, i) => gradients[String(i)]) };
}

/** Gradients by central differences with Richardson's correction. */
function byDifferences(
  operation: Operation,
  inputs: readonly NdArray[],
  weights: NdArray,
  training: boolean,
): NdArray[] {
  return inputs.map((input, k) => {
    const at = (index: number, shift: number): number => {
      const data = Float64Array.from(input.data as Float64Array);
      data[index] += shift;
      const moved = inputs.map((other, j) => (j === k ? ndarray('float64', input.shape, data) : other));
      return project(operation, moved, weights, training);
    };
    const step = 1e-3;
    const slope = (i: number, h: number): number => (at(i, h) - at(i, -h)) / (2 * h);
    const data = Float64Array.from(
      { length: input.data.length },
      (_, i) => (4 * slope(i, step / 2) - slope(i, step)) / 3,
    );
    return ndarray('float64', input.shape, data);
  });
}

const constant = (array: NdArray): Tensor => executor.constant(array);
const x = normal([2, 7, 3], 'x');
const vector = (size: number, stream: string): NdArray => normal([size], stream);
const positive = (size: number): NdArray =>
  ndarray(
    'float64',
    [size],
    normal([size], 'variance').data.map((value) => 0.5 + value * value),
  );

const operations: { name: string; operation: Operation; inputs: NdArray[]; inference?: boolean }[] = [
  { name: 'conv1d', operation: (c, a, k) => conv1d(c, a, k), inputs: [x, normal([5, 3, 4], 'kernel')] },
  {
    name: 'conv1d with stride 2',
    operation: (c, a, k) => conv1d(c, a, k, 2),
    inputs: [x, normal([3, 3, 2], 'kernel')],
  },
  {
    name: 'conv1d with stride 2 on an even length',
    operation: (c, a, k) => conv1d(c, a, k, 2),
    inputs: [normal([2, 8, 1], 'even'), normal([7, 1, 2], 'kernel')],
  },
  {
    name: 'conv1d of width 1 with stride 2',
    operation: (c, a, k) => conv1d(c, a, k, 2),
    inputs: [x, normal([1, 3, 4], 'kernel')],
  },
  { name: 'maxPool1d', operation: (c, a) => maxPool1d(c, a, 3, 2), inputs: [x] },
  { name: 'globalAveragePool1d', operation: globalAveragePool1d, inputs: [x] },
  {
    name: 'batchNorm with the batch moments',
    operation: (c, a, gamma, beta) => batchNorm(c, a, { gamma, beta }, 1e-5).y,
    inputs: [x, vector(3, 'gamma'), vector(3, 'beta')],
  },
  {
    name: 'batchNorm with moving moments',
    operation: (c, a, gamma, beta) => {
      const moving = { mean: constant(vector(3, 'mean')), variance: constant(positive(3)) };
      return batchNorm(c, a, { gamma, beta, moving }, 1e-5).y;
    },
    inputs: [x, vector(3, 'gamma'), vector(3, 'beta')],
  },
  {
    name: 'layerNorm',
    operation: (c, a, gamma, beta) => layerNorm(c, a, gamma, beta, 1e-3),
    inputs: [normal([2, 3, 5], 'layer'), vector(5, 'gamma'), vector(5, 'beta')],
  },
  { name: 'matMul', operation: matMul, inputs: [normal([3, 4], 'a'), normal([4, 2], 'b')] },
  {
    name: 'batchMatMul',
    operation: (c, a, b) => batchMatMul(c, a, b),
    inputs: [normal([2, 3, 4], 'a'), normal([2, 4, 2], 'b')],
  },
  {
    name: 'batchMatMul with a transposed factor',
    operation: (c, a, b) => batchMatMul(c, a, b, { transposeB: true }),
    inputs: [normal([2, 3, 4], 'a'), normal([2, 5, 4], 'b')],
  },
  { name: 'dense', operation: dense, inputs: [x, normal([3, 4], 'kernel'), vector(4, 'bias')] },
  { name: 'biasAdd', operation: biasAdd, inputs: [x, vector(3, 'bias')] },
  { name: 'relu', operation: relu, inputs: [x] },
  { name: 'sigmoid', operation: sigmoid, inputs: [x] },
  { name: 'softmax', operation: softmax, inputs: [x] },
  { name: 'add of a tensor to itself', operation: (c, a) => add(c, a, a), inputs: [x] },
  { name: 'a tensor used three times', operation: (c, a) => add(c, relu(c, a), add(c, sigmoid(c, a), a)), inputs: [x] },
  { name: 'addConstant', operation: (c, a) => addConstant(c, a, constant(vector(3, 'constant'))), inputs: [x] },
  { name: 'scale', operation: (c, a) => scale(c, a, -1.7), inputs: [x] },
  { name: 'divide', operation: (c, a) => divide(c, a, 3.3), inputs: [x] },
  { name: 'reshape', operation: (c, a) => reshape(c, a, [7, 6]), inputs: [x] },
  { name: 'transpose', operation: (c, a) => transpose(c, a, [2, 0, 1]), inputs: [x] },
  { name: 'slice', operation: (c, a) => slice(c, a, 1, 2, 3), inputs: [x] },
  { name: 'concatenate', operation: (c, a, b) => concatenate(c, [a, b, a], 1), inputs: [x, normal([2, 2, 3], 'part')] },
  { name: 'repeatForEach', operation: (c, a) => repeatForEach(c, a, constant(x)), inputs: [vector(4, 'token')] },
  { name: 'dropout', operation: (c, a) => dropout(c, a, 0.4), inputs: [x] },
  {
    name: 'categoricalCrossentropy',
    operation: (c, z) => categoricalCrossentropy(c, constant(oneHot(classes(4, 3), 3)), z),
    inputs: [normal([4, 3], 'logits')],
  },
  {
    name: 'sparseCategoricalCrossentropy',
    operation: (c, z) => sparseCategoricalCrossentropy(c, constant(classes(4, 3)), z),
    inputs: [normal([4, 3], 'logits')],
  },
  {
    name: 'binaryCrossentropy',
    operation: (c, z) => binaryCrossentropy(c, constant(multiHot(4, 3)), z),
    inputs: [normal([4, 3], 'logits')],
  },
];

describe('gradients equal finite differences in float64', () => {
  it.each(operations)('$name', ({ operation, inputs }) => {
    const { weights, gradients } = byTape(operation, inputs, true);
    const expected = byDifferences(operation, inputs, weights, true);
    for (const [i, gradient] of gradients.entries()) {
      expect(distance(gradient, expected[i]), `input ${i}`).toBeLessThanOrEqual(1e-8);
    }
  });
});

describe('the fused batch normalisation equals the composed one', () => {
  const narrow = (array: NdArray): NdArray =>
    ndarray('float32', array.shape, Float32Array.from(array.data as Float64Array));
  const inputs = [x, vector(3, 'gamma'), vector(3, 'beta')];
  const mean = vector(3, 'mean');
  const variance = positive(3);

  it.each([
    { title: 'with the batch moments', moments: false },
    { title: 'with moving moments', moments: true },
  ])('$title: values, moments and gradients', ({ moments }) => {
    const results = (['float64', 'float32'] as const).map((precision) => {
      const typed = precision === 'float64' ? (array: NdArray) => array : narrow;
      const operation: Operation = (c, a, gamma, beta) => {
        const moving = moments ? { mean: constant(typed(mean)), variance: constant(typed(variance)) } : undefined;
        return batchNorm(c, a, { gamma: gamma, beta: beta, moving }, 1e-5).y;
      };
      const { gradients } = byTape(operation, inputs.map(typed), true, precision);
      const values = executor.run(
        { a: typed(x), gamma: typed(inputs[1]), beta: typed(inputs[2]) },
        ({ a, gamma, beta }) => {
          const moving = moments ? { mean: constant(typed(mean)), variance: constant(typed(variance)) } : undefined;
          const { y, moments: batch } = batchNorm(
            context(true, precision),
            a,
            { gamma: gamma, beta: beta, moving },
            1e-5,
          );
          return batch === undefined ? { y } : { y, ...batch };
        },
      );
      return [...gradients, ...Object.values(values)];
    });
    expect(results[1]).toHaveLength(moments ? 4 : 6);
    for (const [i, value] of results[1].entries()) {
      expect(distance(value, results[0][i]), `value ${i}`).toBeLessThanOrEqual(3e-6);
    }
  });
});

describe('dropout', () => {
  it('keeps about 1 − rate of the elements, scaled, in a pattern that changes with the operation', () => {
    const ones = ndarray('float32', [4, 2500], new Float32Array(10_000).fill(1));
    const { a, b } = executor.run({ ones }, (inputs) => {
      const c = context(true, 'float32');
      return { a: dropout(c, inputs.ones, 0.2), b: dropout(c, inputs.ones, 0.2) };
    });
    const kept = [...(a.data as Float32Array)].filter((value) => value !== 0);
    // 10,000 draws at 0.8: standard deviation 40.
    expect(Math.abs(kept.length - 8000)).toBeLessThan(200);
    expect(new Set(kept)).toEqual(new Set([1.25]));
    expect(b.data).not.toEqual(a.data);
  });
});
