import type { NdArray } from '../lib/numpy/ndarray.ts';
import { type BuiltNetwork, type NetworkOptions, OriginalGraph, OriginalNetwork } from './original_network.ts';
import { type BridgeOptions, PythonSession } from './session.ts';
import { Transfer } from './transfer.ts';
import type { Wire } from './wire.ts';

/** A prepared data set as the original holds it. */
export interface OriginalData {
  /** `(records, samples, leads)`, float32 or float64. */
  readonly x: NdArray;
  /** `(records, classes)`, of the label frame's own dtype. */
  readonly y: NdArray;
  readonly recordIds: readonly string[];
  readonly classes: readonly string[];
}

interface DataFiles {
  readonly x: string;
  readonly y: string;
  readonly recordIds: string[];
  readonly classes: string[];
  readonly [key: string]: Wire;
}

/** The Python original, typed. Nothing else talks to the Python process. */
export class Original {
  readonly #session: PythonSession;
  readonly #transfer: Transfer;
  #networks = 0;

  private constructor(session: PythonSession) {
    this.#session = session;
    this.#transfer = new Transfer(session);
  }

  /** Starts Python; throws BridgeStartError if that fails. */
  static async open(options: BridgeOptions): Promise<Original> {
    return new Original(await PythonSession.open(options));
  }

  /** Ends Python. */
  close(): Promise<void> {
    return this.#session.close();
  }

  /** Versions and libraries of the Python process. */
  facts(): Promise<{ readonly [key: string]: Wire }> {
    return this.#session.call('facts');
  }

  /** `finetuning.datasets.get_challenge17_data`, saved by `transplant.utils.save_pkl`. `fs` in Hz, `pad` in samples. */
  async challenge17(
    dbDir: string,
    options: { fs: number | null; pad: number | null; normalize: boolean; save: string },
  ): Promise<OriginalData> {
    const folder = this.#transfer.folder();
    return this.#data(
      await this.#session.call<DataFiles>('datasets.challenge17', { folder, db_dir: dbDir, ...options }),
    );
  }

  /** The documented recipe: seeded, stratified `finetuning.utils.train_test_split` of a prepared file, both parts saved. */
  async split(
    file: string,
    options: { testSize: number; seed: number; train: string; test: string },
  ): Promise<{ train: OriginalData; test: OriginalData }> {
    const folder = this.#transfer.folder();
    const { testSize, ...rest } = options;
    const parts = await this.#session.call<{ train: DataFiles; test: DataFiles }>('datasets.split', {
      folder,
      file,
      test_size: testSize,
      ...rest,
    });
    return { train: this.#data(parts.train), test: this.#data(parts.test) };
  }

  /** Reads a prepared file by `transplant.utils.load_pkl`. */
  async load(file: string): Promise<OriginalData> {
    return this.#data(await this.#session.call<DataFiles>('datasets.load', { folder: this.#transfer.folder(), file }));
  }

  /** `transplant.evaluation.f1` of a prediction CSV. */
  f1OfFile(file: string): Promise<number> {
    return this.#session.call('metrics.f1_of_file', { file });
  }

  /** Builds and compiles a network as `finetuning.trainer` does. */
  async network(options: NetworkOptions): Promise<OriginalNetwork> {
    const name = `network-${this.#networks++}`;
    const { multiLabel = false, stages = null, classes = null, ...rest } = options;
    const built = await this.#session.call<BuiltNetwork>('networks.build', {
      name,
      multi_label: multiLabel,
      stages,
      classes,
      ...rest,
    });
    return new OriginalNetwork(this.#session, this.#transfer, name, built);
  }

  /** Loads a SavedModel of the port into a `tf.compat.v1.Session` of the Python process. */
  async graph(path: string): Promise<OriginalGraph> {
    const name = `graph-${this.#networks++}`;
    await this.#session.call('saved_model.load', { name, path });
    return new OriginalGraph(this.#session, this.#transfer, name);
  }

  /**
   * Runs one of the original's command lines as a script. `weights` are set when `fit` begins, row e of `order` is the order of the
   * training samples in epoch e: what the original leaves to chance, fixed from outside.
   */
  async run(
    module: 'finetuning.trainer' | 'pretraining.trainer' | 'finetuning.adjust_network',
    argv: readonly string[],
    fixed: { weights?: readonly NdArray[]; order?: NdArray } = {},
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
        },
        timeoutMs,
      ),
    );
  }

  #data(files: DataFiles): OriginalData {
    return {
      x: this.#transfer.take(files.x),
      y: this.#transfer.take(files.y),
      recordIds: files.recordIds,
      classes: files.classes,
    };
  }
}
