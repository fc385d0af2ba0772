import { astype, squeeze, toFloat64 } from '../../lib/numpy/convert.ts';
import { fromFloat16, toFloat16 } from '../../lib/numpy/float16.ts';
import { allocate, type DType, type NdArray, ndarray, sizeOf, zeros } from '../../lib/numpy/ndarray.ts';
import { pairwiseSum, pairwiseSumFloat32, sum } from '../../lib/numpy/sum.ts';
import { ValueError } from '../../lib/python/errors.ts';
import { dump, type LoadOptions, load } from '../../lib/python/pickle.ts';
import { padRow } from './utils/padding.ts';

export {
  createPredictionsFrame,
  type PredictionColumns,
  type Predictions,
  readPredictions,
} from './utils/predictions.ts';

/**
 * Pads or cuts sequences to one length. Twin of `transplant.utils.pad_sequences`.
 *
 * @param x sequences of shapes (length, …); dtype and trailing shape of the first one count for all.
 * @param maxLen length of the result; the longest sequence by default.
 * @param padding `pre`: zeros in front, over-long sequences lose their beginning; `post`: zeros behind, they lose their end.
 * @returns array (x.length, maxLen, …).
 * @throws ValueError for no sequences, another `padding`, or a sequence that does not fit; TypeError for a single number.
 */
export function padSequences(x: readonly NdArray[], maxLen?: number, padding: 'pre' | 'post' = 'pre'): NdArray {
  const first = x[0];
  if (!first) throw new ValueError('there are no sequences to pad');
  // Python looks at the lengths of all sequences only where it needs the longest.
  if (maxLen === undefined) x.forEach(refuseScalar);
  const length = maxLen ?? x.reduce((longest, { shape }) => Math.max(longest, shape[0]), 0);
  const trailing = first.shape.slice(1);
  const item = sizeOf(trailing);
  const padded = zeros(first.dtype, [x.length, length, ...trailing]);
  x.forEach((sequence, row) => {
    refuseScalar(sequence, row);
    if (sequence.shape.slice(1).join() !== trailing.join()) {
      throw new ValueError(
        `sequence ${row} has shape (${sequence.shape.join(', ')}); expected (length, ${trailing.join(', ')})`,
      );
    }
    const own = sequence.shape[0];
    const kept = Math.min(length, own);
    if (padding !== 'pre' && padding !== 'post')
      throw new ValueError(`padding must be 'pre' or 'post', got ${padding}`);
    // Quirk Q1: in Python "the last 0" means "everything", so an empty part raises unless everything happens to fit.
    if (kept === 0 && padding === 'pre' && own !== length && own !== 1) {
      throw new ValueError(`sequence ${row} of length ${own} cannot be padded to ${length}`);
    }
    const source = sequence.dtype === first.dtype ? sequence : astype(sequence, first.dtype);
    padRow(source.data, padded.data.subarray(row * length * item, (row + 1) * length * item), padding);
  });
  return padded;
}

function refuseScalar({ shape }: NdArray, row: number): void {
  if (shape.length === 0) throw new TypeError(`sequence ${row} is a single number`);
}

/** Shape and dtype that an array should have. Twin of `tf.TensorSpec`; null is an extent that is not known. */
export interface TensorSpec {
  readonly shape: readonly (number | null)[];
  readonly dtype: DType;
}

/** Specification of nested data. */
export type Spec = TensorSpec | readonly Spec[] | ReadonlyMap<string, Spec>;

/** Nested data: arrays, or what else has a shape and a dtype. */
export type Nested = TensorSpec | readonly Nested[] | ReadonlyMap<string, Nested>;

/**
 * Tells whether nested arrays have the shapes and dtypes of a specification; the first axis does not count with `ignoreBatchDim`. Twin of
 * `transplant.utils.matches_spec`. Quirk Q5: of a map only the first entry is compared; an empty one gives undefined.
 *
 * @throws ValueError where the nesting differs.
 */
export function matchesSpec(o: Nested, spec: Spec, ignoreBatchDim = false): boolean | undefined {
  if (isList(spec)) {
    if (!isList(o)) throw new ValueError(`expected a list of ${spec.length}, got ${kindOf(o)}`);
    if (o.length !== spec.length) throw new ValueError(`expected ${spec.length} elements, got ${o.length}`);
    return o.every((part, i) => matchesSpec(part, spec[i], ignoreBatchDim));
  }
  if (spec instanceof Map) {
    const keys = [...spec.keys()].sort().join(', ');
    if (!(o instanceof Map)) throw new ValueError(`expected a map with the keys ${keys}, got ${kindOf(o)}`);
    const own = [...o.keys()].sort().join(', ');
    if (own !== keys) throw new ValueError(`expected a map with the keys ${keys}, got ${own}`);
    for (const [key, part] of spec) return matchesSpec(o.get(key)!, part, ignoreBatchDim);
    return undefined;
  }
  if (isList(o) || o instanceof Map) throw new ValueError(`expected an array, got ${kindOf(o)}`);
  const axis = ignoreBatchDim ? 1 : 0;
  const [wanted, got] = [(spec as TensorSpec).shape.slice(axis), (o as TensorSpec).shape.slice(axis)];
  const sameShape = wanted.length === got.length && wanted.every((extent, i) => extent === got[i]);
  return sameShape && (spec as TensorSpec).dtype === (o as TensorSpec).dtype;
}

/**
 * Mean and population standard deviation over all elements of several arrays. Twin of `transplant.utils.running_mean_std`.
 *
 * @param dtype of the sums; by default each array is summed in its own dtype, and the arrays in float64. Quirk Q6: squares are formed in the
 * array's dtype, so those of small integers and float16 can overflow.
 * @returns `[mean, std]`, NaN for no elements.
 * @throws ValueError if rounding made the variance negative.
 */
export function runningMeanStd(arrays: Iterable<NdArray>, dtype?: 'float32' | 'float64'): [mean: number, std: number] {
  const round = dtype === 'float32' ? Math.fround : (value: number): number => value;
  let total = 0;
  let totalOfSquares = 0;
  let count = 0;
  for (const x of arrays) {
    total = round(total + sum(x, dtype));
    totalOfSquares = round(totalOfSquares + sum(square(x), dtype));
    count += x.data.length;
  }
  const mean = total / count;
  const variance = totalOfSquares / count - mean ** 2;
  if (variance < 0)
    throw new ValueError(`the variance is ${variance}: the numbers are too large for the precision of their sums`);
  return [mean, Math.sqrt(variance)];
}

/**
 * Yields the last `bufferSize` items, as a new list for each further item once the first list is full; a shorter source gives one short list. Twin of
 * `transplant.utils.buffered_generator`. Quirk Q7: an array is started over after the first list; with 0 the first list is the whole source.
 */
export function* bufferedGenerator<T>(source: Iterable<T>, bufferSize: number): Generator<T[], void, undefined> {
  // Not for…of: leaving it early would end a generator.
  let buffer: T[] = [];
  const first = source[Symbol.iterator]();
  for (let step = first.next(); !step.done; step = first.next()) {
    buffer.push(step.value);
    if (buffer.length === bufferSize) break;
  }
  yield buffer;
  const rest = source[Symbol.iterator]();
  for (let step = rest.next(); !step.done; step = rest.next()) {
    buffer = [...buffer.slice(1), step.value];
    yield buffer;
  }
}

/**
 * The object pickled in a file; `compress` (gzip) is recognised if not given. Twin of `transplant.utils.load_pkl`; dicts come back as `Map`.
 *
 * @throws FileNotFoundError, or InputError naming the place; see `lib/python/pickle.ts`.
 */
export function loadPkl(file: string, options: LoadOptions = {}): Promise<unknown> {
  return load(file, options);
}

/** Pickles the values as a dict (protocol 4), by default through gzip. Twin of `transplant.utils.save_pkl(file, **values)`. */
export function savePkl(
  file: string,
  values: Readonly<Record<string, unknown>>,
  options: { compress?: boolean } = {},
): Promise<void> {
  return dump(file, values, options);
}

/**
 * Tells whether labels are multi-label: (samples, classes) with a row that does not sum to 1. Twin of `transplant.utils.is_multiclass`. Quirk Q8: a single
 * row without labels gives true.
 */
export function isMulticlass(labels: NdArray): boolean {
  if (squeeze(labels).shape.length !== 2) return false;
  const [rows, columns, ...rest] = labels.shape as [number, number, ...number[]];
  const inner = sizeOf(rest);
  const values = toFloat64(labels);
  const add = labels.dtype === 'float32' || labels.dtype === 'float16' ? pairwiseSumFloat32 : pairwiseSum;
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < inner; i++) {
      const line = Array.from({ length: columns }, (_, column) => values[(row * columns + column) * inner + i]);
      if (add(line) !== 1) return true;
    }
  }
  return false;
}

/** `x ** 2` in the dtype of `x`, as NumPy has it: integers wrap around, booleans become int8. */
function square(x: NdArray): NdArray {
  if (x.dtype === 'bool') return ndarray('int8', x.shape, Int8Array.from(x.data as Uint8Array));
  const squares = allocate(x.dtype, x.data.length) as { [index: number]: number | bigint };
  if (x.dtype === 'float16') {
    (x.data as Uint16Array).forEach((bits, i) => {
      squares[i] = toFloat16(Math.fround(fromFloat16(bits) ** 2));
    });
  } else if (x.dtype === 'int32' || x.dtype === 'uint32') {
    (x.data as Int32Array).forEach((value, i) => {
      squares[i] = Math.imul(value, value);
    });
  } else {
    (x.data as Float64Array).forEach((value, i) => {
      squares[i] = value * value;
    });
  }
  return ndarray(x.dtype, x.shape, squares as unknown as NdArray['data']);
}

function isList(value: unknown): value is readonly never[] {
  return Array.isArray(value);
}

function kindOf(value: unknown): string {
  return Array.isArray(value) ? `a list of ${value.length}` : value instanceof Map ? 'a map' : 'an array';
}
