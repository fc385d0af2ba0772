import { setImmediate } from 'node:timers/promises';
import { type Reporter, silent } from '../events.ts';
import type { Batch } from '../graph/fit.ts';
import type { Session } from '../graph/session.ts';
import { type NdArray, ndarray } from '../lib/numpy/ndarray.ts';
import { RandomState } from '../lib/numpy/random.ts';
import type { Rows } from '../lib/numpy/rows.ts';
import { ValueError } from '../lib/python/errors.ts';
import { JobPaused } from './job.ts';

/** Records of a model's inputs, by input name. */
export type InputRows = Readonly<Record<string, Rows>>;

/** Records to learn from, with their labels. */
export interface Samples {
  readonly x: InputRows;
  readonly y: Rows;
  /** Weights of the losses; see `Batch.sampleWeight`. */
  readonly weights?: Rows;
}

/** Batches in the given order, or in that of the records, without the first `skip` ones. The last batch may be short. */
export function* batchesOf(
  { x, y, weights }: Samples,
  batchSize: number,
  {
    order,
    skip = 0,
    change,
  }: {
    readonly order?: ArrayLike<number>;
    readonly skip?: number;
    /** Changes recordings of a batch; gets their numbers. */
    readonly change?: (x: NdArray, numbers: readonly number[]) => NdArray;
  } = {},
): Generator<Batch> {
  for (const numbers of divided(y.shape[0], batchSize, order, skip)) {
    const taken = take(x, numbers);
    const inputs = change ? mapped(taken, (array) => change(array, numbers)) : taken;
    yield { x: inputs, y: y.take(numbers), ...(weights && { sampleWeight: weights.take(numbers) }) };
  }
}

/** The order of `count` samples in each epoch, drawn from one generator. Ask for epochs in ascending order. */
export function permutations(seed: number, count: number): (epoch: number) => ArrayLike<number> {
  const draws = new RandomState(seed);
  let order: ArrayLike<number> = [];
  let drawn = 0;
  return (epoch) => {
    for (; drawn <= epoch; drawn++) order = draws.permutation(count);
    return order;
  };
}

/** How records are predicted. */
export interface PredictOptions {
  readonly batchSize: number;
  /** What is predicted, for the progress bar and errors. */
  readonly name: string;
  /** What a record is called; default "records". */
  readonly unit?: string;
  readonly report?: Reporter;
  /** Stops the prediction after the batch in progress. */
  readonly signal?: AbortSignal;
}

/**
 * Outputs for all records in their order, `(records, outputs)` float32. Timers and signals get their turn between batches. Twin of
 * `keras.Model.predict`.
 *
 * @throws ValueError if there are no records; JobPaused after `signal`.
 */
export async function predictAll(
  session: Session,
  x: InputRows,
  { batchSize, name, unit = 'records', report = silent, signal }: PredictOptions,
): Promise<NdArray<'float32'>> {
  const records = Object.values(x)[0].shape[0];
  if (records === 0) throw new ValueError(`${name}: there are no ${unit} to predict`);
  const task = `Predicting ${name}`;
  report({ kind: 'start', task, total: records, unit });
  let outputs = new Float32Array();
  let done = 0;
  for (const numbers of divided(records, batchSize)) {
    const { shape, data } = session.predict(take(x, numbers));
    if (done === 0) outputs = new Float32Array(records * shape[1]);
    outputs.set(data as Float32Array, done * shape[1]);
    done += numbers.length;
    report({ kind: 'progress', task, done });
    await setImmediate();
    if (signal?.aborted) throw new JobPaused();
  }
  report({ kind: 'end', task });
  return ndarray('float32', [records, outputs.length / records], outputs);
}

/** Numbers of the records of each batch. */
function* divided(records: number, batchSize: number, order?: ArrayLike<number>, skip = 0): Generator<number[]> {
  const numbers = order ?? Array.from({ length: records }, (_, i) => i);
  for (let start = skip * batchSize; start < records; start += batchSize) {
    yield Array.prototype.slice.call(numbers, start, start + batchSize);
  }
}

function mapped(
  inputs: Readonly<Record<string, NdArray>>,
  change: (array: NdArray) => NdArray,
): Record<string, NdArray> {
  return Object.fromEntries(Object.entries(inputs).map(([name, array]) => [name, change(array)]));
}

function take(x: InputRows, numbers: readonly number[]): Record<string, NdArray> {
  return Object.fromEntries(Object.entries(x).map(([name, rows]) => [name, rows.take(numbers)]));
}
