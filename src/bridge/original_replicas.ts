import type { NdArray } from '../lib/numpy/ndarray.ts';
import { buildArguments, type NetworkOptions, type NetworkState } from './original_network.ts';
import type { PythonSession } from './session.ts';
import type { Transfer } from './transfer.ts';
import type { Wire } from './wire.ts';

/** Samples of the only input, with their labels. */
interface Samples {
  readonly x: NdArray;
  readonly y: NdArray;
  /** Weights of their losses. */
  readonly sampleWeight?: NdArray;
}

/** A training on several devices. */
export interface ReplicatedTraining {
  readonly network: NetworkOptions;
  /** What every device begins with, in Keras 3's order. */
  readonly weights: readonly NdArray[];
  /** Calls of Keras's `fit`, one after the other; the samples keep their order. */
  readonly fits: readonly (Samples & { readonly batchSize: number })[];
  /** Samples to validate on after each `fit`, and to predict at the end, in batches of the size of the last one. */
  readonly validation?: Samples;
  /** Number of logical CPUs. */
  readonly devices: number;
  /** Take tf_keras, whatever Keras the original runs on. */
  readonly legacy?: boolean;
}

/** What a training on several devices gives; weights are in Keras 3's order. */
export interface ReplicatedResults {
  readonly steps: readonly {
    /** The weights that each device holds after the step. */
    readonly devices: readonly (readonly NdArray[])[];
    /** What the model and its optimiser give from outside. */
    readonly saved: NetworkState;
  }[];
  /** Figures of each `fit`: `loss`, `acc` and, with validation, `val_loss`, `val_acc`. */
  readonly fits: readonly Readonly<Record<string, number>>[];
  readonly predictions?: NdArray;
}

interface Files {
  readonly steps: {
    readonly devices: string[][];
    readonly saved: { readonly weights: string[]; readonly moments: string[]; readonly iterations: number };
  }[];
  readonly fits: Record<string, number>[];
  readonly predictions: string | null;
}

/** The original on several devices. */
export class OriginalReplicas {
  readonly #session: PythonSession;
  readonly #transfer: Transfer;

  constructor(session: PythonSession, transfer: Transfer) {
    this.#session = session;
    this.#transfer = transfer;
  }

  /** Trains a network under a MirroredStrategy on logical CPUs, in a process of its own. */
  async train(training: ReplicatedTraining): Promise<ReplicatedResults> {
    const { network, weights, fits, validation, devices, legacy = false } = training;
    const samples = [...fits, ...(validation ? [validation] : [])];
    const { steps, predictions, ...found } = await this.#transfer.lend(
      [...weights, ...samples.flatMap(({ x, y, sampleWeight }) => [x, y, ...(sampleWeight ? [sampleWeight] : [])])],
      (names) => {
        let next = weights.length;
        const lent = samples.map(({ sampleWeight }): { readonly [name: string]: Wire } => ({
          x: names[next++],
          y: names[next++],
          ...(sampleWeight && { sample_weight: names[next++] }),
        }));
        return this.#session.call<Files & { [key: string]: Wire }>('replicas.train', {
          network: buildArguments(network),
          weights: names.slice(0, weights.length),
          fits: fits.map(({ batchSize }, i) => ({ ...lent[i], batch_size: batchSize })),
          validation: validation ? lent[fits.length] : null,
          devices,
          legacy,
          folder: this.#transfer.folder(),
        });
      },
    );
    return {
      ...found,
      steps: steps.map(({ devices: held, saved }) => ({
        devices: held.map((files) => this.#transfer.takeAll(files)),
        saved: {
          weights: this.#transfer.takeAll(saved.weights),
          moments: this.#transfer.takeAll(saved.moments),
          iterations: saved.iterations,
        },
      })),
      ...(predictions === null ? {} : { predictions: this.#transfer.take(predictions) }),
    };
  }
}
