import { type Inputs, inputsByName } from '../lib/keras/inputs.ts';
import type { CosineDecayOptions } from '../lib/keras/schedules.ts';
import type { NdArray } from '../lib/numpy/ndarray.ts';
import { scheduleArguments } from './original_options.ts';
import type { PythonSession } from './session.ts';
import type { Transfer } from './transfer.ts';
import type { Wire } from './wire.ts';

/** A network of the original: the classifier of finetuning, or the solver of a pretraining task. */
export interface NetworkOptions {
  /** `finetuning`, or a pretraining task by its name on the command line. */
  readonly task: string;
  /** Architecture by its name on the command line. */
  readonly arch: string;
  /** End of a Python slice over the stages; all of them if absent. */
  readonly stages?: number;
  /** Shapes of the inputs without the batch axis: `x`, or `context` and `samples`. */
  readonly shapes: { readonly [input: string]: readonly number[] };
  /** Finetuning only: classes of the head, and whether a record may have several. */
  readonly classes?: number;
  readonly multiLabel?: boolean;
  /** Finetuning only: a whole `ResNet` with its own defaults and top instead of the trainer's network. */
  readonly ownTop?: boolean;
  readonly dtype: 'float32' | 'float64' | 'mixed_bfloat16';
  /** Seed of Keras for the initial weights; left to chance if absent. */
  readonly seed?: number;
  /** Further arguments of Keras's Adam. */
  readonly adam?: { readonly [argument: string]: number };
  /** Learning rates of the steps, by Adam's count of them. */
  readonly schedule?: CosineDecayOptions;
  /** Finetuning with several labels: sample weights go with each class of each record, `(batch, classes)`. */
  readonly elementWeights?: boolean;
  /** Whether its steps run as a graph, as the trainers' do; then without weights of losses, and all batches have one shape. Default: eagerly. */
  readonly traced?: boolean;
}

/** Weights of the losses that each step gets. */
export interface StepWeights {
  /** Keras's `class_weight`: a weight of each class. */
  readonly classWeight?: readonly number[];
}

/** Weights in Keras's order, Adam's moments as m, v alternating per trainable weight. */
export interface NetworkState {
  readonly weights: readonly NdArray[];
  readonly moments: readonly NdArray[];
  readonly iterations: number;
}

/** What the original reports about a network that it built. */
export interface BuiltNetwork {
  readonly parameters: number;
  /** Shapes in Keras's weight order. */
  readonly weights: { readonly shape: number[]; readonly trainable: boolean }[];
  readonly [key: string]: Wire;
}

/** Arguments of the probe's `networks.build`, beside the name. */
export function buildArguments(options: NetworkOptions): { readonly [argument: string]: Wire } {
  const { multiLabel = false, stages = null, classes = null, seed = null, adam = null, ...others } = options;
  const { elementWeights = false, ownTop = false, traced = false, schedule, ...rest } = others;
  const network = { multi_label: multiLabel, stages, classes, seed, own_top: ownTop, traced };
  const training = { adam, schedule: schedule ? scheduleArguments(schedule) : null, element_weights: elementWeights };
  return { ...network, ...training, ...rest };
}

/** A batch that Python borrows. */
interface LentBatch {
  readonly x: Inputs;
  readonly y?: NdArray;
  /** Weights of its losses, `(batch)` or `(batch, classes)`. */
  readonly sampleWeight?: NdArray;
}

/** A network that lives in the Python process. */
export class OriginalNetwork {
  readonly #session: PythonSession;
  readonly #transfer: Transfer;
  readonly #name: string;
  readonly built: BuiltNetwork;

  constructor(session: PythonSession, transfer: Transfer, name: string, built: BuiltNetwork) {
    this.#session = session;
    this.#transfer = transfer;
    this.#name = name;
    this.built = built;
  }

  /** Sets all weights. Resets Adam unless moments are given. */
  async write(state: {
    weights: readonly NdArray[];
    moments?: readonly NdArray[];
    iterations?: number;
  }): Promise<void> {
    const { weights, moments = [], iterations = 0 } = state;
    await this.#transfer.lend([...weights, ...moments], (names) =>
      this.#session.call('networks.write', {
        name: this.#name,
        weights: names.slice(0, weights.length),
        moments: moments.length > 0 ? names.slice(weights.length) : null,
        iterations,
      }),
    );
  }

  /** Reads all weights and Adam's state. */
  async read(): Promise<NetworkState> {
    const folder = this.#transfer.folder();
    const files = await this.#session.call<{ weights: string[]; moments: string[]; iterations: number }>(
      'networks.read',
      { name: this.#name, folder },
    );
    return {
      weights: this.#transfer.takeAll(files.weights),
      moments: this.#transfer.takeAll(files.moments),
      iterations: files.iterations,
    };
  }

  /** Outputs `(batch, outputs)` in inference mode: probabilities, or logits of a pretraining task. */
  async predict(x: Inputs, batchSize = 32): Promise<NdArray> {
    const folder = this.#transfer.folder();
    return this.#transfer.take(
      await this.#lend([{ x }], ([inputs]) =>
        this.#session.call<string>('networks.predict', {
          name: this.#name,
          folder,
          x: inputs.x,
          batch_size: batchSize,
        }),
      ),
    );
  }

  /** Loss, outputs and gradients (in the order of the trainable weights) of one training-mode batch; no weight changes. */
  async gradients(x: Inputs, y: NdArray): Promise<{ loss: number; outputs: NdArray; gradients: NdArray[] }> {
    const folder = this.#transfer.folder();
    const found = await this.#lend([{ x, y }], ([batch]) =>
      this.#session.call<{ loss: number; outputs: string; gradients: string[] }>('networks.gradients', {
        name: this.#name,
        folder,
        x: batch.x,
        y: batch.y,
      }),
    );
    return {
      loss: found.loss,
      outputs: this.#transfer.take(found.outputs),
      gradients: this.#transfer.takeAll(found.gradients),
    };
  }

  /**
   * Outputs of a batch in inference mode, and by input name the gradient of Σ weights·outputs; `weights` are `(batch, outputs)`. The inputs
   * must have the type of the network.
   */
  async inputGradients(x: Inputs, weights: NdArray): Promise<{ outputs: NdArray; gradients: Map<string, NdArray> }> {
    const folder = this.#transfer.folder();
    const found = await this.#lend([{ x, y: weights }], ([batch]) =>
      this.#session.call<{ outputs: string; gradients: { [input: string]: string } }>('networks.input_gradients', {
        name: this.#name,
        folder,
        x: batch.x,
        weights: batch.y,
      }),
    );
    const gradients = Object.entries(found.gradients);
    return {
      outputs: this.#transfer.take(found.outputs),
      gradients: new Map(gradients.map(([input, file]) => [input, this.#transfer.take(file)])),
    };
  }

  /** Integrated gradients of one output per record, `targets`, from a baseline of zeros, in the shape of `x`, float64. */
  async integratedGradients(x: NdArray, targets: readonly number[], steps: number): Promise<NdArray> {
    const folder = this.#transfer.folder();
    return this.#transfer.take(
      await this.#lend([{ x }], ([inputs]) =>
        this.#session.call<string>('networks.integrated_gradients', {
          name: this.#name,
          folder,
          x: inputs.x,
          targets: [...targets],
          steps,
        }),
      ),
    );
  }

  /**
   * Outputs of the layers by path, in inference or training mode. No weight changes. From its second use on, a layer's path ends in `#2`,
   * `#3`, …
   */
  async activations(x: Inputs, training: boolean): Promise<Map<string, NdArray>> {
    const folder = this.#transfer.folder();
    const files = await this.#lend([{ x }], ([inputs]) =>
      this.#session.call<{ [path: string]: string }>('networks.activations', {
        name: this.#name,
        folder,
        x: inputs.x,
        training,
      }),
    );
    return new Map(Object.entries(files).map(([path, file]) => [path, this.#transfer.take(file)]));
  }

  /** For every layer, by path, the line of the original at which it is applied (`transplant/modules/resnet1d.py:57 (Conv1D)`). */
  async places(x: Inputs, training: boolean): Promise<Map<string, string>> {
    const found = await this.#lend([{ x }], ([inputs]) =>
      this.#session.call<{ [path: string]: string }>('networks.places', { name: this.#name, x: inputs.x, training }),
    );
    return new Map(Object.entries(found));
  }

  /** Keras's own training step on each batch in turn, with the weights of its losses if it has any; returns the losses. */
  trainSteps(
    batches: readonly (LentBatch & { readonly y: NdArray })[],
    { classWeight }: StepWeights = {},
  ): Promise<number[]> {
    return this.#lend(batches, (lent) =>
      this.#session.call<number[]>('networks.train_steps', {
        name: this.#name,
        x: lent.map(({ x }) => x),
        y: lent.map(({ y }) => y),
        ...(lent[0].sampleWeight && { sample_weight: lent.map(({ sampleWeight }) => sampleWeight) }),
        ...(classWeight && { class_weight: [...classWeight] }),
      }),
    );
  }

  /** Writes weights and Adam's state to a `.weights.h5` file, as Keras does. */
  async saveWeights(path: string): Promise<void> {
    await this.#session.call('networks.save_weights', { name: this.#name, path });
  }

  /** Loads a `.weights.h5` file, as Keras does. */
  async loadWeights(path: string): Promise<void> {
    await this.#session.call('networks.load_weights', { name: this.#name, path });
  }

  /** Freezes or thaws all layers but the head, and compiles the network anew, with a fresh optimiser. */
  async freeze(frozen: boolean): Promise<void> {
    await this.#session.call('networks.freeze', { name: this.#name, frozen });
  }

  /** Frees the network; it cannot be used afterwards. */
  async dispose(): Promise<void> {
    await this.#session.call('networks.dispose', { name: this.#name });
  }

  /** Lends batches: `use` receives the files of each batch by input name, and the files of the labels and weights. */
  #lend<T>(
    batches: readonly LentBatch[],
    use: (lent: { x: Record<string, string>; y: string; sampleWeight: string }[]) => Promise<T>,
  ): Promise<T> {
    const parts = batches.map(({ x, ...others }) => ({ inputs: inputsByName(x), ...others }));
    const arrays = parts.flatMap(({ inputs, y, sampleWeight }) => [
      ...Object.values(inputs),
      ...(y ? [y] : []),
      ...(sampleWeight ? [sampleWeight] : []),
    ]);
    return this.#transfer.lend(arrays, (names) => {
      let next = 0;
      const lent = parts.map(({ inputs, y, sampleWeight }) => ({
        x: Object.fromEntries(Object.keys(inputs).map((key) => [key, names[next++]])),
        y: y ? names[next++] : '',
        sampleWeight: sampleWeight ? names[next++] : '',
      }));
      return use(lent);
    });
  }
}

/** A graph of the port inside a session of the Python process. */
export class OriginalGraph {
  readonly #session: PythonSession;
  readonly #transfer: Transfer;
  readonly #name: string;

  constructor(session: PythonSession, transfer: Transfer, name: string) {
    this.#session = session;
    this.#transfer = transfer;
    this.#name = name;
  }

  /** Runs a signature; feeds and results go by the names of its inputs and outputs. */
  async run(signature: string, feeds: ReadonlyMap<string, NdArray>): Promise<Map<string, NdArray>> {
    const keys = [...feeds.keys()];
    const folder = this.#transfer.folder();
    const files = await this.#transfer.lend([...feeds.values()], (names) =>
      this.#session.call<{ [key: string]: string }>('saved_model.run', {
        name: this.#name,
        signature,
        feeds: Object.fromEntries(keys.map((key, position) => [key, names[position]])),
        folder,
      }),
    );
    return new Map(Object.entries(files).map(([key, file]) => [key, this.#transfer.take(file)]));
  }

  /** Gives variables new values, by name. */
  async assign(values: ReadonlyMap<string, NdArray>): Promise<void> {
    const keys = [...values.keys()];
    await this.#transfer.lend([...values.values()], (names) =>
      this.#session.call('saved_model.assign', {
        name: this.#name,
        values: Object.fromEntries(keys.map((key, position) => [key, names[position]])),
      }),
    );
  }

  /** Values of all variables, by name. */
  async read(): Promise<Map<string, NdArray>> {
    const files = await this.#session.call<{ [key: string]: string }>('saved_model.read', {
      name: this.#name,
      folder: this.#transfer.folder(),
    });
    return new Map(Object.entries(files).map(([key, file]) => [key, this.#transfer.take(file)]));
  }

  /** Ends the session. */
  async close(): Promise<void> {
    await this.#session.call('saved_model.close', { name: this.#name });
  }
}
