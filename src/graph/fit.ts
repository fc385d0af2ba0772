import { setImmediate } from 'node:timers/promises';
import type { Reporter } from '../events.ts';
import type { Callback, Logs, Training } from '../lib/keras/callbacks.ts';
import type { NdArray } from '../lib/numpy/ndarray.ts';
import type { Inputs, Session, StepResult } from './session.ts';

/** Samples of one step: inputs and labels, batch first. */
export interface Batch {
  readonly x: Inputs;
  readonly y: NdArray;
}

/** Batches in the order in which they are used. */
export type Batches = Iterable<Batch> | AsyncIterable<Batch>;

/** What a training run needs beside the compiled model. */
export interface FitOptions {
  /** Training batches of an epoch, counted from 0. */
  readonly batches: (epoch: number) => Batches;
  /** Batches per epoch, for the progress display. */
  readonly steps: number;
  /** Epoch after the last, counted from 0. */
  readonly epochs: number;
  /** First epoch, above 0 for a run that goes on. */
  readonly initialEpoch?: number;
  /** Validation batches; without them no `val_*` figures are made. */
  readonly validation?: () => Batches;
  readonly callbacks: readonly Callback[];
  /** Writes the model's weights and optimiser state to a file. */
  readonly saveWeights: (path: string) => Promise<void>;
  readonly reporter: Reporter;
}

/** What a training run did. */
export interface FitResult {
  /** Figures of each epoch: `loss`, `acc` and, with validation, `val_loss`, `val_acc`. */
  readonly history: readonly Logs[];
  /** Share of the training time spent waiting for data, 0 to 1. */
  readonly waiting: number;
}

/**
 * Trains for some epochs and tells the callbacks after each. Figures are means over samples, rounded to float32 as Keras reports
 * them; those of training are gathered while the weights change. Twin of `keras.Model.fit`.
 */
export async function fit(session: Session, options: FitOptions): Promise<FitResult> {
  const { reporter, epochs, initialEpoch = 0 } = options;
  const history: Logs[] = [];
  let stopped = false;
  let waited = 0;
  const begun = performance.now();
  const training: Training = {
    saveWeights: options.saveWeights,
    stop: () => {
      stopped = true;
    },
    say: (text) => reporter({ kind: 'message', text }),
  };
  for (let epoch = initialEpoch; epoch < epochs && !stopped; epoch++) {
    const task = `Epoch ${epoch + 1}/${epochs}`;
    reporter({ kind: 'start', task, total: options.steps, unit: 'steps' });
    const mean = new Mean();
    let asked = performance.now();
    for await (const { x, y } of options.batches(epoch)) {
      waited += performance.now() - asked;
      mean.add(session.train(x, y));
      const { loss, acc } = mean.value();
      reporter({ kind: 'progress', task, done: mean.batches, detail: `loss ${loss.toFixed(4)} acc ${acc.toFixed(4)}` });
      // Lets timers and signals in: a step blocks the thread.
      await setImmediate();
      asked = performance.now();
    }
    const logs: Logs = mean.value();
    if (options.validation) {
      const { loss, acc } = await evaluate(session, options.validation());
      Object.assign(logs, { val_loss: loss, val_acc: acc });
    }
    const figures = Object.entries(logs).map(([name, value]) => `${name} ${value.toFixed(4)}`);
    reporter({ kind: 'end', task, detail: figures.join(' ') });
    for (const callback of options.callbacks) await callback.onEpochEnd(epoch, logs, training);
    history.push(logs);
  }
  const elapsed = performance.now() - begun;
  return { history, waiting: elapsed > 0 ? waited / elapsed : 0 };
}

/** Loss and accuracy over batches in inference mode. Twin of `keras.Model.evaluate`. */
export async function evaluate(session: Session, batches: Batches): Promise<{ loss: number; acc: number }> {
  const mean = new Mean();
  for await (const { x, y } of batches) mean.add(session.evaluate(x, y));
  return mean.value();
}

/** Means over samples of what steps report. */
class Mean {
  batches = 0;
  #samples = 0;
  #loss = 0;
  #correct = 0;

  add({ samples, loss, correct }: StepResult): void {
    this.batches++;
    this.#samples += samples;
    this.#loss += loss * samples;
    this.#correct += correct;
  }

  /** Throws a RangeError if no batch came. */
  value(): { loss: number; acc: number } {
    if (this.#samples === 0) throw new RangeError('the data hold no samples: at least one batch is needed');
    return { loss: Math.fround(this.#loss / this.#samples), acc: Math.fround(this.#correct / this.#samples) };
  }
}
