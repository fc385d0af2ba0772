/** The port's networks for the bench, with batches. The Python counterparts are in `original_worker.py`. */
import { writeModel } from '../export/export.ts';
import type { TrainedClassifier } from '../export/job.ts';
import { chooserOf, convolutionsOf } from '../graph/convolutions.ts';
import { measuredConvolutions } from '../graph/kernel_table.ts';
import type { KernelChoice } from '../graph/kernels.ts';
import { Dense } from '../graph/layers.ts';
import type { Model } from '../graph/model.ts';
import { Adam } from '../graph/optimizers.ts';
import type { Precision } from '../graph/precision.ts';
import { type CompileOptions, compile, type Inputs, type Session } from '../graph/session.ts';
import { type NdArray, ndarray } from '../lib/numpy/ndarray.ts';
import { readNpz, writeNpz } from '../lib/numpy/npz.ts';
import { RandomState } from '../lib/numpy/random.ts';
import { type Arch, ecgFeatureExtractor } from '../port/finetuning/utils.ts';
import { taskSolver } from '../port/pretraining/utils.ts';

/** A network and its batch, as both workers take it. */
export interface ModelSettings {
  readonly arch: Arch;
  /** `classify`: backbone and four classes, as finetuning makes it; `cpc`: the pretraining task. */
  readonly task: 'classify' | 'cpc';
  readonly precision: Precision;
  /** Of the port; default `usual`. */
  readonly kernels?: KernelChoice;
  readonly batch: number;
  /** Samples of a frame or record. */
  readonly samples: number;
}

/** Frames of a CPC context, and candidates: one positive and eight negatives. */
const contextSize = 8;
const candidates = 9;
const classes = 4;

/** A compiled network with one batch for it. */
export interface Prepared {
  readonly model: Model;
  readonly session: Session;
  readonly x: Inputs;
  readonly y: NdArray;
}

/** Builds and compiles what the settings say. */
export function prepare(settings: ModelSettings, options: Pick<CompileOptions, 'inspect'> = {}): Prepared {
  const { arch, task, precision, batch, samples, kernels } = settings;
  const compiled = (model: Model, training: CompileOptions): Session => {
    const measured = kernels === 'auto' ? measuredConvolutions(convolutionsOf(model, batch)) : [];
    return compile(model, { ...options, ...training, kernelsOf: chooserOf(measured) });
  };
  const random = new RandomState(1);
  if (task === 'cpc') {
    const shapes = { context: [contextSize, samples, 1], samples: [candidates, samples, 1] };
    const model = taskSolver('cpc', arch).build(shapes, precision);
    const optimizer = new Adam({ learningRate: 1e-3, beta1: 0.9, beta2: 0.98, epsilon: 1e-9 });
    const session = compiled(model, { loss: 'sparse_categorical_crossentropy', optimizer });
    const x = {
      context: signals(random, [batch, ...shapes.context]),
      samples: signals(random, [batch, ...shapes.samples]),
    };
    const y = ndarray(
      'int32',
      [batch],
      Int32Array.from({ length: batch }, (_, i) => i % candidates),
    );
    return { model, session, x, y };
  }
  const model = classifier(settings, precision);
  const session = compiled(model, { loss: 'categorical_crossentropy' });
  const y = new Float32Array(batch * classes);
  for (let i = 0; i < batch; i++) y[i * classes + (i % classes)] = 1;
  return {
    model,
    session,
    x: signals(random, [batch, samples, 1]),
    y: ndarray('float32', [batch, classes], y),
  };
}

function classifier({ arch, samples }: ModelSettings, precision: Precision): Model {
  return ecgFeatureExtractor(arch).add(new Dense(classes, 'softmax')).build([samples, 1], precision);
}

/** What another program's network must agree with. */
export interface Reference {
  readonly x: NdArray<'float32'>;
  /** Probabilities of `x` in inference mode. */
  readonly outputs: NdArray<'float32'>;
  /** The weights before the training steps, by path. */
  readonly weights: ReadonlyMap<string, NdArray>;
}

/** Writes a classifier's batch, its outputs, the losses of two training steps from there, and its weights in Keras's order, in float32. */
export async function writeReference(file: string, settings: ModelSettings): Promise<void> {
  const { model, session, x, y } = prepare({ ...settings, precision: 'float32' });
  const weights = session.read(model.weights.map(({ path }) => path));
  const outputs = session.predict(x);
  const losses = Float64Array.from({ length: 2 }, () => session.train(x, y).loss);
  session.dispose();
  const arrays = { x: x as NdArray, y, outputs, losses: ndarray('float64', [losses.length], losses) };
  await writeNpz(file, new Map([...Object.entries(arrays), ...weights]));
}

/** Reads what `writeReference` wrote. */
export function readReference(file: string): Reference {
  const { x, y: _, outputs, losses: __, ...weights } = Object.fromEntries(readNpz(file)) as Record<string, NdArray>;
  return {
    x: x as NdArray<'float32'>,
    outputs: outputs as NdArray<'float32'>,
    weights: new Map(Object.entries(weights)),
  };
}

/** The classifier of a reference as an ONNX file, for signals that need no preparation. */
export function writeOnnx(file: string, settings: ModelSettings, weights: Reference['weights']): void {
  const { arch, samples } = settings;
  const names = Array.from({ length: classes }, (_, i) => `class ${i + 1}`);
  const job: TrainedClassifier = {
    model: { format: 1, arch, precision: 'float32', samples, leads: 1, classes: names, multiLabel: false },
    preprocessing: {
      collection: 'wfdb-csv',
      samplingRate: 250,
      leads: ['lead'],
      units: 'mV',
      normalization: null,
      resampling: null,
      padding: null,
      dtype: 'float32',
      classes: names,
      multiLabel: false,
    },
    build: (precision) => classifier(settings, precision),
    weights,
    weightsDigest: '',
  };
  writeModel(job, 'onnx', file);
}

function signals(random: RandomState, shape: readonly number[]): NdArray<'float32'> {
  const size = shape.reduce((product, length) => product * length, 1);
  return ndarray(
    'float32',
    shape,
    Float32Array.from({ length: size }, () => 2 * random.randomSample() - 1),
  );
}

/**
 * Floating-point operations of one training step's convolutions and dense layers, a product and a sum counted as two: forward, gradient
 * of the weights and gradient of the inputs (which the first convolution does not need).
 */
export function trainingFlops(settings: ModelSettings): number {
  const { model, session, x } = prepare({ ...settings, batch: 1, precision: 'float32' }, { inspect: true });
  const uses = [...session.activations(x)].map(([key, output]) => ({ path: key.replace(/#\d+$/, ''), output }));
  session.dispose();
  let flops = 0;
  let first: string | undefined;
  for (const { path, shape } of model.weights) {
    if (shape.length < 2 || !path.endsWith('/vars/0')) continue;
    const layer = path.slice(0, -'/vars/0'.length);
    if (shape.length === 3) first ??= layer;
    const kernel = shape.reduce((product, length) => product * length, 1);
    for (const { output } of uses.filter((use) => use.path === layer)) {
      const positions = output.data.length / output.shape.at(-1)!;
      flops += (layer === first ? 2 : 3) * 2 * kernel * positions;
    }
  }
  return flops * settings.batch;
}
