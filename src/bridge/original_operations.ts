import type { NdArray } from '../lib/numpy/ndarray.ts';
import type { PythonSession } from './session.ts';
import type { Transfer } from './transfer.ts';
import type { Wire } from './wire.ts';

/** A call of one operation. */
export interface OperationCall {
  /** Name in `ecg_probe/operations.py`. */
  readonly operation: string;
  readonly options: { readonly [option: string]: Wire };
  readonly inputs: readonly NdArray[];
  /** How many of the inputs, from the first on, gradients are asked for. */
  readonly watched: number;
}

/** What TensorFlow computes for a call. */
export interface OperationResult {
  readonly result: NdArray;
  /** A weight for each element of the result, where gradients were asked for. */
  readonly weights?: NdArray;
  /** Gradients of the weighted sum of the result by the watched inputs. */
  readonly gradients: readonly NdArray[];
}

/** Single operations of networks in Python's TensorFlow, with the gradients of `tf.GradientTape`. */
export class OriginalOperations {
  readonly #session: PythonSession;
  readonly #transfer: Transfer;

  constructor(session: PythonSession, transfer: Transfer) {
    this.#session = session;
    this.#transfer = transfer;
  }

  /** Calls operations, one by one. */
  async apply(calls: readonly OperationCall[]): Promise<OperationResult[]> {
    const folder = this.#transfer.folder();
    const found = await this.#transfer.lend(
      calls.flatMap(({ inputs }) => inputs),
      (names) => {
        let next = 0;
        const sent = calls.map(({ operation, options, inputs, watched }) => {
          const from = next;
          next += inputs.length;
          return { operation, options, inputs: names.slice(from, next), watched };
        });
        return this.#session.call<string[][]>('operations.apply', { folder, calls: sent });
      },
    );
    return found.map((files) => {
      const [result, weights, ...gradients] = this.#transfer.takeAll(files) as [NdArray, ...NdArray[]];
      return { result, weights, gradients };
    });
  }
}
