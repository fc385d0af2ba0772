import type { NdArray } from '../lib/numpy/ndarray.ts';
import { BridgeStartError, PythonError } from './errors.ts';
import { OriginalData } from './original_data.ts';
import { OriginalFiles } from './original_files.ts';
import { OriginalMetrics } from './original_metrics.ts';
import {
  type BuiltNetwork,
  buildArguments,
  type NetworkOptions,
  OriginalGraph,
  OriginalNetwork,
} from './original_network.ts';
import { OriginalOperations } from './original_operations.ts';
import { OriginalOptions } from './original_options.ts';
import { OriginalReplicas } from './original_replicas.ts';
import { OriginalSampling } from './original_sampling.ts';
import { type BridgeOptions, PythonSession } from './session.ts';
import { Transfer } from './transfer.ts';
import type { Wire } from './wire.ts';

/** A fix from outside for something that the unmodified upstream code cannot do with these versions; see `ecg_probe/compat.py`. */
export interface Shim {
  /** The quirk in docs/divergences.md that it works around, such as `Q30`. */
  readonly quirk: string;
  readonly title: string;
  /** How often it was used. */
  readonly times: number;
  readonly [key: string]: Wire;
}

/** Facts about the Python process that a comparison depends on. */
export type PythonFacts = {
  readonly python: string;
  readonly tensorflow: string;
  readonly keras: string;
  readonly numpy: string;
  readonly pandas: string;
  readonly sklearn: string;
  readonly wfdb: string;
  readonly samplerate: string;
  /** TensorFlow shared libraries that the process has mapped, by real path. */
  readonly library: readonly string[];
  readonly onednn: boolean;
  /** The variables of GPU parity mode that are set. */
  readonly parity: { readonly [name: string]: string };
  readonly gpus: readonly string[];
};

/** The Python original with types. Nothing else talks to the Python process. */
export class Original {
  readonly #session: PythonSession;
  readonly #transfer: Transfer;
  #networks = 0;
  /** Reading, preparation and splits of data sets. */
  readonly data: OriginalData;
  /** Files of results and of data. */
  readonly files: OriginalFiles;
  /** Random draws and frames of Icentia11k. */
  readonly sampling: OriginalSampling;
  /** Metrics of predictions. */
  readonly metrics: OriginalMetrics;
  /** Single operations of networks. */
  readonly operations: OriginalOperations;
  /** Options of training that the trainers do not set. */
  readonly options: OriginalOptions;
  /** Training on several devices. */
  readonly replicas: OriginalReplicas;

  private constructor(session: PythonSession) {
    this.#session = session;
    this.#transfer = new Transfer(session);
    this.data = new OriginalData(session, this.#transfer);
    this.files = new OriginalFiles(session, this.#transfer);
    this.sampling = new OriginalSampling(session, this.#transfer);
    this.metrics = new OriginalMetrics(session, this.#transfer);
    this.operations = new OriginalOperations(session, this.#transfer);
    this.options = new OriginalOptions(session, this.#transfer);
    this.replicas = new OriginalReplicas(session, this.#transfer);
  }

  /** Starts Python and imports the packages; throws BridgeStartError if that fails. */
  static async open(options: BridgeOptions): Promise<Original> {
    const session = await PythonSession.open(options);
    try {
      await session.call('compat.install', {}, options.startTimeoutMs ?? 120_000);
    } catch (error) {
      await session.close();
      const reason = error instanceof PythonError ? error.detail : (error as Error).message;
      throw new BridgeStartError(`${options.original} cannot be imported: ${reason}`, { cause: error });
    }
    return new Original(session);
  }

  /** The shims that were used so far. This project's own `original/` needs none. */
  shims(): Promise<readonly Shim[]> {
    return this.#session.call('compat.shims');
  }

  /** Ends Python. */
  close(): Promise<void> {
    return this.#session.close();
  }

  /** Versions and libraries of the Python process. */
  facts(): Promise<PythonFacts> {
    return this.#session.call('facts');
  }

  /** The shape of what a layer of `transplant.modules.<module>` gives for an input of this shape. */
  outputShape(
    layer: { readonly module: string; readonly layer: string; readonly arguments: { readonly [name: string]: Wire } },
    shape: readonly number[],
  ): Promise<number[]> {
    return this.#session.call('layers.output_shape', { ...layer, shape });
  }

  /** Builds and compiles a network as `finetuning.trainer` does. */
  async network(options: NetworkOptions): Promise<OriginalNetwork> {
    const name = `network-${this.#networks++}`;
    const built = await this.#session.call<BuiltNetwork>('networks.build', { name, ...buildArguments(options) });
    return new OriginalNetwork(this.#session, this.#transfer, name, built);
  }

  /**
   * Makes tf_keras, in a process of its own, load the TensorFlow checkpoint `written` into each network and save a second one, with other
   * values, to `wanted`. Returns the weights after each step, in Keras 3's order.
   */
  async checkpoints(
    plans: readonly { readonly network: NetworkOptions; readonly written: string; readonly wanted: string }[],
  ): Promise<{ loaded: NdArray[]; saved: NdArray[] }[]> {
    const results = await this.#session.call<{ loaded: string[]; saved: string[] }[]>('checkpoints.exchange', {
      folder: this.#transfer.folder(),
      networks: plans.map(({ network, written, wanted }) => ({ ...buildArguments(network), written, wanted })),
    });
    return results.map(({ loaded, saved }) => ({
      loaded: this.#transfer.takeAll(loaded),
      saved: this.#transfer.takeAll(saved),
    }));
  }

  /** Loads a SavedModel of the port into a `tf.compat.v1.Session` of the Python process. */
  async graph(path: string): Promise<OriginalGraph> {
    const name = `graph-${this.#networks++}`;
    await this.#session.call('saved_model.load', { name, path });
    return new OriginalGraph(this.#session, this.#transfer, name);
  }

  /** Loads an exported SavedModel with `tf.saved_model.load` and calls its signature `serving_default`; arrays go by the names of inputs and outputs. */
  async callSavedModel(path: string, feeds: ReadonlyMap<string, NdArray>): Promise<Map<string, NdArray>> {
    const keys = [...feeds.keys()];
    const folder = this.#transfer.folder();
    const files = await this.#transfer.lend([...feeds.values()], (names) =>
      this.#session.call<{ [key: string]: string }>('saved_model.call', {
        path,
        feeds: Object.fromEntries(keys.map((key, position) => [key, names[position]])),
        folder,
      }),
    );
    return new Map(Object.entries(files).map(([key, file]) => [key, this.#transfer.take(file)]));
  }

  /**
   * Runs one of the original's programs as a script. What the original leaves to chance can be fixed: `weights` are set when `fit` begins,
   * row e of `order` is the order of the training samples in epoch e, and `seed` determines the other draws during training.
   */
  async run(
    module: 'finetuning.trainer' | 'pretraining.trainer' | 'finetuning.adjust_network',
    argv: readonly string[],
    fixed: { weights?: readonly NdArray[]; order?: NdArray; seed?: number } = {},
    timeoutMs?: number,
  ): Promise<void> {
    const weights = fixed.weights ?? [];
    await this.#transfer.lend([...weights, ...(fixed.order ? [fixed.order] : [])], (names) =>
      this.#session.call(
        'trainers.run',
        {
          module,
          argv,
          weights: fixed.weights ? names.slice(0, weights.length) : null,
          order: fixed.order ? names[weights.length] : null,
          seed: fixed.seed ?? null,
        },
        timeoutMs,
      ),
    );
  }

  /** `pretraining.utils.get_pretrained_weights(...).save_weights(output)`: the backbone of a pretraining checkpoint. */
  async saveBackbone(options: {
    readonly checkpointFile: string;
    readonly task: string;
    readonly arch: string;
    readonly stages?: number;
    readonly output: string;
  }): Promise<void> {
    const { checkpointFile, stages = null, ...rest } = options;
    await this.#session.call('pretrained.save_backbone', { checkpoint_file: checkpointFile, stages, ...rest });
  }
}
