import type { Model } from '../../../graph/model.ts';
import type { Precision } from '../../../graph/precision.ts';
import { type CompileOptions, compile, type Session } from '../../../graph/session.ts';
import type { Variable } from '../../../graph/variable.ts';
import type { Samples } from '../../../jobs/batches.ts';
import { astype } from '../../../lib/numpy/convert.ts';
import { RandomState } from '../../../lib/numpy/random.ts';
import { arrayRows, type Rows } from '../../../lib/numpy/rows.ts';
import { buildNetwork } from '../../../networks/network.ts';
import type { PreparedSet } from '../datasets.ts';
import type { Arch } from '../utils.ts';

/** What decides a classifier's network. */
export interface ClassifierOptions extends Pick<CompileOptions, 'sampleWeights' | 'optimizer' | 'kernelsOf'> {
  /** `resnet18` (default), `resnet34` or `resnet50`. */
  readonly arch?: string;
  /** Number formats of the computation. Default `float32`. */
  readonly precision?: Precision;
  /** Seed of the initial weights. */
  readonly initSeed?: number;
  /** TensorFlow's names of the devices that share every batch; default: one device. */
  readonly devices?: readonly string[];
  /** Whether gradients of its outputs with respect to recordings can be asked for; only on one device. */
  readonly inputGradients?: boolean;
  /** Whether steps can leave the backbone as it is. */
  readonly frozenBackbone?: boolean;
}

/** What the network takes from its training set. */
interface TrainingShape {
  readonly x: Pick<Rows, 'shape'>;
  readonly classes: readonly string[];
}

/** The classifier for a data set, without a session. */
export function buildClassifier(
  { arch, precision }: Pick<ClassifierOptions, 'arch' | 'precision'>,
  train: TrainingShape,
  multiLabel: boolean,
): Model {
  return buildNetwork(
    { arch: arch as Arch | undefined, head: { classes: train.classes.length } },
    { shapes: { x: train.x.shape.slice(1) }, precision, multiLabel },
  );
}

/** The compiled classifier for a data set, with fresh weights; dispose of it. */
export function createClassifier(
  { arch, precision, initSeed, frozenBackbone, ...training }: ClassifierOptions,
  train: TrainingShape,
  multiLabel: boolean,
): Session {
  const model = buildClassifier({ arch, precision }, train, multiLabel);
  return compile(model, {
    loss: multiLabel ? 'binary_crossentropy' : 'categorical_crossentropy',
    seed: initSeed ?? new RandomState().randint(2 ** 31),
    ...training,
    ...(frozenBackbone && { frozen: backboneOf(model) }),
  });
}

/** The trained variables of a classifier without those of its head. */
export function backboneOf({ trainableVariables }: Model): ReadonlySet<Variable> {
  return new Set(trainableVariables.filter(({ name }) => !name.startsWith('layers/dense/')));
}

/** What a classifier learns from a set: labels as float32. */
export function samplesOf({ x, y }: Pick<PreparedSet, 'x' | 'y'>): Samples {
  return { x: { x }, y: arrayRows(astype(y, 'float32')) };
}
