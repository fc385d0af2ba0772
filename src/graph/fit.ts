import { setImmediate } from 'node:timers/promises';
import type { Reporter } from '../events.ts';
import type { Callback, Logs, Training } from '../lib/keras/callbacks.ts';
import type { NdArray } from '../lib/numpy/ndarray.ts';
import type { Inputs, Session, StepResult } from './session.ts';

/** Samples of one step: inputs and labels, batch first. */
export interface Batch {
  readonly x: Inputs;
  readonly y: NdArray;
  /** Weights of the losses, if the session was compiled with `sampleWeights`. */
  readonly sampleWeight?: NdArray;
}

/** Batches in the order in which they are used. */
export type Batches = Iterable<Batch> | AsyncIterable<Batch>;

/** Sums from which an epoch's metrics are computed. */
export interface Sums {
  readonly samples: number;
  /** Sum of the samples' losses. */
  readonly loss: number;
  readonly correct: number;
}

/** The state of a training run, besides the session's variables and the state of the callbacks. */
export interface FitState {
  /** Epoch in progress, counted from 0. */
  readonly epoch: number;
  /** Training steps done in it. */
  readonly step: number;
  /** Sums over these steps. */
  readonly sums: Sums;
  /** Metrics of the epochs before it. */
  readonly history: readonly Logs[];
  /** A callback has ended training. */
  readonly stopped: boolean;
}

/** What a training run needs besides the compiled model. */
export interface FitOptions {
  /** Training batches of an epoch, counted from 0, without the first `skip` ones. */
  readonly batches: (epoch: number, skip: number) => Batches;
  /** Batches per epoch. */
  readonly steps: number;
  /** Number of epochs. */
  readonly epochs: number;
  /** Where to continue; default the start. */
  readonly state?: FitState;
  /** Validation batches; without them there are no `val_*` metrics. */
  readonly validation?: () => Batches;
  readonly callbacks: readonly Callback[];
  /** Epochs at the start whose steps are frozen (see `StepOptions`). Then the optimiser starts anew. Default 0. */
  readonly frozenEpochs?: number;
  /** Learning rate of each step, counted from the start; default that of the optimiser. */
  readonly learningRate?: (step: number) => number;
  /** Writes the model's weights and optimiser state to a file. */
  readonly saveWeights: (path: string) => Promise<void>;
  readonly report: Reporter;
  /** Pauses the run after the step in progress, or before the first one. */
  readonly signal?: AbortSignal;
  /** Saves the state: after each epoch, every `saveInterval` milliseconds within one, and before a pause. */
  readonly save?: (state: FitState) => Promise<void>;
  readonly saveInterval?: number;
}

/** What a training run did. */
export interface FitResult {
  /** Metrics of each epoch: `loss`, `acc` and, with validation, `val_loss`, `val_acc`. */
  readonly history: readonly Logs[];
  /** Fraction of the training time spent waiting for data; NaN without a step. */
  readonly waiting: number;
  /** `signal` came before the end, and `save` has received the state. */
  readonly paused: boolean;
}

const noSums: Sums = { samples: 0, loss: 0, correct: 0 };

/** The state of a run before its first step. */
export const beginning: FitState = { epoch: 0, step: 0, sums: noSums, history: [], stopped: false };

/**
 * Trains for some epochs and calls the callbacks after each. Metrics are means over samples, rounded to float32 as in Keras; those of
 * training are computed while the weights change. Twin of `keras.Model.fit`.
 */
export async function fit(session: Session, options: FitOptions): Promise<FitResult> {
  const { report, epochs, frozenEpochs = 0, signal, state = beginning } = options;
  const { saveInterval = Number.POSITIVE_INFINITY } = options;
  const history = [...state.history];
  let { stopped } = state;
  const clock = { waited: 0, worked: 0 };
  let saved = performance.now();
  const save = async (epoch: number, mean: Mean): Promise<void> => {
    await options.save?.({ epoch, step: mean.batches, sums: mean.sums, history, stopped });
    saved = performance.now();
  };
  const result = (paused: boolean): FitResult => ({
    history,
    waiting: clock.waited / (clock.waited + clock.worked),
    paused,
  });
  const training: Training = {
    saveWeights: options.saveWeights,
    stop: () => {
      stopped = true;
    },
    say: (text) => report({ kind: 'message', text }),
  };
  for (let epoch = state.epoch; epoch < epochs && !stopped; epoch++) {
    const task = `Epoch ${epoch + 1}/${epochs}`;
    report({ kind: 'start', task, total: options.steps, unit: 'steps' });
    const mean = epoch === state.epoch ? new Mean(state.sums, state.step) : new Mean();
    const frozen = epoch < frozenEpochs;
    if (frozenEpochs > 0 && epoch === frozenEpochs && mean.batches === 0) session.resetOptimizer();
    let asked = performance.now();
    for await (const { x, y, sampleWeight } of options.batches(epoch, mean.batches)) {
      // A signal may have come before the first step, which takes longest, or while data were read.
      if (signal?.aborted) break;
      const got = performance.now();
      clock.waited += got - asked;
      const learningRate = options.learningRate?.(epoch * options.steps + mean.batches);
      mean.add(session.train(x, y, { learningRate, sampleWeight, frozen }));
      const { loss, acc } = mean.value();
      report({ kind: 'progress', task, done: mean.batches, detail: `loss ${loss.toFixed(4)} acc ${acc.toFixed(4)}` });
      clock.worked += performance.now() - got;
      // A step blocks the thread; timers and signals run here.
      await setImmediate();
      if (signal?.aborted) break;
      if (performance.now() - saved >= saveInterval) await save(epoch, mean);
      asked = performance.now();
    }
    const logs: Logs | undefined = signal?.aborted ? undefined : mean.value();
    const validation = logs && options.validation && (await score(session, options.validation(), signal));
    if (logs === undefined || signal?.aborted) {
      await save(epoch, mean);
      return result(true);
    }
    if (validation) Object.assign(logs, { val_loss: validation.loss, val_acc: validation.acc });
    const figures = Object.entries(logs).map(([name, value]) => `${name} ${value.toFixed(4)}`);
    report({ kind: 'end', task, detail: figures.join(' ') });
    for (const callback of options.callbacks) await callback.onEpochEnd(epoch, logs, training);
    history.push(logs);
    await save(epoch + 1, new Mean());
  }
  return result(signal?.aborted ?? false);
}

/** Loss and accuracy over batches in inference mode. Twin of `keras.Model.evaluate`. */
export function evaluate(session: Session, batches: Batches): Promise<{ loss: number; acc: number }> {
  return score(session, batches);
}

/** As `evaluate`, but after `signal` it returns means over the batches so far. */
async function score(session: Session, batches: Batches, signal?: AbortSignal): Promise<{ loss: number; acc: number }> {
  const mean = new Mean();
  for await (const { x, y } of batches) {
    mean.add(session.evaluate(x, y));
    await setImmediate();
    if (signal?.aborted) break;
  }
  return mean.value();
}

/** Means over samples of the results of steps. */
class Mean {
  batches: number;
  #samples: number;
  #loss: number;
  #correct: number;

  constructor({ samples, loss, correct }: Sums = noSums, batches = 0) {
    this.batches = batches;
    this.#samples = samples;
    this.#loss = loss;
    this.#correct = correct;
  }

  get sums(): Sums {
    return { samples: this.#samples, loss: this.#loss, correct: this.#correct };
  }

  add({ samples, loss, correct }: StepResult): void {
    this.batches++;
    this.#samples += samples;
    this.#loss += loss * samples;
    this.#correct += correct;
  }

  /** Throws a RangeError if no batch came. */
  value(): { loss: number; acc: number } {
    if (this.#samples === 0) throw new RangeError('there are no samples: at least one batch is needed');
    return { loss: Math.fround(this.#loss / this.#samples), acc: Math.fround(this.#correct / this.#samples) };
  }
}
