import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { expect, test, vi } from 'vitest';
import { run } from '../../src/commands/export.ts';
import { exportFormats, exportJob } from '../../src/export/export.ts';
import { loadGraph, runGraph } from '../../src/graph/loading.ts';
import { runtime } from '../../src/graph/runtime.ts';
import { bestModelFile } from '../../src/jobs/job_model.ts';
import { Budget } from '../../src/lib/budget.ts';
import { ndarray } from '../../src/lib/numpy/ndarray.ts';
import { RandomState } from '../../src/lib/numpy/random.ts';
import { isUserFault } from '../../src/lib/python/errors.ts';
import { readMessage } from '../../src/lib/tensorflow/protobuf.ts';
import { Predictor } from '../../src/predict/predict.ts';
import { temporaryFolder } from '../port/training_data.ts';
import { type JobForm, writeJob } from './job.ts';

// The backbone is cut to its first stages, as in the tests of the trainer. The suite `predictions` compares whole ones.
vi.mock('../../src/port/finetuning/utils.ts', async (original) => {
  const real = await original<typeof import('../../src/port/finetuning/utils.ts')>();
  return { ...real, ecgFeatureExtractor: (arch?: string) => real.ecgFeatureExtractor(arch, 2) };
});

const folder = temporaryFolder();
const at = (...names: string[]): string => join(folder, ...names);

/** Recordings (mV) of `time` samples, as a file of each. */
function recordings(time: number, leads: number, count = 3): Float32Array[] {
  const random = new RandomState([time, leads]);
  return Array.from({ length: count }, (_, record) =>
    Float32Array.from({ length: time * leads }, (_, i) =>
      Math.fround(Math.sin(i / (9 + 3 * record)) * (1 + record) * 0.4 + 0.2 * random.randomSample()),
    ),
  );
}

/** Probabilities that `predict` gives for recordings, read from files. */
async function predicted(jobDir: string, signals: readonly Float32Array[], leads: number): Promise<Float32Array> {
  const names = Array.from({ length: leads }, (_, i) => `L${i + 1}`).join(',');
  const files = signals.map((signal, i) => {
    const file = at(`recording${i}.csv`);
    const rows = Array.from({ length: signal.length / leads }, (_, t) =>
      signal.subarray(t * leads, (t + 1) * leads).join(','),
    );
    writeFileSync(file, `${names}\n${rows.join('\n')}\n`);
    return file;
  });
  const predictor = Predictor.open(jobDir);
  try {
    const { probabilities } = await predictor.predictRecords(files, { recordFs: 125, recordUnits: 'mV' });
    return probabilities.data as Float32Array;
  } finally {
    predictor.dispose();
  }
}

/** Recordings of one length as the input of an exported model. */
function stack(signals: readonly Float32Array[], leads: number) {
  const shape = [signals.length, signals[0].length / leads, leads];
  return ndarray('float32', shape, Float32Array.from(signals.flatMap((signal) => [...signal])));
}

async function throughOnnx(file: string, batches: readonly ReturnType<typeof stack>[]): Promise<number[]> {
  const session = await InferenceSession.create(file, { intraOpNumThreads: 1 });
  try {
    expect([session.inputNames, session.outputNames]).toEqual([['recording'], ['probabilities']]);
    const results: number[] = [];
    for (const { data, shape } of batches) {
      const { probabilities } = await session.run({ recording: new Tensor('float32', data, shape) });
      results.push(...(probabilities.data as Float32Array));
    }
    return results;
  } finally {
    await session.release();
  }
}

function throughTensorFlow(folder: string, batches: readonly ReturnType<typeof stack>[]): number[] {
  const model = loadGraph(readFileSync(join(folder, 'saved_model.pb')));
  try {
    return batches.flatMap((batch) => {
      const feeds = [['serving_default/recording:0', batch]] as const;
      return [...(runGraph(model, feeds, ['serving_default/out/probabilities:0'])[0].data as Float32Array)];
    });
  } finally {
    runtime().deleteSavedModel(model);
  }
}

/** Largest difference; NaN if a value is missing or not a number. */
function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return a.length === b.length ? Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]))) : Number.NaN;
}

/** What makes the comparison worth something: the recordings have different probabilities, and none is near 0 or 1. */
function requireTelling(values: Float32Array, classes: number): void {
  expect(Math.min(...values)).toBeGreaterThan(1e-3);
  expect(Math.max(...values)).toBeLessThan(1 - 1e-3);
  expect(distance(values.subarray(0, classes), values.subarray(classes, 2 * classes))).toBeGreaterThan(1e-3);
}

const forms: readonly JobForm[] = [
  { arch: 'resnet18', leads: 1, multiLabel: false },
  { arch: 'resnet34', leads: 12, multiLabel: true, samples: 301 },
  {
    arch: 'resnet50',
    leads: 2,
    multiLabel: false,
    preprocessing: { normalization: { mean: [0.3, -0.1], std: [0.2, 0.4] } },
  },
];

test.each(forms)(
  'ONNX Runtime and TensorFlow give the probabilities of predict for shorter, equal and longer recordings: $arch, $leads leads',
  async (form) => {
    const { leads = 1, samples = 300, arch } = form;
    const jobDir = await writeJob(at(`${arch}_${leads}_${samples}`), form);
    const [onnx, saved] = [`${jobDir}.onnx`, `${jobDir}.model`];
    exportJob({ jobDir, format: 'onnx', output: onnx });
    exportJob({ jobDir, format: 'savedmodel', output: saved });
    const signals = [40, samples, 415].map((time) => recordings(time, leads));
    const batches = signals.map((batch) => stack(batch, leads));
    const expected = await predicted(jobDir, signals.flat(), leads);
    requireTelling(expected, 3);
    expect(distance(await throughOnnx(onnx, batches), expected)).toBeLessThan(1e-5);
    expect(distance(throughTensorFlow(saved, batches), expected)).toBeLessThan(1e-5);
  },
  180_000,
);

/** A job whose damage is seen before its weights are needed, or that has none. */
const wrong: readonly (readonly [what: string, damage: (dir: string) => void, message: RegExp])[] = [
  ['a job that is not finished', (dir) => rmSync(join(dir, 'complete.json')), /the job is not finished.*--resume/],
  ['a folder without a job', (dir) => rmSync(join(dir, 'config.json')), /does not hold a job.*ecg-transplant inspect/],
  ['a folder that does not exist', (dir) => rmSync(dir, { recursive: true }), /there is no such folder/],
  [
    'a job without a description of its data',
    (dir) => rmSync(join(dir, 'preprocessing.json')),
    /does not say how its training data were prepared.*prepare-data/,
  ],
  ['a job without weights', (dir) => rmSync(join(dir, bestModelFile)), /the best weights are missing/],
  [
    'damaged weights',
    (dir) => writeFileSync(join(dir, bestModelFile), readFileSync(join(dir, bestModelFile)).subarray(0, 5000)),
    /best_model\.weights\.h5/,
  ],
  [
    'weights of another network',
    (dir) => {
      const file = join(dir, 'model.json');
      writeFileSync(file, readFileSync(file, 'utf8').replace('resnet18', 'resnet34'));
    },
    /best_model\.weights\.h5/,
  ],
];

test.each(wrong)('%s is an error that says what to do, and nothing is written', async (what, damage, message) => {
  const dir = await writeJob(at('wrong', what.replaceAll(' ', '_')), { leads: 1 });
  damage(dir);
  const before = readdirSync(at('wrong'));
  for (const format of exportFormats) {
    const attempt = (): unknown => exportJob({ jobDir: dir, format, output: at('wrong', 'model') });
    expect(attempt).toThrow(message);
    expect(thrownBy(attempt)).toSatisfy(isUserFault);
  }
  expect(readdirSync(at('wrong'))).toEqual(before);
});

function thrownBy(action: () => unknown): unknown {
  try {
    action();
    return undefined;
  } catch (error) {
    return error;
  }
}

test('a pretraining job is refused: it has no probabilities', async () => {
  const jobDir = await writeJob(at('pretraining'), { leads: 1, job: 'pretrain' });
  expect(() => exportJob({ jobDir, format: 'onnx', output: at('p.onnx') })).toThrow(/pretraining job.*finetune --help/);
});

test('weights that are not finite are refused by name', async () => {
  const jobDir = await writeJob(at('nan'), { leads: 1, broken: true });
  expect(() => exportJob({ jobDir, format: 'onnx', output: at('nan.onnx') })).toThrow(/dense.*not a finite number/);
});

test('an existing output is kept, and seen before the job is read', () => {
  mkdirSync(at('taken'));
  writeFileSync(at('taken.onnx'), 'mine');
  for (const [format, output] of [
    ['savedmodel', at('taken')],
    ['onnx', at('taken.onnx')],
  ] as const) {
    const attempt = (): unknown => exportJob({ jobDir: at('no job'), format, output });
    expect(attempt).toThrow(/--output: .*taken.*exists already.*rm -r/);
    const twice = { jobDir: at('no job'), format, output: at('new'), metadata: output };
    expect(() => exportJob(twice)).toThrow(/--metadata: .*taken.*exists already/);
  }
  expect(readFileSync(at('taken.onnx'), 'utf8')).toBe('mine');
  expect(() => exportJob({ jobDir: at('no job'), format: 'onnx', output: at('nowhere', 'x.onnx') })).toThrow(
    /mkdir -p/,
  );
});

test('recordings of another length are refused by the model if the training data were not padded', async () => {
  const jobDir = await writeJob(at('unpadded'), { leads: 1, preprocessing: { padding: null, normalization: null } });
  const { input } = exportJob({ jobDir, format: 'onnx', output: at('unpadded.onnx') });
  expect(input.otherLengths).toBe('refused');
  const exact = recordings(300, 1);
  const expected = await predicted(jobDir, exact, 1);
  expect(distance(await throughOnnx(at('unpadded.onnx'), [stack(exact, 1)]), expected)).toBeLessThan(1e-5);
  await expect(throughOnnx(at('unpadded.onnx'), [stack(recordings(299, 1), 1)])).rejects.toThrow(/dimension/i);
});

test('the description of the model lies in both formats and in --metadata, and names classes, leads, rate and preparation', async () => {
  const jobDir = await writeJob(at('described'), { leads: 2, multiLabel: true, precision: 'bfloat16' });
  const lines: string[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => lines.push(String(text)) > 0);
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => lines.push(String(text)) > 0);
  try {
    const args = ['--format', 'onnx', '--output', at('d.onnx'), '--metadata', at('d.json')];
    expect(await run([jobDir, ...args])).toBe(0);
    expect(await run([jobDir, '--format', 'savedmodel', '--output', at('d')])).toBe(0);
  } finally {
    vi.restoreAllMocks();
  }
  expect(lines.join('')).toMatch(
    /bfloat16.*float32[\s\S]*mV at 125 Hz; leads L1, L2[\s\S]*sigmoid of normal, AF, other/,
  );
  const described = JSON.parse(readFileSync(at('d.json'), 'utf8'));
  expect(described).toMatchObject({
    classes: ['normal', 'AF', 'other'],
    activation: 'sigmoid',
    decision: 'every class with a probability of at least 0.5',
    network: { arch: 'resnet18', precision: 'float32', trainedIn: 'bfloat16' },
    input: { name: 'recording', units: 'mV', samplingRate: 125, leads: ['L1', 'L2'], samples: 300 },
    preprocessing: { normalization: { mean: 0.02, std: 0.25 }, padding: { samples: 300, side: 'front', value: 0 } },
  });
  const budget = new Budget('d.onnx', 1e8);
  const fields = readMessage(readFileSync(at('d.onnx')), budget).filter(({ number }) => number === 14);
  const entries = fields.map(({ bytes }) =>
    readMessage(bytes!, budget).map((field) => Buffer.from(field.bytes!).toString()),
  );
  expect(JSON.parse(Object.fromEntries(entries).ecg_transplant)).toEqual(described);
  const inside = JSON.parse(readFileSync(join(at('d'), 'assets.extra', 'ecg_transplant.json'), 'utf8'));
  expect(inside).toEqual({ ...described, network: { ...described.network, precision: 'bfloat16' } });
});
