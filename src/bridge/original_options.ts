import type { NdArray } from '../lib/numpy/ndarray.ts';
import type { PythonSession } from './session.ts';
import type { Transfer } from './transfer.ts';

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
}
