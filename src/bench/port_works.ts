/** The port's works: each prepares itself, runs once, and returns the function that runs a round. */
import { join } from 'node:path';
import { InputError } from '../errors.ts';
import { inputName, outputName } from '../export/forward.ts';
import { runtime, type TensorHandle } from '../graph/runtime.ts';
import { pythonExecutable, root } from '../lib/installation.mjs';
import { type NdArray, ndarray } from '../lib/numpy/ndarray.ts';
import { RandomState } from '../lib/numpy/random.ts';
import { type ModelSettings, prepare, readReference, trainingFlops, writeOnnx, writeReference } from './port_models.ts';

/** What each work takes, as the bench sends it. */
export interface WorkSettings {
  readonly train: ModelSettings & { readonly steps: number };
  readonly predict: ModelSettings;
  readonly reference: ModelSettings & { readonly file: string };
  /** `file` is what the work `reference` wrote. */
  readonly predict_onnx: ModelSettings & { readonly file: string };
  readonly growth: ModelSettings & { readonly steps: number };
  readonly flops: ModelSettings;
  readonly matmul: { readonly precision: 'float32' | 'bfloat16'; readonly size: number };
  readonly frames: {
    readonly folder: string;
    readonly patients: number;
    readonly unzipped: boolean;
    /** Frames that a round takes before its time counts: they may have been read ahead while the other side ran. */
    readonly ahead: number;
    readonly frames: number;
    readonly batch: number;
  };
  readonly prepare_data: { readonly source: string; readonly target: string; readonly resampler?: 'javascript' };
  readonly metrics: { readonly records: number; readonly classes: number; readonly resamples: number };
  readonly transfer: { readonly elements: number; readonly direction: 'to' | 'from' };
  readonly transfer_json: { readonly elements: number; readonly direction: 'to' | 'from' };
}

type Round = () => number | Promise<number>;

/** Every work by name. A round resolves to seconds unless its comment says otherwise. */
export const works: {
  readonly [Name in keyof WorkSettings]: (settings: WorkSettings[Name]) => Round | Promise<Round>;
} = {
  /** Seconds per training step. */
  train({ steps, ...model }) {
    const { session, x, y } = prepare(model);
    session.train(x, y);
    return () =>
      clock(() => {
        for (let step = 0; step < steps; step++) session.train(x, y);
      }) / steps;
  },

  predict(settings) {
    const { session, x } = prepare(settings);
    session.predict(x);
    return () => clock(() => session.predict(x));
  },

  /** Writes what the networks of other programs are checked against; its rounds do nothing. */
  async reference({ file, ...model }) {
    await writeReference(file, model);
    return () => 0;
  },

  /** The same network in ONNX Runtime, as the port exports it. Refuses to run if its probabilities differ from the port's. */
  async predict_onnx({ file, ...model }) {
    const { InferenceSession, Tensor } = await onnxRuntime();
    const { x, outputs, weights } = readReference(file);
    const onnx = `${file}.onnx`;
    writeOnnx(onnx, model, weights);
    const threads = Number(process.env.TF_NUM_INTRAOP_THREADS ?? 0);
    const session = await InferenceSession.create(onnx, { intraOpNumThreads: threads });
    const predict = async (): Promise<Float32Array> => {
      const results = await session.run({ [inputName]: new Tensor('float32', x.data, x.shape) });
      return results[outputName].data as Float32Array;
    };
    checkClose(await predict(), outputs.data);
    return async () => {
      const begun = performance.now();
      await predict();
      return (performance.now() - begun) / 1000;
    };
  },

  /** Growth of resident memory (MB) over the steps of a round, after 200 steps. */
  growth({ steps, ...model }) {
    const { session, x, y } = prepare(model);
    for (let step = 0; step < 200; step++) session.train(x, y);
    return () => {
      const before = process.memoryUsage.rss();
      for (let step = 0; step < steps; step++) session.train(x, y);
      return (process.memoryUsage.rss() - before) / 1e6;
    };
  },

  /** Floating-point operations of a training step. */
  flops(settings) {
    const count = trainingFlops(settings);
    return () => count;
  },

  /** Floating-point operations per second of a square matrix product. */
  matmul({ precision, size }) {
    return matmulRate(precision, size);
  },

  /** Seconds per frame of the beat task. */
  async frames({ folder, patients, unzipped, ahead, frames, batch }) {
    const { beatDataset } = await import('../port/pretraining/datasets.ts');
    const stream = beatDataset(
      folder,
      Array.from({ length: patients }, (_, id) => id),
      2048,
      {
        unzipped,
        samplesPerPatient: 1000,
        batchSize: batch,
        random: new RandomState(1),
      },
    );
    const batches = Math.ceil(frames / batch);
    const round = async (): Promise<number> => {
      for (let taken = 0; taken < ahead; taken += batch) await stream.next();
      const begun = performance.now();
      for (let i = 0; i < batches; i++) await stream.next();
      return (performance.now() - begun) / 1000 / (batches * batch);
    };
    await round();
    return round;
  },

  /** Challenge 2017 records to a prepared file, as the documented recipe. */
  async prepare_data({ source, target, resampler }) {
    const { prepareData } = await import('../prepare/prepare_data.ts');
    return async () => {
      const begun = performance.now();
      await prepareData({
        format: 'challenge17',
        source,
        target,
        fs: 250,
        pad: 16_384,
        normalize: 'collection',
        testSize: 0,
        force: true,
        resampler,
      });
      return (performance.now() - begun) / 1000;
    };
  },

  /** Scores of predictions with bootstrap intervals. */
  async metrics({ records, classes, resamples }) {
    const { bootstrapScores } = await import('../lib/bootstrap.ts');
    const shape = [records, classes];
    const random = new RandomState(1);
    const truth = new Uint8Array(shape[0] * shape[1]);
    for (let i = 0; i < shape[0]; i++) truth[i * shape[1] + Number(random.randint(shape[1]))] = 1;
    const probabilities = Float32Array.from(truth, (label) => (label + 2 * random.randomSample()) / 3);
    const yTrue = ndarray('bool', shape, truth);
    const yProb = ndarray('float32', shape, probabilities);
    return () => clock(() => bootstrapScores(yTrue, yProb, { resamples, seed: 1 }));
  },

  /** Seconds per element of a float32 array, to Python or from it, through the bridge's files. */
  async transfer({ elements, direction }) {
    const { PythonSession } = await import('../bridge/session.ts');
    const { Transfer } = await import('../bridge/transfer.ts');
    const session = await PythonSession.open({ python: pythonExecutable(), original: join(root, 'original') });
    const transfer = new Transfer(session);
    const array = randomNumbers(elements);
    const send = (): Promise<null> => transfer.lend([array], (files) => session.call<null>('arrays.hold', { files }));
    const fetch = async (): Promise<NdArray[]> =>
      transfer.takeAll(await session.call<string[]>('arrays.held', { folder: transfer.folder() }));
    await send();
    await fetch();
    return async () => {
      const begun = performance.now();
      await (direction === 'to' ? send() : fetch());
      return (performance.now() - begun) / 1000 / array.data.length;
    };
  },

  /** Seconds per element of a list, to Python or from it, as pythonia itself does it. */
  async transfer_json({ elements, direction }) {
    const { PythonSession } = await import('../bridge/session.ts');
    // Chooses the interpreter and ends it together with this process.
    await PythonSession.open({ python: pythonExecutable(), original: join(root, 'original') });
    const { python } = await import('pythonia');
    const builtins: Builtins = await python('builtins');
    const value = Array.from(randomNumbers(elements).data as Float32Array);
    const list = await builtins.list(value);
    return async () => {
      const begun = performance.now();
      const length = direction === 'to' ? await builtins.len(value) : (await list.valueOf()).length;
      if (length !== value.length) throw new Error(`${length} of ${value.length} elements arrived`);
      return (performance.now() - begun) / 1000 / value.length;
    };
  },
};

/** Python's module `builtins` as pythonia shows it. */
interface Builtins {
  len(value: readonly number[]): Promise<number>;
  list(value: readonly number[]): Promise<{ valueOf(): Promise<number[]> }>;
}

/** A development dependency, which an installed package lacks. */
async function onnxRuntime(): Promise<typeof import('onnxruntime-node')> {
  const name: string = 'onnxruntime-node';
  try {
    return (await import(name)) as typeof import('onnxruntime-node');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new InputError('onnxruntime-node is not installed', { next: 'npm install onnxruntime-node@1.30.0' });
  }
}

/** Largest difference between two programs' probabilities, relative to the largest; `torch_worker.py` has the same. */
const tolerance = 1e-4;

function checkClose(found: Float32Array, expected: Float32Array): void {
  const difference = Math.max(...expected.map((value, i) => Math.abs(found[i] - value))) / Math.max(...expected);
  if (found.length === expected.length && difference <= tolerance) return;
  const text = `differ by ${difference.toPrecision(2)} of the largest, expected at most ${tolerance}`;
  throw new Error(`the network of ONNX Runtime is not the port's: ${found.length} probabilities ${text}`);
}

function randomNumbers(elements: number): NdArray {
  const random = new RandomState(1);
  return ndarray(
    'float32',
    [elements],
    Float32Array.from({ length: elements }, () => random.randomSample()),
  );
}

function clock(action: () => void): number {
  const begun = performance.now();
  action();
  return (performance.now() - begun) / 1000;
}

function matmulRate(precision: 'float32' | 'bfloat16', size: number): Round {
  const tf = runtime();
  const random = new RandomState(1);
  const matrix: NdArray = ndarray(
    'float32',
    [size, size],
    Float32Array.from({ length: size * size }, () => random.randomSample()),
  );
  const type = { T: { type: precision } } as const;
  const cast = { SrcT: { type: 'float32' }, DstT: { type: precision }, Truncate: { bool: false } } as const;
  const given = tf.createTensor(matrix);
  const operand = precision === 'float32' ? given : tf.executeOp('Cast', [given], cast, 1)[0];
  const attributes = { ...type, transpose_a: { bool: false }, transpose_b: { bool: false } };
  const multiply = (): void => {
    const product = tf.executeOp('MatMul', [operand, operand], attributes, 1)[0] as TensorHandle;
    // Reading one element waits for a GPU.
    const one = tf.executeOp('Slice', [product, origin, unit], { T: type.T, Index: { type: 'int32' } }, 1)[0];
    const value = tf.executeOp('Cast', [one], { ...cast, SrcT: type.T, DstT: { type: 'float32' } }, 1)[0];
    tf.readTensor(value);
    for (const tensor of [product, one, value]) tf.deleteTensor(tensor);
  };
  const origin = tf.createTensor(ndarray('int32', [2], Int32Array.of(0, 0)));
  const unit = tf.createTensor(ndarray('int32', [2], Int32Array.of(1, 1)));
  multiply();
  return () => (2 * size ** 3) / clock(multiply);
}
