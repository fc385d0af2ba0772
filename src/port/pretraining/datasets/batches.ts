import { astype, toFloat32 } from '../../../lib/numpy/convert.ts';
import { type NdArray, ndarray, sizeOf } from '../../../lib/numpy/ndarray.ts';
import { RandomState } from '../../../lib/numpy/random.ts';
import { ValueError } from '../../../lib/python/errors.ts';

/** Input of a model: one array, or the two arrays of a contrastive task. */
export type Input<A> = A | { readonly context: A; readonly samples: A };

/** A sample of any numeric dtype and its class code. */
export type Item = readonly [x: Input<NdArray>, y: number];

/** Samples for one step. */
export interface FrameBatch {
  /** Float32, shape `(batch, …)`. */
  readonly x: Input<NdArray<'float32'>>;
  /** Int32, shape `(batch)`. */
  readonly y: NdArray<'int32'>;
}

/** How samples are shuffled before batching. */
export interface ShuffleOptions {
  /** Number of samples among which the next one is drawn. */
  readonly bufferSize: number;
  /** Seed of a random generator for these draws only; default from the operating system. */
  readonly seed?: number;
}

/** `[context, samples]` or `[x]`. */
function partsOf<A>(x: Input<A>): readonly A[] {
  const pair = x as { context?: A; samples?: A };
  return pair.context !== undefined && pair.samples !== undefined ? [pair.context, pair.samples] : [x as A];
}

function joined<A>(parts: readonly A[]): Input<A> {
  return parts.length === 1 ? parts[0]! : { context: parts[0]!, samples: parts[1]! };
}

/** Samples in random order, as `tf.data.Dataset.shuffle` does it: draws each from a buffer, and refills the buffer. */
export function* shuffled<T>(items: Iterable<T>, { bufferSize, seed }: ShuffleOptions): Generator<T> {
  if (!(Number.isInteger(bufferSize) && bufferSize > 0)) {
    throw new ValueError(`a shuffle buffer must hold at least one sample; got ${bufferSize}`);
  }
  const random = new RandomState(seed);
  const buffer: T[] = [];
  for (const item of items) {
    if (buffer.length < bufferSize) {
      buffer.push(item);
      continue;
    }
    const k = random.randint(bufferSize);
    yield buffer[k]!;
    buffer[k] = item;
  }
  random.shuffle(buffer);
  yield* buffer;
}

/** One item of each source in turn, until all have ended. */
export function* interleaved<T>(sources: readonly Iterable<T>[]): Generator<T> {
  let running = sources.map((source) => source[Symbol.iterator]());
  while (running.length > 0) {
    for (const source of running) {
      const { done, value } = source.next();
      if (done) running = running.filter((other) => other !== source);
      else yield value;
    }
  }
}

/** Inputs cast to float32, as `tf.data.Dataset.from_generator` does. */
export function* asFloat32(items: Iterable<Item>): Generator<Item> {
  for (const [x, y] of items) {
    const parts = partsOf(x).map((part) => {
      return astype(part, 'float32');
    });
    yield [joined<NdArray>(parts), y];
  }
}

/**
 * Samples as batches; the last one may be short.
 *
 * @throws ValueError if a sample's shape differs from the first one's.
 */
export function* batched(items: Iterable<Item>, batchSize: number): Generator<FrameBatch> {
  if (!(Number.isInteger(batchSize) && batchSize > 0)) {
    throw new ValueError(`a batch must hold at least one sample; got a batch size of ${batchSize}`);
  }
  let shapes: readonly (readonly number[])[] = [];
  let sizes: readonly number[] = [];
  let data: readonly Float32Array[] = [];
  let y = new Int32Array(batchSize);
  let count = 0;
  const flush = (): FrameBatch => {
    const x = shapes.map((shape, k) => ndarray('float32', [count, ...shape], data[k].subarray(0, count * sizes[k])));
    const batch = { x: joined(x), y: ndarray('int32', [count], y.subarray(0, count)) };
    count = 0;
    return batch;
  };
  for (const [x, label] of items) {
    const parts = partsOf(x);
    if (shapes.length === 0) {
      shapes = parts.map((part) => part.shape);
      sizes = shapes.map(sizeOf);
    }
    if (count === 0) {
      data = sizes.map((size) => new Float32Array(batchSize * size));
      y = new Int32Array(batchSize);
    }
    parts.forEach((part, k) => {
      if (String(part.shape) !== String(shapes[k])) {
        throw new ValueError(
          `samples of shape (${shapes[k].join(', ')}) and (${part.shape.join(', ')}) cannot make a batch`,
        );
      }
      data[k].set(toFloat32(part), count * sizes[k]);
    });
    y[count++] = label;
    if (count === batchSize) yield flush();
  }
  if (count > 0) yield flush();
}
