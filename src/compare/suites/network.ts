import type { Original, OriginalNetwork } from '../../bridge/original.ts';
import { Dense } from '../../graph/layers.ts';
import { compile, type Session } from '../../graph/session.ts';
import type { NdArray } from '../../lib/numpy/ndarray.ts';
import { ecgFeatureExtractor } from '../../port/finetuning/utils.ts';

/** Records and their one-hot (or multi-hot) labels. */
export interface LabelledBatch {
  readonly x: NdArray;
  readonly y: NdArray;
}

/** A finetuning network to compare. */
export interface NetworkCase {
  readonly arch: 'resnet18' | 'resnet34' | 'resnet50';
  readonly multiLabel: boolean;
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
  const [, samples, channels] = x.shape;
  const [, classes] = y.shape;
  const { arch, multiLabel, precision } = kind;
  const network = await original.network({ arch, classes, channels, samples, multiLabel, dtype: precision });
  const model = ecgFeatureExtractor(arch)
    .add(new Dense(classes, multiLabel ? 'sigmoid' : 'softmax'))
    .build([samples, channels], precision);
  const session = compile(model, {
    loss: multiLabel ? 'binary_crossentropy' : 'categorical_crossentropy',
    seed: kind.seed,
    inspect: true,
  });
  const names = model.variables.map(({ name }) => name);
  const trainable = model.trainableVariables.map(({ name }) => name);
  await network.write({ weights: readAll(session, names) });
  return { session, network, names, trainable };
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
