import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../src/graph/builder.ts';
import { BatchNormalization, Conv1D, Dense, Dropout, GlobalAveragePooling1D, ReLU } from '../../src/graph/layers.ts';
import type { LossName } from '../../src/graph/losses.ts';
import { type Model, Sequential } from '../../src/graph/model.ts';
import { type Precision, precisions } from '../../src/graph/precision.ts';
import { program } from '../../src/graph/program.ts';
import { type CompileOptions, compile, type Session } from '../../src/graph/session.ts';
import { type NdArray, ndarray } from '../../src/lib/numpy/ndarray.ts';
import { buildNetwork } from '../../src/networks/network.ts';
import { runPython } from '../python.ts';
import { distance } from './keras_reference.ts';
import { samples, smallBatch, smallModel, units } from './small_model.ts';

const cpu = '/device:CPU:0';
const two = [cpu, cpu];
const three = [cpu, cpu, cpu];
const inspect = { inspect: true };
/** A network with batch normalisation, quick to build. */
function tinyModel(precision: Precision): Sequential {
  const layers = [new Conv1D(4, 5, 2), new BatchNormalization({ momentum: 0.9 }), new ReLU()];
  return new Sequential([...layers, new GlobalAveragePooling1D(), new Dense(units, 'softmax')]).build(
    [samples, 1],
    precision,
  );
}

const open = new Map<string, Session>();

/** A session with its initial weights. Sessions are kept for other tests, since building them takes most of the time. */
function session(
  devices?: readonly string[],
  { precision = 'float64', ...options }: Partial<CompileOptions> & { precision?: Precision } = {},
): Session {
  const key = JSON.stringify([devices, precision, options]);
  const compiled =
    open.get(key) ?? compile(tinyModel(precision), { loss: 'categorical_crossentropy', seed: 1, devices, ...options });
  open.set(key, compiled);
  compiled.reset();
  return compiled;
}

afterAll(() => {
  for (const one of open.values()) one.dispose();
});

/** Samples `from … to − 1` of a batch. */
function rows({ x, y }: ReturnType<typeof smallBatch>, from: number, to: number): ReturnType<typeof smallBatch> {
  return {
    x: ndarray('float64', [to - from, samples, 1], x.data.slice(from * samples, to * samples)),
    y: ndarray('float64', [to - from, units], y.data.slice(from * units, to * units)),
  };
}

/** Moving statistics by name, as they are on a device. */
function statistics(one: Session, device: number): Map<string, NdArray> {
  const prefix = device === 0 ? '' : `replica_${device}/`;
  const values = one.read();
  const names = one.model.variables.filter(({ trainable }) => !trainable).map(({ name }) => name);
  return new Map(names.map((name) => [name, values.get(`${prefix}${name}`)!]));
}

describe('several devices', () => {
  it.each([
    { size: 7, parts: [4, 3] },
    { size: 7, parts: [3, 3, 1] },
    { size: 9, parts: [3, 3, 3, 0] },
    { size: 1, parts: [1, 0] },
    { size: 4, parts: [2, 2, 0] },
  ])('a batch of $size is divided into parts of $parts', ({ size, parts }) => {
    const devices = parts.map(() => cpu);
    const replicated = session(devices);
    const alone = session(undefined, inspect);
    const batch = smallBatch(size);
    const start = replicated.read();
    replicated.train(batch.x, batch.y);
    // A device that got a part has the statistics that one device gets from that part alone.
    let from = 0;
    for (const [device, rowsOfPart] of parts.entries()) {
      alone.reset();
      const part = rows(batch, from, from + rowsOfPart);
      if (rowsOfPart > 0) alone.train(part.x, part.y);
      expect(statistics(replicated, device), `device ${device}`).toEqual(statistics(alone, 0));
      from += rowsOfPart;
    }
    const [{ name }] = replicated.model.trainableVariables;
    expect(replicated.read([name]).get(name)).not.toEqual(start.get(name));
  });

  it('the gradient is the sum over devices of the mean over the own part, divided by the number of devices', () => {
    const alone = session(undefined, inspect);
    for (const { devices, parts } of [
      { devices: two, parts: [4, 3] },
      { devices: three, parts: [3, 3, 1] },
      { devices: [...two, ...two], parts: [2, 2, 2, 1] },
    ]) {
      const replicated = session(devices);
      const batch = smallBatch(7);
      replicated.train(batch.x, batch.y);
      const sums = new Map<string, Float64Array>();
      let from = 0;
      for (const count of parts) {
        const part = rows(batch, from, from + count);
        from += count;
        for (const [name, { data }] of alone.gradients(part.x, part.y).gradients) {
          const sum = sums.get(name) ?? new Float64Array(data.length);
          for (const [i, value] of (data as Float64Array).entries()) sum[i] += value / devices.length;
          sums.set(name, sum);
        }
      }
      // After the first step m = (1 − β₁) g.
      for (const [i, { name, shape }] of replicated.model.trainableVariables.entries()) {
        const m = replicated.read([`optimizer/vars/${2 + 2 * i}`]).get(`optimizer/vars/${2 + 2 * i}`)!;
        const expected = ndarray(
          'float64',
          shape,
          sums.get(name)!.map((value) => 0.1 * value),
        );
        expect(distance(m, expected), `${devices.length} devices, ${name}`).toBeLessThanOrEqual(1e-12);
      }
    }
  });

  it('an empty part changes neither the gradient nor the statistics of its device', () => {
    const [replicated, alone] = [session(two), session(undefined, inspect)];
    const before = statistics(replicated, 1);
    const { x, y } = smallBatch(1);
    replicated.train(x, y);
    expect(statistics(replicated, 1)).toEqual(before);
    expect(statistics(replicated, 0)).not.toEqual(before);
    const { gradients } = alone.gradients(x, y);
    const [{ name, shape }] = replicated.model.trainableVariables;
    const half = (gradients.get(name)!.data as Float64Array).map((value) => 0.05 * value);
    const m = replicated.read(['optimizer/vars/2']).get('optimizer/vars/2')!;
    expect(distance(m, ndarray('float64', shape, half))).toBeLessThanOrEqual(1e-12);
  });

  it('loss, accuracy and outputs are those of all samples, in training and in inference mode', () => {
    const replicated = session(three);
    const alone = session(undefined, inspect);
    const batch = smallBatch(7);
    const parts = [
      [0, 3],
      [3, 6],
      [6, 7],
    ].map(([from, to]) => alone.evaluate(rows(batch, from, to).x, rows(batch, from, to).y));
    const all = replicated.evaluate(batch.x, batch.y);
    const loss = parts.reduce((sum, part) => sum + part.loss * part.samples, 0) / 7;
    expect(all.loss).toBeCloseTo(loss, 14);
    expect(all.correct).toBe(parts.reduce((sum, part) => sum + part.correct, 0));
    expect(all.samples).toBe(7);
    expect(all.outputs.shape).toEqual([7, units]);
    expect(Array.from(all.outputs.data as Float64Array)).toEqual(
      parts.flatMap(({ outputs }) => Array.from(outputs.data as Float64Array)),
    );
    expect(replicated.predict(batch.x)).toEqual(all.outputs);
    const trained = replicated.train(batch.x, batch.y);
    expect(trained.samples).toBe(7);
    expect(Number.isFinite(trained.loss)).toBe(true);
  });

  it('in inference mode every device uses its own statistics', () => {
    const replicated = session(two);
    const batch = smallBatch(8);
    for (let step = 0; step < 3; step++) replicated.train(batch.x, batch.y);
    const outputs = replicated.predict(batch.x);
    const alone = session(undefined, inspect);
    const values = replicated.read(alone.names);
    for (const device of [0, 1]) {
      alone.assign(new Map([...values, ...statistics(replicated, device)]));
      const part = rows(batch, 4 * device, 4 * device + 4);
      const own = (outputs.data as Float64Array).slice(4 * device * units, (4 * device + 4) * units);
      expect(distance(ndarray('float64', [4, units], own), alone.predict(part.x))).toBeLessThanOrEqual(1e-14);
    }
  });

  it('the graph equals the eager executor', () => {
    const [graph, eager] = [session(three), session(three, { executor: 'eager' })];
    for (const size of [7, 1, 4, 20]) {
      const { x, y } = smallBatch(size);
      const [got, expected] = [graph.train(x, y), eager.train(x, y)];
      expect(Math.abs(got.loss - expected.loss)).toBeLessThanOrEqual(1e-12);
      expect(got.correct).toBe(expected.correct);
    }
    const expected = eager.read();
    for (const [name, value] of graph.read()) {
      if (value.dtype !== 'float64') expect(value).toEqual(expected.get(name));
      else expect(distance(value, expected.get(name)!), name).toBeLessThanOrEqual(1e-9);
    }
  });

  it('is repeatable in float32, and training learns', () => {
    const runs = [1, 2].map(() => {
      const replicated = session(three, { precision: 'float32' });
      const { x, y } = smallBatch(24);
      const losses = Array.from({ length: 20 }, () => replicated.train(x, y, { learningRate: 0.05 }).loss);
      return { losses, values: replicated.read() };
    });
    expect(runs[1]).toEqual(runs[0]);
    expect(runs[0].losses.at(-1)!).toBeLessThan(0.5 * runs[0].losses[0]);
  });

  it('every device has dropout of its own, and repeats it', () => {
    const wide = 400;
    const outputs = [1, 2].map(() => {
      const model = new Sequential([new Dropout(0.5), new Dense(2)]).build([wide]);
      const one = compile(model, { loss: 'categorical_crossentropy', seed: 3, devices: two });
      const ones = ndarray('float32', [2, wide], new Float32Array(2 * wide).fill(1));
      const { outputs } = one.train(ones, ndarray('float32', [2, 2], Float32Array.of(1, 0, 1, 0)));
      one.dispose();
      return outputs;
    });
    // The samples are equal, so only their masks tell them apart.
    const [first, second] = [0, 1].map((row) => outputs[0].data.slice(2 * row, 2 * row + 2));
    expect(first).not.toEqual(second);
    expect(outputs[1]).toEqual(outputs[0]);
  });

  it('fewer than two devices are refused, and so are entry points that show one device', () => {
    expect(() => session([cpu])).toThrow('devices: got 1, expected at least 2');
    expect(() => session(two, { inspect: true })).toThrow('only for a model on one device');
  });
});

describe('variables of several devices', () => {
  it('read gives the statistics of each device, readMean their mean and no copies', () => {
    const replicated = session(three, { precision: 'float32' });
    const batch = smallBatch(7);
    replicated.train(batch.x, batch.y);
    const alone = session(undefined, { precision: 'float32' });
    const mean = replicated.readMean();
    expect([...mean.keys()]).toEqual(alone.names);
    expect(replicated.names.slice(0, alone.names.length)).toEqual(alone.names);
    const held = [0, 1, 2].map((device) => statistics(replicated, device));
    for (const [name, { data }] of held[0]) {
      const [first, second, third] = held.map((own) => own.get(name)!.data as Float32Array);
      const expected = first.map((value, i) => Math.fround(Math.fround(value + second[i]) + third[i]) / 3);
      expect(mean.get(name)!.data, name).toEqual(expected);
      expect(data).not.toEqual(second);
    }
    const [{ name }] = replicated.model.trainableVariables;
    expect(mean.get(name)).toEqual(replicated.read([name]).get(name));
    expect(alone.readMean()).toEqual(alone.read());
  });

  it('a statistic is assigned on all devices, unless a device gets a value of its own', () => {
    const replicated = session(two);
    const [[name, { shape }]] = statistics(replicated, 0);
    const filled = (value: number): NdArray => ndarray('float64', shape, new Float64Array(shape[0]).fill(value));
    replicated.assign(new Map([[name, filled(5)]]));
    expect([0, 1].map((device) => statistics(replicated, device).get(name))).toEqual([filled(5), filled(5)]);
    replicated.assign(new Map([`replica_1/${name}`, name].map((key, i) => [key, filled(6 + i)])));
    expect([0, 1].map((device) => statistics(replicated, device).get(name))).toEqual([filled(7), filled(6)]);
    replicated.reset();
    expect(statistics(replicated, 1)).toEqual(statistics(session(undefined, inspect), 0));
  });

  it('training goes on with the same bits from what was read', () => {
    const [first, second] = [session(two), session(two, { seed: 2 })];
    const { x, y } = smallBatch(7);
    for (let step = 0; step < 2; step++) first.train(x, y);
    second.assign(first.read());
    expect(second.train(x, y)).toEqual(first.train(x, y));
    expect(second.read()).toEqual(first.read());
  });
});

describe('placement', () => {
  const gpus = ['/device:GPU:0', '/device:GPU:1'];

  function builder(
    devices?: readonly string[],
    model: Model = smallModel(),
    loss: LossName = 'categorical_crossentropy',
    names = ['train', 'evaluate', 'predict'],
  ): GraphBuilder {
    const { strategy, signatures } = program(model, { loss, devices });
    const found = new GraphBuilder((variable) => strategy.deviceOf(variable));
    for (const name of names) {
      found.signature(name, signatures[name].inputs, (feeds) => signatures[name].run(found, feeds));
    }
    return found;
  }

  it('every node of a replica is on its device, and every variable with its reads and writes', () => {
    const { nodes } = builder(gpus);
    const places = new Map(nodes.map(({ name, device = '' }) => [name, device]));
    for (const { name, op, inputs, device } of nodes) {
      const replica = /(?:train|evaluate|predict)\/replica_(\d)\//.exec(name)?.[1];
      const onVariable = op === 'ReadVariableOp' || op === 'AssignVariableOp' || op.startsWith('Resource');
      if (onVariable) expect(device, name).toBe(places.get(inputs[0].replace(/:0$/, '')));
      else if (replica !== undefined) expect(device, name).toBe(gpus[Number(replica)]);
    }
    const copies = nodes.filter(({ name, op }) => op === 'VarHandleOp' && name.startsWith('variables/replica_1/'));
    expect(copies.length).toBeGreaterThan(0);
    expect(new Set(copies.map(({ device }) => device))).toEqual(new Set([gpus[1]]));
    const handles = nodes.filter(({ op }) => op === 'VarHandleOp');
    expect(new Set(handles.map(({ device }) => device))).toEqual(new Set(gpus));
  });

  it('a GPU has a kernel for every node that is placed on one', async () => {
    const networks = [
      { head: { classes: 5 }, shapes: { x: [512, 12] }, multiLabel: true, loss: 'binary_crossentropy' },
      { head: { classes: 5 }, shapes: { x: [512, 1] }, loss: 'categorical_crossentropy' },
      {
        head: { task: 'cpc' },
        shapes: { context: [3, 250, 1], samples: [4, 250, 1] },
        loss: 'sparse_categorical_crossentropy',
      },
    ] as const;
    const used = new Map<string, unknown>();
    for (const { head, loss, ...options } of networks) {
      for (const precision of precisions) {
        const model = buildNetwork({ arch: 'resnet18', stages: 1, head }, { ...options, precision });
        const onGpus = builder(gpus, model, loss, ['train', 'predict']).nodes.filter(
          ({ device }) => device && gpus.includes(device),
        );
        expect(onGpus.length).toBeGreaterThan(100);
        for (const { op, attributes } of onGpus) {
          const types = Object.entries(attributes).flatMap(([name, value]) =>
            'type' in value ? [[name, value.type] as const] : [],
          );
          used.set(JSON.stringify([op, types]), { op, types: Object.fromEntries(types) });
        }
      }
    }
    const script = join(import.meta.dirname, 'gpu_kernels.py');
    expect(JSON.parse(await runPython([script], { input: JSON.stringify([...used.values()]) }))).toEqual([]);
  }, 120_000);

  it('one device: no node names a device', () => {
    expect(builder().nodes.filter(({ device }) => device)).toEqual([]);
  });

  it('an exported graph names no devices, so that it runs everywhere', () => {
    const folder = mkdtempSync(join(tmpdir(), 'strategy-'));
    try {
      session(two).export(folder);
      expect(readFileSync(join(folder, 'saved_model.pb')).includes('/device:')).toBe(false);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
