import type { Original } from '../../bridge/original.ts';
import type { NetworkOptions, OriginalNetwork } from '../../bridge/original_network.ts';
import { Dense } from '../../graph/layers.ts';
import type { Model } from '../../graph/model.ts';
import { compile, type Session } from '../../graph/session.ts';
import { type Inputs, inputsByName } from '../../lib/keras/inputs.ts';
import type { NdArray } from '../../lib/numpy/ndarray.ts';
import { ecgFeatureExtractor } from '../../port/finetuning/utils.ts';
import { pretrainingAdam } from '../../port/pretraining/trainer.ts';
import { taskSolver } from '../../port/pretraining/utils.ts';
import type { Arch } from '../../port/weights/layout.ts';

/** Samples and their labels: one-hot or multi-hot rows for finetuning, class numbers for pretraining. */
export interface LabelledBatch {
  readonly x: Inputs;
  readonly y: NdArray;
}

/** A network to compare. */
export interface NetworkCase {
  /** Default `finetuning`. */
  readonly task?: NetworkOptions['task'];
  readonly arch: Arch;
  readonly stages?: number;
  /** Finetuning only. */
  readonly multiLabel?: boolean;
  readonly precision: 'float32' | 'float64';
  /** Seed of the initial weights, drawn by the port and given to both sides. */
  readonly seed: number;
}

/** The same network on both sides. */
export interface Twins {
  readonly session: Session;
  readonly network: OriginalNetwork;
  /** Weight names in Keras's order. */
  readonly names: readonly string[];
  /** Names of the trainable ones, the order of gradients and moments. */
  readonly trainable: readonly string[];
}

/** Builds a network on both sides for batches like `example`, with the port's initial weights; dispose of `session` afterwards. */
export async function buildTwins(original: Original, { x, y }: LabelledBatch, kind: NetworkCase): Promise<Twins> {
  const { task = 'finetuning', arch, stages, multiLabel = false, precision, seed } = kind;
  const shapes = Object.fromEntries(Object.entries(inputsByName(x)).map(([key, { shape }]) => [key, shape.slice(1)]));
  const classes = task === 'finetuning' ? y.shape[1] : undefined;
  const network = await original.network({ task, arch, stages, shapes, classes, multiLabel, dtype: precision });
  const model = buildModel(kind, shapes, classes ?? 0);
  const session = compile(
    model,
    task === 'finetuning'
      ? { loss: multiLabel ? 'binary_crossentropy' : 'categorical_crossentropy', seed, inspect: true }
      : { loss: 'sparse_categorical_crossentropy', optimizer: pretrainingAdam(), seed, inspect: true },
  );
  const names = model.variables.map(({ name }) => name);
  const trainable = model.trainableVariables.map(({ name }) => name);
  await network.write({ weights: readAll(session, names) });
  return { session, network, names, trainable };
}

function buildModel(
  { task = 'finetuning', arch, stages, multiLabel, precision }: NetworkCase,
  shapes: Readonly<Record<string, readonly number[]>>,
  classes: number,
): Model {
  if (task === 'cpc') {
    return taskSolver(task, arch, stages).build({ context: shapes.context, samples: shapes.samples }, precision);
  }
  if (task !== 'finetuning') return taskSolver(task, arch, stages).build(shapes.x, precision);
  const head = new Dense(classes, multiLabel ? 'sigmoid' : 'softmax');
  return ecgFeatureExtractor(arch, stages).add(head).build(shapes.x, precision);
}

/** Values of variables in the order of their names. */
export function readAll(session: Session, names: readonly string[]): NdArray[] {
  const values = session.read(names);
  return names.map((name) => values.get(name)!);
}

/** Names of Adam's moments in the order m, v of each trainable weight. */
export function momentNames(trainable: readonly string[]): string[] {
  return trainable.flatMap((_, i) => [`optimizer/vars/${2 + 2 * i}`, `optimizer/vars/${3 + 2 * i}`]);
}

/** The name of Adam's step count. */
export const iterationsName = 'optimizer/vars/0';

/** Writes the original's weights and Adam state into the port: the start of a teacher-forced step. */
export async function teach({ session, network, names, trainable }: Twins): Promise<void> {
  const state = await network.read();
  const values = new Map(names.map((name, i) => [name, state.weights[i]]));
  for (const [i, name] of momentNames(trainable).entries()) values.set(name, state.moments[i]);
  const iterations: NdArray = { dtype: 'int64', shape: [], data: BigInt64Array.of(BigInt(state.iterations)) };
  session.assign(values.set(iterationsName, iterations));
}
