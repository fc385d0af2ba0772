import type { Original } from '../../bridge/original.ts';
import type { NetworkOptions, NetworkState, OriginalNetwork } from '../../bridge/original_network.ts';
import { asType } from '../../graph/arrays.ts';
import type { Convolution, FilterGradient } from '../../graph/kernels.ts';
import { type Model, Sequential } from '../../graph/model.ts';
import { Adam } from '../../graph/optimizers.ts';
import type { Precision } from '../../graph/precision.ts';
import { Generator } from '../../graph/random.ts';
import { type CompileOptions, compile, type Session } from '../../graph/session.ts';
import type { OptimizerOptions } from '../../jobs/optimizer_options.ts';
import { type Inputs, inputsByName } from '../../lib/keras/inputs.ts';
import { type CosineDecayOptions, cosineDecay } from '../../lib/keras/schedules.ts';
import { type NdArray, zeros } from '../../lib/numpy/ndarray.ts';
import { buildNetwork } from '../../networks/network.ts';
import { backboneOf } from '../../port/finetuning/trainer/classifier.ts';
import type { Arch } from '../../port/finetuning/utils.ts';
import { pretrainingAdam } from '../../port/pretraining/trainer/solver.ts';
import { ResNet } from '../../port/transplant/modules/resnet1d.ts';
import type { LabelledBatch } from '../batches.ts';
import { bothSides } from '../both_sides.ts';
import type { TaskName } from '../suite.ts';
import { int64 } from '../suites/shared/data_cases.ts';

/** A network to compare. */
export interface NetworkCase {
  /** Default `finetuning`. */
  readonly task?: TaskName;
  readonly arch: Arch;
  readonly stages?: number;
  /** Finetuning only. */
  readonly multiLabel?: boolean;
  /** A whole `ResNet` with its own top instead of a trainer's network. */
  readonly ownTop?: boolean;
  readonly precision: 'float32' | 'float64';
  /** Seed of the initial weights, drawn by the port and given to both sides. */
  readonly seed: number;
  /** Options of training that the original's trainers do not have. */
  readonly training?: TrainingChoices;
  /** How the port computes the gradient of every convolution's filters. Default `usual`. */
  readonly filterGradient?: FilterGradient;
  /** Whether the original's steps run as a graph, as its trainers' do. Pays for more than a dozen steps. Default: eagerly. */
  readonly traced?: boolean;
}

/** Options of training, the same for both sides. */
export interface TrainingChoices {
  /** Each step gets weights of its losses. */
  readonly sampleWeights?: boolean;
  readonly optimizer?: OptimizerOptions;
  /** Learning rates of the steps, by Adam's count of them. */
  readonly schedule?: CosineDecayOptions;
  /** Steps can leave the backbone as it is. Finetuning only. */
  readonly frozenBackbone?: boolean;
}

type InAnyPrecision = Omit<NetworkCase, 'precision'> & { readonly precision: Precision };

/** What either side's network can do. */
export interface NetworkSide
  extends Pick<OriginalNetwork, 'activations' | 'predict' | 'inputGradients' | 'trainSteps' | 'read' | 'write'> {
  /** Loss and gradients (in the order of the trainable weights) of one training-mode batch; no weight changes. */
  gradients(x: Inputs, y: NdArray): Promise<{ loss: number; gradients: NdArray[] }>;
}

/** The same network on both sides. */
export interface Twins extends Pick<PortNetwork, 'names' | 'trainable'> {
  readonly port: PortNetwork;
  readonly network: OriginalNetwork;
  /** What both sides start from; see {@link startingWeights}. */
  readonly weights: readonly NdArray[];
}

/** The precisions in which networks are compared. */
export const comparedPrecisions = ['float64', 'float32'] as const;

/** A network of the port with the interface of the original's. */
export class PortNetwork implements NetworkSide {
  readonly session: Session;
  /** Weight names in Keras's order. */
  readonly names: readonly string[];
  /** Names of the trainable ones, the order of gradients and moments. */
  readonly trainable: readonly string[];

  readonly #rateOf: ((step: number) => number) | undefined;

  /** `rateOf` gives the learning rate of each step, by Adam's count of them. */
  constructor(session: Session, rateOf?: (step: number) => number) {
    this.session = session;
    this.#rateOf = rateOf;
    this.names = session.model.variables.map(({ name }) => name);
    this.trainable = session.model.trainableVariables.map(({ name }) => name);
  }

  async activations(x: Inputs, training: boolean): Promise<Map<string, NdArray>> {
    return this.session.activations(x, { training });
  }

  async predict(x: Inputs): Promise<NdArray> {
    return this.session.predict(x);
  }

  async gradients(x: Inputs, y: NdArray): Promise<{ loss: number; gradients: NdArray[] }> {
    const { loss, gradients } = this.session.gradients(x, y);
    return { loss, gradients: this.trainable.map((name) => gradients.get(name)!) };
  }

  async inputGradients(x: Inputs, weights: NdArray): Promise<{ outputs: NdArray; gradients: Map<string, NdArray> }> {
    return this.session.inputGradients(x, weights);
  }

  async trainSteps(batches: readonly LabelledBatch[]): Promise<number[]> {
    const first = Number(this.session.read([iterationsName]).get(iterationsName)!.data[0]);
    return batches.map(({ x, y, sampleWeight }, i) => {
      const learningRate = this.#rateOf?.(first + i);
      return this.session.train(x, y, { learningRate, sampleWeight }).loss;
    });
  }

  async read(): Promise<NetworkState> {
    const values = this.session.read();
    return {
      weights: this.names.map((name) => values.get(name)!),
      moments: momentNames(this.trainable).map((name) => values.get(name)!),
      iterations: Number(values.get(iterationsName)!.data[0]),
    };
  }

  async write({ weights, moments, iterations = 0 }: Parameters<NetworkSide['write']>[0]): Promise<void> {
    const values = new Map(this.names.map((name, i) => [name, weights[i]]));
    for (const [i, name] of momentNames(this.trainable).entries()) {
      const shape = values.get(this.trainable[Math.floor(i / 2)])!.shape;
      values.set(name, moments?.[i] ?? zeros(weights[0].dtype, shape));
    }
    this.session.assign(values.set(iterationsName, int64([iterations], [])));
  }

  /** Frees the graph and its variables. */
  dispose(): void {
    this.session.dispose();
  }
}

/** Builds a network of the port for batches like `example`, with the draws of the seed as weights; dispose of it afterwards. */
export function buildPort(
  example: LabelledBatch,
  kind: InAnyPrecision,
  options: Pick<CompileOptions, 'executor' | 'devices'> = {},
): PortNetwork {
  const { task = 'finetuning', multiLabel, seed, training, filterGradient = 'usual' } = kind;
  const { optimizer, schedule, frozenBackbone, ...others } = training ?? {};
  const common = {
    seed,
    inspect: options.devices === undefined,
    kernelsOf: ({ dtype }: Convolution) => ({ format: dtype, filterGradient }),
    ...options,
    ...others,
  };
  const model = buildModel(example, kind);
  const frozen = frozenBackbone ? { frozen: backboneOf(model) } : {};
  const session = compile(
    model,
    task === 'finetuning'
      ? {
          loss: multiLabel ? 'binary_crossentropy' : 'categorical_crossentropy',
          optimizer: new Adam(optimizer),
          ...frozen,
          ...common,
        }
      : { loss: 'sparse_categorical_crossentropy', optimizer: pretrainingAdam(optimizer), ...common },
  );
  return new PortNetwork(session, schedule && cosineDecay(schedule));
}

/** What the original needs to build a network for batches like `example`. `seed` fixes Keras's initial weights. */
export function originalOptions(
  { x, y }: LabelledBatch,
  { task = 'finetuning', arch, stages, multiLabel, ownTop, training, traced }: Omit<NetworkCase, 'precision' | 'seed'>,
  dtype: NetworkOptions['dtype'],
  seed?: number,
): NetworkOptions {
  const classes = task === 'finetuning' ? y.shape[1] : undefined;
  const elementWeights = multiLabel && training?.sampleWeights;
  const adam = training?.optimizer && argumentsOf(training.optimizer);
  return {
    task,
    arch,
    stages,
    shapes: shapesOf(x),
    classes,
    multiLabel,
    ownTop,
    dtype,
    seed,
    elementWeights,
    adam,
    schedule: training?.schedule,
    traced,
  };
}

/** Options of the optimiser as arguments of Keras's Adam. */
function argumentsOf({ clipnorm, globalClipnorm, weightDecay }: OptimizerOptions): NetworkOptions['adam'] {
  return {
    ...(clipnorm !== undefined && { clipnorm }),
    ...(globalClipnorm !== undefined && { global_clipnorm: globalClipnorm }),
    ...(weightDecay !== undefined && { weight_decay: weightDecay }),
  };
}

/** Builds a network of the original; see {@link originalOptions}. Dispose of it afterwards. */
export function buildOriginal(
  original: Original,
  ...options: Parameters<typeof originalOptions>
): Promise<OriginalNetwork> {
  return original.network(originalOptions(...options));
}

/**
 * Runs `use` with the same network on both sides, built for batches like `example`, and frees both. The initial weights are
 * {@link startingWeights}.
 */
export async function withTwins<T>(
  original: Original,
  example: LabelledBatch,
  kind: NetworkCase,
  use: (twins: Twins) => Promise<T>,
): Promise<T> {
  return withBoth(original, example, kind, kind.precision, async (port, network) => {
    const weights = startingWeights(port.session.model, (await port.read()).weights, kind.seed);
    await bothSides(
      () => network.write({ weights }),
      () => port.write({ weights }),
    );
    return use({ port, network, weights, names: port.names, trainable: port.trainable });
  });
}

/**
 * Runs `use` with the same network on both sides, each with its own draws of initial weights (of the seed, in the original too if
 * `originalSeed` is given), and frees both.
 */
export async function withBoth<T>(
  original: Original,
  example: LabelledBatch,
  kind: InAnyPrecision,
  dtype: NetworkOptions['dtype'],
  use: (port: PortNetwork, network: OriginalNetwork) => Promise<T>,
  originalSeed?: number,
): Promise<T> {
  const built: { port?: PortNetwork; network?: OriginalNetwork } = {};
  try {
    const [port, network] = await bothSides(
      async () => {
        built.network = await buildOriginal(original, example, kind, dtype, originalSeed);
        return built.network;
      },
      () => {
        built.port = buildPort(example, kind);
        return built.port;
      },
    );
    return await use(port, network);
  } finally {
    built.port?.dispose();
    await built.network?.dispose();
  }
}

/**
 * A network's initial weights, with biases, gains and statistics moved away from 0 and 1, which would hide mistakes. `initial` are the
 * initial values in the order of the model's variables.
 */
export function startingWeights({ variables }: Model, initial: readonly NdArray[], seed: number): NdArray[] {
  return initial.map((value, i) => {
    if (value.shape.length !== 1) return value;
    const draws = new Generator(seed, variables[i].name);
    const moved = Float64Array.from(value.data as Float64Array, (element) => element + 0.1 * Math.abs(draws.normal()));
    return asType({ dtype: 'float64', shape: value.shape, data: moved }, value.dtype);
  });
}

/** The model of the port for batches like `example`, without a session. */
export function buildModel({ x, y }: LabelledBatch, kind: Omit<InAnyPrecision, 'seed'>): Model {
  const { task = 'finetuning', arch, stages, multiLabel, ownTop, precision } = kind;
  if (ownTop) return new Sequential([new ResNet({ numOutputs: y.shape[1] })]).build(shapesOf(x).x, precision);
  const head = task === 'finetuning' ? { classes: y.shape[1] } : { task };
  return buildNetwork({ arch, stages, head }, { shapes: shapesOf(x), precision, multiLabel });
}

/** Shapes of a batch's inputs without the batch axis. */
function shapesOf(x: Inputs): Record<string, readonly number[]> {
  return Object.fromEntries(Object.entries(inputsByName(x)).map(([key, { shape }]) => [key, shape.slice(1)]));
}

/** Names of Adam's moments in the order m, v of each trainable weight. */
export function momentNames(trainable: readonly string[]): string[] {
  return trainable.flatMap((_, i) => [`optimizer/vars/${2 + 2 * i}`, `optimizer/vars/${3 + 2 * i}`]);
}

/** The name of Adam's step count. */
const iterationsName = 'optimizer/vars/0';

/** Moments of Adam in the middle of a training. With fresh moments, the noise of every tiny gradient would become a full step. */
export function settledMoments({ trainableVariables }: Model): NdArray[] {
  return trainableVariables.flatMap(({ shape, dtype }, i) => {
    const pattern = (value: (phase: number) => number): NdArray => {
      const array = zeros(dtype, shape);
      const data = array.data as Float32Array;
      // Any numbers will do if neighbours differ: these are fractional parts of multiples of the golden ratio.
      for (let k = 0; k < data.length; k++) data[k] = Math.fround(value((0.6180339887498949 * (k + i)) % 1));
      return array;
    };
    return [pattern((phase) => 1e-4 * (phase - 0.5)), pattern((phase) => 1e-6 * (0.5 + phase))];
  });
}

/** The step count that goes with {@link settledMoments}. */
export const settledSteps = 1000;
