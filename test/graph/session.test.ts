import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Dense } from '../../src/graph/layers.ts';
import { Sequential } from '../../src/graph/model.ts';
import { runtime } from '../../src/graph/runtime.ts';
import { type CompileOptions, compile, type Session } from '../../src/graph/session.ts';
import { ndarray } from '../../src/lib/numpy/ndarray.ts';
import { ValueError } from '../../src/lib/python/errors.ts';
import { BundleReader, writeBundle } from '../../src/lib/tensorflow/bundle.ts';
import { distance } from './keras_reference.ts';
import { samples, smallBatch, smallModel, units } from './small_model.ts';

const open: Session[] = [];

function session(
  options: Partial<CompileOptions> = {},
  precision: 'float32' | 'float64' | 'bfloat16' = 'float32',
): Session {
  const created = compile(smallModel(precision), { loss: 'categorical_crossentropy', seed: 1, ...options });
  open.push(created);
  return created;
}

afterEach(() => {
  for (const one of open.splice(0)) one.dispose();
});

describe('Session', () => {
  it('trains to the same bits after its state was saved to a file and loaded into another session', () => {
    const { x, y } = smallBatch(8);
    const [first, second] = [session(), session({ seed: 2 })];
    for (let step = 0; step < 3; step++) first.train(x, y);
    const folder = mkdtempSync(join(tmpdir(), 'session-'));
    try {
      writeBundle(join(folder, 'state'), first.read());
      second.assign(new BundleReader(join(folder, 'state')).tensors());
    } finally {
      rmSync(folder, { recursive: true });
    }
    for (let step = 0; step < 3; step++) expect(second.train(x, y)).toEqual(first.train(x, y));
    expect(second.read()).toEqual(first.read());
  });

  it.each([
    { precision: 'float64', limit: 1e-11 },
    // Grappler may change last bits; three steps of Adam amplify them.
    { precision: 'float32', limit: 2e-3 },
  ] as const)('the graph equals the eager executor in $precision', ({ precision, limit }) => {
    const graph = session({ inspect: true }, precision);
    const eager = session({ inspect: true, executor: 'eager' }, precision);
    const { x, y } = smallBatch(6);
    for (const training of [false, true]) {
      const expected = eager.activations(x, { training });
      const got = graph.activations(x, { training });
      expect([...got.keys()]).toEqual([...expected.keys()]);
      for (const [path, value] of expected) expect(distance(got.get(path)!, value), path).toBeLessThanOrEqual(limit);
    }
    const gradients = graph.gradients(x, y).gradients;
    for (const [name, value] of eager.gradients(x, y).gradients) {
      expect(distance(gradients.get(name)!, value), name).toBeLessThanOrEqual(limit);
    }
    const inputs = graph.inputGradients(x, y);
    const reference = eager.inputGradients(x, y);
    expect(distance(inputs.outputs, reference.outputs)).toBeLessThanOrEqual(limit);
    expect(distance(inputs.gradients.get('x')!, reference.gradients.get('x')!)).toBeLessThanOrEqual(limit);
    for (let step = 0; step < 3; step++) {
      const [got, expected] = [graph.train(x, y), eager.train(x, y)];
      expect(Math.abs(got.loss - expected.loss)).toBeLessThanOrEqual(limit * expected.loss);
      expect(got.correct).toBe(expected.correct);
    }
    expect(graph.evaluate(x, y).correct).toBe(eager.evaluate(x, y).correct);
  });

  it('the gradient of an output with respect to the input equals finite differences in inference mode', () => {
    const graph = session({ inputGradients: true }, 'float64');
    const { x, y } = smallBatch(8);
    for (let step = 0; step < 3; step++) graph.train(x, y);
    const weights = ndarray('float64', [8, units], new Float64Array(8 * units));
    weights.data[1] = 1;
    const gradient = graph.inputGradients(x, weights).gradients.get('x')!;
    const output = (index: number, shift: number): number => {
      const moved = x.data.slice();
      moved[index] += shift;
      return Number(graph.predict(ndarray('float64', x.shape, moved)).data[1]);
    };
    const step = 1e-5;
    for (let index = 0; index < samples; index += 7) {
      const slope = (output(index, step) - output(index, -step)) / (2 * step);
      expect(Math.abs(Number(gradient.data[index]) - slope), `sample ${index}`).toBeLessThanOrEqual(1e-7);
    }
    // The other records have no weight.
    expect((gradient.data as Float64Array).subarray(samples).every((value) => value === 0)).toBe(true);
    expect((gradient.data as Float64Array).some((value) => Math.abs(value) > 1e-4)).toBe(true);
  });

  it('has no gradients with respect to inputs unless it is compiled with them, and only on one device', () => {
    const { x, y } = smallBatch(2);
    expect(() => session().inputGradients(x, y)).toThrow('without the signature inputGradients');
    const devices = ['/device:CPU:0', '/device:CPU:0'];
    expect(() => session({ inputGradients: true, devices })).toThrow('inputGradients: only for a model on one device');
  });

  it('one graph serves every batch size', () => {
    const graph = session();
    const { x, y } = smallBatch(64);
    const whole = graph.predict(x);
    for (const size of [64, 32, 7, 1]) {
      const part = ndarray('float64', [size, samples, 1], x.data.slice(0, size * samples));
      const expected = ndarray('float32', [size, units], (whole.data as Float32Array).slice(0, size * units));
      expect(distance(graph.predict(part), expected)).toBeLessThanOrEqual(1e-5);
    }
    for (const size of [64, 32, 7, 1]) {
      const result = graph.train(
        ndarray('float64', [size, samples, 1], x.data.slice(0, size * samples)),
        ndarray('float64', [size, units], y.data.slice(0, size * units)),
      );
      expect(result.samples).toBe(size);
      expect(result.outputs.shape).toEqual([size, units]);
      expect(Number.isFinite(result.loss)).toBe(true);
    }
  });

  it('train, evaluate and predict share variables, and training learns', () => {
    const graph = session();
    const { x, y } = smallBatch(24);
    const before = graph.predict(x);
    const first = graph.evaluate(x, y);
    expect(first.outputs).toEqual(before);
    const losses = Array.from({ length: 30 }, () => graph.train(x, y).loss);
    expect(losses.at(-1)!).toBeLessThan(0.3 * losses[0]);
    expect(graph.predict(x)).not.toEqual(before);
    const last = graph.evaluate(x, y);
    expect(last.loss).toBeLessThan(first.loss);
    expect(graph.read(['optimizer/vars/0']).get('optimizer/vars/0')!.data[0]).toBe(30n);
  });

  it('is repeatable: the same seed, batches and thread count give the same bits', () => {
    const { x, y } = smallBatch(8);
    const runs = [session(), session()].map((one) => {
      const losses = Array.from({ length: 5 }, () => one.train(x, y).loss);
      return { losses, values: one.read() };
    });
    expect(runs[0]).toEqual(runs[1]);
  });

  it('read and assign keep every bit, also for some of the variables', () => {
    const graph = session();
    const { x, y } = smallBatch(8);
    graph.train(x, y);
    const state = graph.read();
    const next = graph.train(x, y).loss;
    graph.train(x, y);
    graph.assign(state);
    expect(graph.read()).toEqual(state);
    expect(graph.train(x, y).loss).toBe(next);

    const name = 'layers/res_net/conv1/vars/0';
    const source = new Float32Array(7 * 64).fill(0.5);
    graph.assign(new Map([[name, ndarray('float32', [7, 1, 64], source)]]));
    source.fill(9);
    expect(graph.read([name]).get(name)!.data).toEqual(new Float32Array(7 * 64).fill(0.5));
    graph.train(x, y);
    expect(source.every((value) => value === 9)).toBe(true);
  });

  it('a learning rate of 0 changes moving averages and moments, but no weight', () => {
    const graph = session();
    const { x, y } = smallBatch(8);
    const before = graph.read();
    graph.train(x, y, { learningRate: 0 });
    const after = graph.read();
    for (const { path, trainable } of graph.model.weights) {
      if (trainable) expect(after.get(path), path).toEqual(before.get(path));
      else expect(after.get(path), path).not.toEqual(before.get(path));
    }
    expect(after.get('optimizer/vars/2')).not.toEqual(before.get('optimizer/vars/2'));
  });

  it('does not leak tensors or graphs', () => {
    const { tensorCount, modelCount } = runtime();
    const graph = session({ inspect: true });
    const { x, y } = smallBatch(4);
    for (let step = 0; step < 20; step++) {
      graph.train(x, y);
      graph.evaluate(x, y);
      graph.predict(x);
      graph.gradients(x, y);
      graph.activations(x);
      graph.assign(graph.read());
    }
    expect(() => graph.predict(y)).toThrow(ValueError);
    expect(runtime().tensorCount).toBe(tensorCount);
    graph.dispose();
    graph.dispose();
    expect(runtime().modelCount).toBe(modelCount);
    const eager = session({ executor: 'eager' });
    eager.train(x, y);
    eager.dispose();
    expect(runtime().tensorCount).toBe(tensorCount);
  });

  it('bfloat16 trains close to float32', () => {
    const { x, y } = smallBatch(24);
    const [wide, narrow] = [session(), session({}, 'bfloat16')];
    expect(distance(narrow.predict(x), wide.predict(x))).toBeLessThanOrEqual(0.05);
    const losses = [wide, narrow].map((one) => Array.from({ length: 30 }, () => one.train(x, y).loss));
    expect(losses[1].at(-1)!).toBeLessThan(0.3 * losses[1][0]);
    for (const value of narrow.read().values()) expect(['float32', 'int64']).toContain(value.dtype);
  });
});

describe('errors', () => {
  it('name the input, what was got and what was expected', () => {
    const graph = session();
    const { x, y } = smallBatch(4);
    expect(() => graph.predict(ndarray('float32', [4, 95, 1], new Float32Array(380)))).toThrow(
      'x: got an array of shape (4, 95, 1), expected (batch, 96, 1)',
    );
    expect(() => graph.train(x, smallBatch(5).y)).toThrow('labels: got 5 samples, the other inputs have 4');
    expect(() => graph.predict({ signal: x })).toThrow('predict: the input x is missing');
    expect(() => graph.predict(ndarray('float32', [0, samples, 1], new Float32Array(0)))).toThrow('the batch is empty');
    expect(() => graph.read(['conv2'])).toThrow('the model has no variable conv2');
    const wrong = new Map([
      ['layers/res_net/conv1/vars/0', ndarray('float32', [7, 1, 64], new Float32Array(448))],
      ['layers/dense/vars/1', ndarray('float32', [9], new Float32Array(9))],
    ]);
    const before = graph.read();
    expect(() => graph.assign(wrong)).toThrow('layers/dense/vars/1: got an array of shape (9), expected (3)');
    expect(graph.read()).toEqual(before);
    expect(() => graph.gradients(x, y)).toThrow('compiled without the signature gradients');
    graph.dispose();
    expect(() => graph.predict(x)).toThrow('disposed');
  });

  it('refuse labels that the loss does not define', () => {
    const { x } = smallBatch(2);
    const soft = session();
    const nan = ndarray('float64', [2, units], Float64Array.of(1, 0, 0, 0, Number.NaN, 0));
    expect(() => soft.train(x, nan)).toThrow('labels: got NaN (element 4), expected values from 0 to 1');
    expect(() => soft.train(x, ndarray('int32', [2], Int32Array.of(0, 1)))).toThrow('expected (batch, 3)');
    const sparse = session({ loss: 'sparse_categorical_crossentropy' });
    expect(() => sparse.train(x, ndarray('int32', [2], Int32Array.of(0, 3)))).toThrow(
      'got class 3 (sample 1), expected 0 to 2',
    );
    expect(() => sparse.train(x, ndarray('float64', [2], Float64Array.of(0, 1.5)))).toThrow(
      '1.5 (element 1) does not fit into int32',
    );
    expect(sparse.train(x, ndarray('int64', [2], BigInt64Array.of(0n, 2n))).samples).toBe(2);
  });

  it('say that a model is not built, or built twice', () => {
    const model = new Sequential([new Dense(2)]);
    expect(() => compile(model, { loss: 'binary_crossentropy' })).toThrow('not built');
    model.build([3]);
    expect(() => model.build([3])).toThrow('already built');
    expect(() => model.add(new Dense(2))).toThrow('already built');
  });
});
