import type { ReduceLROnPlateauOptions } from '../lib/keras/callbacks.ts';
import type { CosineDecayOptions } from '../lib/keras/schedules.ts';
import type { NdArray } from '../lib/numpy/ndarray.ts';
import type { PythonSession } from './session.ts';
import type { Transfer } from './transfer.ts';
import type { Wire } from './wire.ts';

/** A training that ReduceLROnPlateau watches: its settings, and the monitored value of each epoch. */
export interface WatchedPlateau extends Omit<ReduceLROnPlateauOptions, 'round'> {
  readonly values: readonly number[];
}

/** A cosine decay as arguments of the probe. */
export function scheduleArguments(schedule: CosineDecayOptions): { readonly [argument: string]: Wire } {
  const { initialLearningRate: initial, decaySteps, warmupTarget = null, warmupSteps = 0 } = schedule;
  return { initial, decay_steps: decaySteps, target: warmupTarget, warmup_steps: warmupSteps };
}

/** What Keras and scikit-learn have for options of training that the original's trainers do not set. */
export class OriginalOptions {
  readonly #session: PythonSession;
  readonly #transfer: Transfer;

  constructor(session: PythonSession, transfer: Transfer) {
    this.#session = session;
    this.#transfer = transfer;
  }

  /** scikit-learn's balanced weights of each column of labels `(records, columns)`: one for each value that occurs, ascending. */
  classWeights(labels: NdArray): Promise<number[][]> {
    return this.#transfer.lend([labels], ([lent]) =>
      this.#session.call<number[][]>('training_options.class_weights', { labels: lent }),
    );
  }

  /** The changes of `--augment` by name, with their strengths, drawn and computed by NumPy. */
  async augment(
    x: NdArray,
    changes: Readonly<Record<string, number>>,
    { seed, epoch, records }: { readonly seed: number; readonly epoch: number; readonly records: readonly number[] },
  ): Promise<NdArray> {
    const folder = this.#transfer.folder();
    const file = await this.#transfer.lend([x], ([lent]) =>
      this.#session.call<string>('training_options.augment', {
        ...{ folder, x: lent, changes: { ...changes }, seed, epoch },
        records: [...records],
      }),
    );
    return this.#transfer.take(file);
  }

  /** The learning rates that Keras's CosineDecay gives for some steps, computed in `dtype`. */
  learningRates(
    schedule: CosineDecayOptions,
    dtype: 'float32' | 'float64',
    steps: readonly number[],
  ): Promise<number[]> {
    return this.#session.call('training_options.learning_rates', {
      schedule: scheduleArguments(schedule),
      dtype,
      steps: [...steps],
    });
  }

  /** The learning rate that Keras's ReduceLROnPlateau leaves after each epoch, in float32, from the values that it monitors. */
  plateau(options: WatchedPlateau): Promise<number[]> {
    const { monitor, factor, patience, learningRate, values } = options;
    return this.#session.call('training_options.plateau', {
      ...{ monitor, factor, patience, learning_rate: learningRate },
      values: [...values],
    });
  }
}
