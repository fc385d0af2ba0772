import type { NdArray } from '../lib/numpy/ndarray.ts';
import type { PythonSession } from './session.ts';
import type { Transfer } from './transfer.ts';
import type { Wire } from './wire.ts';

/** A call of a function of `transplant.evaluation` on truth and scores (or decisions). */
export interface MetricCall {
  readonly name: 'auc' | 'f1' | 'multi_f1' | 'f_max' | 'macro_precision_recall' | 'challenge2020_metrics';
  /** Keyword arguments; numbers in lists become float64 arrays. */
  readonly options?: { readonly [key: string]: Wire };
}

/** The numbers that a call returned, in one list, or the class of the exception that it raised. */
export type MetricResult = { readonly values: readonly number[] } | { readonly error: string };

/** Logs of a training, by epoch, and what two callbacks look at. */
export type WatchedTraining = {
  readonly monitor: string;
  /** Epochs. */
  readonly patience: number;
  /** Direction of an improvement; default Keras's choice by the name. */
  readonly mode?: 'min' | 'max';
  readonly logs: readonly { readonly [name: string]: number }[];
};

/** `transplant.evaluation` of the original, and Keras's own callbacks. */
export class OriginalMetrics {
  readonly #session: PythonSession;
  readonly #transfer: Transfer;

  constructor(session: PythonSession, transfer: Transfer) {
    this.#session = session;
    this.#transfer = transfer;
  }

  /** Calls on one pair of truth and scores, in order. */
  evaluate(yTrue: NdArray, yProb: NdArray, calls: readonly MetricCall[]): Promise<MetricResult[]> {
    return this.#transfer.lend([yTrue, yProb], ([truth, scores]) =>
      this.#session.call<MetricResult[]>('metrics.evaluate', {
        truth,
        scores,
        calls: calls.map(({ name, options = {} }) => ({ name, options })),
      }),
    );
  }

  /** `f1` of a prediction CSV. */
  f1OfFile(file: string): Promise<number> {
    return this.#session.call('metrics.f1_of_file', { file });
  }

  /**
   * scikit-learn's scores when the most probable class is predicted: precision, recall, F1 and support of each class, and the confusion
   * matrix of first labels (rows) and predictions.
   */
  byClass(yTrue: NdArray, yProb: NdArray): Promise<{ scores: number[][]; confusion: number[][] }> {
    return this.#transfer.lend([yTrue, yProb], ([truth, scores]) =>
      this.#session.call('metrics.by_class', { truth, scores }),
    );
  }

  /** Threshold of each class by each rule (`f1`, `youden`, `sensitivity=S`), from scikit-learn's curves; -1 where a class has only one label. */
  chosenThresholds(yTrue: NdArray, yProb: NdArray, rules: readonly string[]): Promise<number[][]> {
    return this.#transfer.lend([yTrue, yProb], ([truth, scores]) =>
      this.#session.call('metrics.chosen_thresholds', { truth, scores, rules }),
    );
  }

  /** scikit-learn's `roc_curve` of one class: false and true positive rates. */
  async rocCurve(truth: NdArray, scores: NdArray): Promise<{ readonly x: number[]; readonly y: number[] }> {
    return this.#transfer.lend([truth, scores], ([lent, given]) =>
      this.#session.call<{ x: number[]; y: number[] }>('metrics.roc_curve', { truth: lent, scores: given }),
    );
  }

  /** `CustomCheckpoint` over epochs of scores, `(epochs, samples, classes)`. */
  customCheckpoint(
    yTrue: NdArray,
    yProb: NdArray,
    options: { readonly score_fn: 'f1' | 'multi_f1' | 'auc'; readonly save_best_only: boolean },
  ): Promise<{ saved: string[]; scores: number[]; best: number; name: string }> {
    return this.#transfer.lend([yTrue, yProb], ([truth, scores]) =>
      this.#session.call('metrics.custom_checkpoint', { truth, scores, ...options }),
    );
  }

  /**
   * Runs Keras's ModelCheckpoint (save best only) and EarlyStopping on the logs of trainings: which epochs were saved, and how many there
   * were.
   */
  kerasCallbacks(trainings: readonly WatchedTraining[]): Promise<{ saved: number[]; epochs: number }[]> {
    return this.#session.call('metrics.keras_callbacks', { trainings });
  }

  /** Epochs (from 0) whose weights the checkpoint of `python -m finetuning.trainer <argv>` saves if the training logs this. */
  keptEpochs(argv: readonly string[], logs: readonly { readonly [name: string]: number }[]): Promise<number[]> {
    return this.#session.call('metrics.kept_epochs', { argv, logs });
  }
}
