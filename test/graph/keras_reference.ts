import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Activation } from '../../src/graph/layers.ts';
import type { LossName } from '../../src/graph/losses.ts';
import type { Model } from '../../src/graph/model.ts';
import { Adam, type AdamOptions } from '../../src/graph/optimizers.ts';
import { Generator } from '../../src/graph/random.ts';
import { compile, type Inputs } from '../../src/graph/session.ts';
import { initialValue } from '../../src/graph/variable.ts';
import { type NdArray, ndarray, sizeOf } from '../../src/lib/numpy/ndarray.ts';
import { readNpy, writeNpy } from '../../src/lib/numpy/npy.ts';
import { runPython } from '../python.ts';
import { root } from '../shared_data.ts';

/** A model of the original with data and the number of free-running steps. */
export interface Case {
  readonly arch: string;
  readonly stages?: number;
  readonly task: 'classify' | 'top' | 'cpc' | 'rhythm' | 'beat' | 'hr';
  readonly units?: number;
  readonly activation?: Activation;
  readonly loss: LossName;
  readonly adam: AdamOptions;
  readonly steps: number;
}

/** Distances between the port's graph and Keras, both in float64. */
export interface Distances {
  /** Largest difference of a prediction, relative to the largest prediction. */
  readonly predictions: number;
  /** Largest difference of a gradient element, relative to its tensor's largest element. */
  readonly gradients: number;
  /** Largest relative difference of a loss over all steps. */
  readonly losses: number;
  /** Largest difference of a weight after the last step, relative to its tensor's largest element. */
  readonly weights: number;
  /** Weights as Keras lists them. */
  readonly keras: readonly { path: string; shape: number[]; trainable: boolean }[];
  /** Paths in the file that Keras writes. */
  readonly file: { readonly objects: readonly string[]; readonly variables: readonly string[] };
}

/** Normal draws, as signals. */
export function normal(shape: readonly number[], stream: string): NdArray<'float64'> {
  const generator = new Generator(7, stream);
  return ndarray(
    'float64',
    shape,
    Float64Array.from({ length: sizeOf(shape) }, () => generator.normal()),
  );
}

/** Class numbers 0 … classes − 1 in turn. */
export function classes(samples: number, count: number): NdArray<'int32'> {
  return ndarray(
    'int32',
    [samples],
    Int32Array.from({ length: samples }, (_, i) => (3 * i + 1) % count),
  );
}

/** The rows of the identity for class numbers. */
export function oneHot(numbers: NdArray<'int32'>, count: number): NdArray<'float64'> {
  const data = new Float64Array(numbers.data.length * count);
  for (const [i, number] of numbers.data.entries()) data[i * count + number] = 1;
  return ndarray('float64', [numbers.data.length, count], data);
}

/** Rows with one or more ones. */
export function multiHot(rows: number, columns: number): NdArray<'float64'> {
  const data = Float64Array.from({ length: rows * columns }, (_, i) => ((i * 7) % 3 === 0 ? 1 : 0));
  return ndarray('float64', [rows, columns], data);
}

/** One model with its data. */
export interface Comparison {
  readonly model: Model;
  readonly settings: Case;
  readonly x: Inputs;
  readonly y: NdArray;
}

const number = (i: number): string => String(i).padStart(3, '0');

/**
 * Runs the same cases in the port's graph and in Keras (one process for all), in float64, from the same weights. NaN anywhere gives NaN.
 */
export async function compareWithKeras(cases: readonly Comparison[]): Promise<Distances[]> {
  const folders = cases.map(() => mkdtempSync(join(tmpdir(), 'keras-reference-')));
  try {
    cases.forEach((one, i) => {
      prepare(one, folders[i]);
    });
    await runPython([join(root, 'test', 'fixtures', 'graph', 'keras_reference.py'), ...folders]);
    return cases.map((one, i) => measure(one, folders[i]));
  } finally {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  }
}

/** Initial weights, moved off neutral values (zero bias, unit variance) that could hide a mistake. */
function initialWeights({ model }: Comparison): Map<string, NdArray> {
  return new Map(
    model.variables.map((variable) => [variable.name, perturb(variable.name, initialValue(variable, 11))]),
  );
}

function prepare(one: Comparison, folder: string): void {
  const { settings, x, y } = one;
  [...initialWeights(one).values()].forEach((value, i) => {
    writeNpy(join(folder, `w_${number(i)}.npy`), value);
  });
  const inputs = ArrayBuffer.isView(x.data) ? { x: x as NdArray } : (x as Record<string, NdArray>);
  for (const [name, value] of Object.entries({ ...inputs, y })) writeNpy(join(folder, `${name}.npy`), value);
  const { learningRate, beta1, beta2, epsilon } = settings.adam;
  const adam = { learning_rate: learningRate, beta_1: beta1, beta_2: beta2, epsilon };
  writeFileSync(join(folder, 'case.json'), JSON.stringify({ ...settings, adam, dtype: 'float64' }));
}

function measure(one: Comparison, folder: string): Distances {
  const { model, settings, x, y } = one;
  const read = (name: string): NdArray => readNpy(join(folder, `${name}.npy`)) as NdArray;
  const session = compile(model, { loss: settings.loss, optimizer: new Adam(settings.adam), inspect: true });
  try {
    const weights = initialWeights(one);
    session.assign(weights);
    const predictions = distance(session.predict(x), read('p'));
    const computed = [...session.gradients(x, y).gradients.values()];
    const expectedGradients = computed.map((_, i) => read(`g_${number(i)}`));
    // A gradient that is 0 in exact arithmetic (the bias of attention's keys) holds rounding only.
    const floor = 1e-6 * Math.max(...expectedGradients.map(largest));
    const gradients = computed.map((value, i) => distance(value, expectedGradients[i], floor));
    // A loss near 0 carries the absolute rounding of its logits, so it is measured against 1 % of the largest.
    const expectedLosses = Array.from(read('losses').data, Number);
    const smallest = 0.01 * Math.max(...expectedLosses);
    const losses = expectedLosses.map((expected) => {
      return Math.abs(session.train(x, y).loss - expected) / Math.max(expected, smallest);
    });
    const final = [...session.read([...weights.keys()]).values()].map((value, i) =>
      distance(value, read(`f_${number(i)}`)),
    );
    return {
      predictions,
      gradients: Math.max(...gradients),
      losses: Math.max(...losses),
      weights: Math.max(...final),
      keras: JSON.parse(readFileSync(join(folder, 'names.json'), 'utf8')),
      file: JSON.parse(readFileSync(join(folder, 'file.json'), 'utf8')),
    };
  } finally {
    session.dispose();
  }
}

function perturb(name: string, value: NdArray): NdArray {
  if (value.shape.length > 1) return value;
  const generator = new Generator(5, name);
  return ndarray(
    'float64',
    value.shape,
    Float64Array.from(value.data as Float64Array, (element) => element + 0.1 * Math.abs(generator.normal())),
  );
}

/** Largest difference relative to the largest magnitude expected, or to `floor` if that is larger; NaN where shapes differ. */
export function distance(got: NdArray, expected: NdArray, floor = 0): number {
  if (got.shape.join() !== expected.shape.join()) return Number.NaN;
  let worst = 0;
  for (let i = 0; i < expected.data.length; i++) {
    worst = Math.max(worst, Math.abs(Number(got.data[i]) - Number(expected.data[i])));
  }
  return worst / Math.max(largest(expected), floor);
}

function largest({ data }: NdArray): number {
  let magnitude = 0;
  for (const element of data) magnitude = Math.max(magnitude, Math.abs(Number(element)));
  return magnitude;
}
