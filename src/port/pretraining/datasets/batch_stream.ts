import type { Worker } from 'node:worker_threads';
import { random as globalRandom, type MT19937State, type RandomState } from '../../../lib/numpy/random.ts';
import { ValueError } from '../../../lib/python/errors.ts';
import { startWorker, unpackError } from '../../../lib/worker.ts';
import type { WorkerMessage, WorkerTask } from './batch_messages.ts';
import type { FrameBatch } from './batches.ts';
import { drawBatches, type StreamSpec } from './generators.ts';

export interface StreamOptions {
  /** Source of the draws; default NumPy's global one. */
  readonly random?: RandomState;
  readonly readAhead?: number;
}

/**
 * Batches of a pretraining task, which a thread reads ahead.
 *
 * Reading ahead does not change the draws (unlike Quirk Q46). The thread has a copy of the random state, and each batch that is handed out sets
 * `random` to the state after it. Unless `readAhead` is 0, nothing else may draw from `random` while the stream is open.
 *
 * Iterate with `for await`, which closes it, or call `next` and then `close`.
 */
export class BatchStream implements AsyncIterableIterator<FrameBatch> {
  readonly spec: StreamSpec;
  readonly #random: RandomState;
  readonly #readAhead: number;
  #source: Generator<FrameBatch> | undefined;
  #worker: Worker | undefined;
  #expected: MT19937State | undefined;
  #arrived: WorkerMessage[] = [];
  #waiting: ((message: WorkerMessage) => void) | undefined;
  #closed = false;

  constructor(spec: StreamSpec, { random = globalRandom, readAhead = 4 }: StreamOptions = {}) {
    if (!(Number.isInteger(readAhead) && readAhead >= 0)) {
      throw new ValueError(`readAhead must be a whole number of at least 0; got ${readAhead}`);
    }
    this.spec = spec;
    this.#random = random;
    this.#readAhead = readAhead;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The next batch. Throws what the generators throw: FileNotFoundError, InputError, ValueError, … */
  async next(): Promise<IteratorResult<FrameBatch, undefined>> {
    if (this.#closed) return { done: true, value: undefined };
    if (this.#readAhead === 0) {
      this.#source ??= drawBatches(this.spec, this.#random);
      const { done, value } = this.#source.next();
      return done ? { done: true, value: undefined } : { done: false, value };
    }
    if (this.#waiting)
      throw new ValueError('next() was called again before the last batch arrived: ask for one batch at a time');
    this.#checkDraws();
    this.#worker ??= this.#start();
    const message = this.#arrived.shift() ?? (await this.#arrival());
    if (message.kind === 'error') {
      await this.close();
      throw unpackError(message.error);
    }
    if (this.#closed) return { done: true, value: undefined };
    this.#expected = message.state;
    this.#random.setState(message.state);
    if (message.kind === 'end') {
      await this.close();
      return { done: true, value: undefined };
    }
    this.#worker?.postMessage('more');
    return { done: false, value: message.batch };
  }

  /** Ends the stream and its thread. The random state stays as it was after the last batch. */
  async close(): Promise<void> {
    this.#closed = true;
    const worker = this.#worker;
    this.#worker = undefined;
    this.#arrived = [];
    this.#source?.return(undefined);
    this.#waiting?.({ kind: 'end', state: this.#random.getState() });
    await worker?.terminate();
  }

  async return(): Promise<IteratorResult<FrameBatch, undefined>> {
    await this.close();
    return { done: true, value: undefined };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #checkDraws(): void {
    if (!this.#expected) return;
    const { key, position } = this.#random.getState();
    const same = position === this.#expected.position && key.every((word, k) => word === this.#expected!.key[k]);
    if (!same) {
      throw new ValueError(
        'something else drew from the random state of a stream that reads ahead: give the stream a RandomState of its own, or set readAhead to 0',
      );
    }
  }

  #start(): Worker {
    this.#expected = this.#random.getState();
    const task: WorkerTask = { spec: this.spec, state: this.#expected, readAhead: this.#readAhead };
    const worker = startWorker(new URL('./batch_worker.ts', import.meta.url), task);
    worker.on('message', (message: WorkerMessage) => this.#receive(message));
    worker.on('error', (error) =>
      this.#receive({ kind: 'error', error: { name: error.name, message: error.message } }),
    );
    worker.on('exit', (code) => {
      if (this.#worker !== worker) return;
      const message = `the thread that reads ahead ended with ${code}`;
      this.#receive({ kind: 'error', error: { name: 'Error', message } });
    });
    worker.unref();
    return worker;
  }

  #receive(message: WorkerMessage): void {
    if (this.#waiting) this.#waiting(message);
    else this.#arrived.push(message);
  }

  /** The next message. Only waiting for one keeps the process alive. */
  #arrival(): Promise<WorkerMessage> {
    const worker = this.#worker!;
    worker.ref();
    return new Promise((resolve) => {
      this.#waiting = (message) => {
        this.#waiting = undefined;
        worker.unref();
        resolve(message);
      };
    });
  }
}
