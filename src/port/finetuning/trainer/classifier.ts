import { setImmediate } from 'node:timers/promises';
import { type Reporter, silent } from '../../../events.ts';
import type { Batch } from '../../../graph/fit.ts';
import type { Precision } from '../../../graph/precision.ts';
import { compile, type Session } from '../../../graph/session.ts';
import { toFloat32 } from '../../../lib/numpy/convert.ts';
import { type NdArray, ndarray } from '../../../lib/numpy/ndarray.ts';
import { RandomState } from '../../../lib/numpy/random.ts';
import type { Rows } from '../../../lib/numpy/rows.ts';
import { ValueError } from '../../../lib/python/errors.ts';
import { buildNetwork } from '../../../networks/network.ts';
import type { PreparedSet } from '../datasets.ts';
import type { Arch } from '../utils.ts';

/** What decides a classifier's network. */
export interface ClassifierOptions {
  /** `resnet18` (default), `resnet34` or `resnet50`. */
  readonly arch?: string;
  /** Number formats of the computation. Default `float32`. */
  readonly precision?: Precision;
  /** Seed of the initial weights. */
  readonly initSeed?: number;
}

/** The compiled classifier for a data set, with fresh weights; dispose of it. */
export function createClassifier(
  { arch, precision, initSeed }: ClassifierOptions,
  train: { readonly x: Pick<Rows, 'shape'>; readonly classes: readonly string[] },
  multiLabel: boolean,
): Session {
  const model = buildNetwork(
    { arch: arch as Arch | undefined, head: { classes: train.classes.length } },
    { shapes: { x: train.x.shape.slice(1) }, precision, multiLabel },
  );
  return compile(model, {
    loss: multiLabel ? 'binary_crossentropy' : 'categorical_crossentropy',
    seed: initSeed ?? new RandomState().randint(2 ** 31),
  });
}

/** Batches of a data set in a given order, or as the records stand. */
export function* batchesOf(
  set: Pick<PreparedSet, 'x' | 'y'>,
  batchSize: number,
  { order, skip = 0 }: { order?: ArrayLike<number>; skip?: number } = {},
): Generator<Batch> {
  const records = set.x.shape[0];
  const labels = ndarray('float32', set.y.shape, toFloat32(set.y));
  const positions = order ?? Array.from({ length: records }, (_, i) => i);
  for (let start = skip * batchSize; start < records; start += batchSize) {
    const chosen = Array.prototype.slice.call(positions, start, start + batchSize) as number[];
    yield { x: set.x.take(chosen), y: labelsOf(labels, chosen) };
  }
}

function labelsOf(y: NdArray<'float32'>, indices: readonly number[]): NdArray {
  const [, classes] = y.shape;
  const data = new Float32Array(indices.length * classes);
  for (const [row, index] of indices.entries()) {
    data.set(y.data.subarray(index * classes, (index + 1) * classes), row * classes);
  }
  return ndarray('float32', [indices.length, classes], data);
}

/** Outputs for all records in their order, `(records, outputs)` float32. */
export function predictAll(session: Session, rows: Rows, batchSize: number, name: string, report: Reporter): NdArray {
  const batches = predicting(session, rows, batchSize, name, report);
  let step = batches.next();
  while (!step.done) step = batches.next();
  return step.value;
}

/** As `predictAll`, with time for signals between batches; undefined if `signal` came before the end. */
export async function predictUnless(
  signal: AbortSignal | undefined,
  ...task: Parameters<typeof predictAll>
): Promise<NdArray | undefined> {
  const batches = predicting(...task);
  let step = batches.next();
  while (!step.done) {
    await setImmediate();
    if (signal?.aborted) return undefined;
    step = batches.next();
  }
  return step.value;
}

function* predicting(
  session: Session,
  rows: Rows,
  batchSize: number,
  name: string,
  report: Reporter = silent,
): Generator<void, NdArray> {
  const records = rows.shape[0];
  if (records === 0) throw new ValueError(`${name}: there are no records to predict`);
  const task = `Predicting ${name}`;
  report({ kind: 'start', task, total: records, unit: 'records' });
  const parts: NdArray[] = [];
  for (let start = 0; start < records; start += batchSize) {
    const end = Math.min(records, start + batchSize);
    parts.push(session.predict(rows.take(Array.from({ length: end - start }, (_, i) => start + i))));
    report({ kind: 'progress', task, done: end });
    yield;
  }
  report({ kind: 'end', task });
  const outputs = parts[0].shape[1];
  const data = new Float32Array(records * outputs);
  let offset = 0;
  for (const part of parts) {
    data.set(part.data as Float32Array, offset);
    offset += part.data.length;
  }
  return ndarray('float32', [records, outputs], data);
}
