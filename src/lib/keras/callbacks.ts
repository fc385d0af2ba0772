import { closeSync, fsyncSync, writeSync } from 'node:fs';
import { openAnew, openToAppend } from '../own_files.ts';
import { floatRepr } from '../python/float_repr.ts';

/** Figures of one epoch, by name (`loss`, `acc`, `val_loss`, …). A callback may add figures for the callbacks that run after it. */
export type Logs = Record<string, number>;

/** What a callback may do to the training that it watches. */
export interface Training {
  /** Writes the model's weights (and optimiser state) to a file. */
  saveWeights(path: string): Promise<void>;
  /** Stops training after this epoch. */
  stop(): void;
  /** Shows a line to the user. */
  say(text: string): void;
}

/** Twin of `keras.callbacks.Callback`, as far as the trainers use it. Epochs count from 0. */
export interface Callback {
  onEpochEnd(epoch: number, logs: Logs, training: Training): Promise<void>;
}

/**
 * Twin of `keras.callbacks.CSVLogger`: CRLF line ends; `epoch` first, then the names of the first epoch's logs, sorted as strings. Without
 * validation, the `val_*` columns are filled with `NA` (Quirk Q38). Overwrites an earlier file when the first epoch ends.
 */
export class CSVLogger implements Callback {
  readonly #path: string;
  #columns: string[] | undefined;

  constructor(path: string, columns?: readonly string[]) {
    this.#path = path;
    this.#columns = columns && [...columns];
  }

  /** Column names after `epoch`, once known. */
  get columns(): readonly string[] | undefined {
    return this.#columns;
  }

  async onEpochEnd(epoch: number, logs: Logs): Promise<void> {
    const first = this.#columns === undefined;
    if (this.#columns === undefined) {
      const names = Object.keys(logs).sort(byCodePoint);
      this.#columns = names.some((name) => name.startsWith('val_'))
        ? names
        : [...names, ...names.map((name) => `val_${name}`)];
    }
    const row = [String(epoch), ...this.#columns.map((name) => (name in logs ? floatRepr(logs[name]) : 'NA'))];
    const lines = first ? [['epoch', ...this.#columns], row] : [row];
    const file = first ? openAnew(this.#path) : openToAppend(this.#path);
    try {
      writeSync(file, lines.map((fields) => `${fields.join(',')}\r\n`).join(''));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
  }
}

/** Direction in which a monitored value improves; Keras derives it from the metric's name. */
export type Mode = 'min' | 'max';

/** Keras's `mode='auto'` for the names that the trainers monitor: accuracy grows, everything else falls. */
export function modeOf(monitor: string): Mode {
  return monitor.endsWith('acc') ? 'max' : 'min';
}

/** Whether the value is strictly better than the best so far. NaN never is. */
export function improves(value: number, best: number, mode: Mode): boolean {
  return mode === 'max' ? value > best : value < best;
}

/** The start value: every finite number is better. */
export function worstOf(mode: Mode): number {
  return mode === 'max' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

/** Twin of `keras.callbacks.ModelCheckpoint` with `save_weights_only=True, verbose=1`. */
export class ModelCheckpoint implements Callback {
  readonly monitor: string;
  readonly mode: Mode;
  readonly #pathOf: (epoch: number) => string;
  readonly #bestOnly: boolean;
  /** Best monitored value so far. A resumed run sets it. */
  best: number;

  /** @param pathOf gives the file of an epoch; epochs count from 1, as in Keras's file name patterns. */
  constructor(options: { pathOf: (epoch: number) => string; monitor: string; saveBestOnly: boolean }) {
    this.monitor = options.monitor;
    this.mode = modeOf(options.monitor);
    this.best = worstOf(this.mode);
    this.#pathOf = options.pathOf;
    this.#bestOnly = options.saveBestOnly;
  }

  async onEpochEnd(epoch: number, logs: Logs, training: Training): Promise<void> {
    const path = this.#pathOf(epoch + 1);
    if (!this.#bestOnly) {
      training.say(`Epoch ${epoch + 1}: saving weights to ${path}`);
      return training.saveWeights(path);
    }
    const value = logs[this.monitor];
    if (value === undefined || !improves(value, this.best, this.mode)) {
      training.say(`Epoch ${epoch + 1}: ${this.monitor} did not improve from ${fixed(this.best)}`);
      return;
    }
    const before = fixed(this.best);
    training.say(
      `Epoch ${epoch + 1}: ${this.monitor} improved from ${before} to ${fixed(value)}, saving weights to ${path}`,
    );
    this.best = value;
    await training.saveWeights(path);
  }
}

/** Twin of `keras.callbacks.EarlyStopping(monitor, patience, mode)`: counts only strict improvements, and does not restore weights. */
export class EarlyStopping implements Callback {
  readonly #monitor: string;
  readonly #mode: Mode;
  readonly #patience: number;
  /** Best monitored value so far, and the epochs since. A resumed run sets them. */
  best: number;
  wait = 0;

  constructor(monitor: string, patience: number, mode: Mode = modeOf(monitor)) {
    this.#monitor = monitor;
    this.#mode = mode;
    this.#patience = patience;
    this.best = worstOf(this.#mode);
  }

  async onEpochEnd(epoch: number, logs: Logs, training: Training): Promise<void> {
    const value = logs[this.#monitor];
    if (value === undefined) return;
    this.wait++;
    if (improves(value, this.best, this.#mode)) {
      this.best = value;
      this.wait = 0;
      return;
    }
    // Keras never stops in the first epoch, whatever the patience.
    if (this.wait >= this.#patience && epoch > 0) {
      training.say(`Epoch ${epoch + 1}: early stopping`);
      training.stop();
    }
  }
}

/** Settings of `ReduceLROnPlateau`. */
export interface ReduceLROnPlateauOptions {
  readonly monitor: string;
  /** What the learning rate is multiplied by. */
  readonly factor: number;
  /** Epochs without an improvement after which that happens. */
  readonly patience: number;
  /** Learning rate at the start. */
  readonly learningRate: number;
  /** Rounds the learning rate to the type of the optimiser's variable. Default: float32. */
  readonly round?: (rate: number) => number;
}

/**
 * Twin of `keras.callbacks.ReduceLROnPlateau(monitor, factor, patience)`: lowers the learning rate if the monitored value does not improve by more than 0.0001. Adds the learning rate of the
 * epoch to its figures.
 */
export class ReduceLROnPlateau implements Callback {
  readonly #options: ReduceLROnPlateauOptions;
  readonly #mode: Mode;
  readonly #round: (rate: number) => number;
  /** Best monitored value so far, the epochs since, and the learning rate. A resumed run sets them. */
  best: number;
  wait = 0;
  rate: number;

  constructor(options: ReduceLROnPlateauOptions) {
    this.#options = options;
    this.#mode = modeOf(options.monitor);
    this.#round = options.round ?? Math.fround;
    this.best = worstOf(this.#mode);
    this.rate = this.#round(options.learningRate);
  }

  async onEpochEnd(epoch: number, logs: Logs, training: Training): Promise<void> {
    const { monitor, factor, patience } = this.#options;
    logs.learning_rate = this.rate;
    const value = logs[monitor];
    if (value === undefined) return;
    const least = 1e-4;
    if (improves(value, this.#mode === 'max' ? this.best + least : this.best - least, this.#mode)) {
      this.best = value;
      this.wait = 0;
      return;
    }
    this.wait++;
    if (this.wait < patience || this.rate <= 0) return;
    this.rate = this.#round(this.rate * factor);
    this.wait = 0;
    training.say(`Epoch ${epoch + 1}: ${monitor} did not improve, learning rate reduced to ${floatRepr(this.rate)}`);
  }
}

/** Five decimals, as Python's `.5f`. */
function fixed(value: number): string {
  return Number.isFinite(value) ? value.toFixed(5) : floatRepr(value);
}

function byCodePoint(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
