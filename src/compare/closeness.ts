import { bytesOf, type DType, itemSize, type NdArray, sizeOf } from '../lib/numpy/ndarray.ts';

/** The element of a comparison that differs most. */
export interface Worst {
  /** Which array, if the row compares several. */
  readonly array: string;
  readonly index: readonly number[];
  readonly port: string;
  readonly original: string;
  /** Distance in units in the last place (ulps). Only between finite floats of the same type. */
  readonly ulps?: number;
}

/**
 * What a row can prove, strongest first. `bits`: equal to the last bit. `same graph`: the port's own graph, run in both languages, equal to
 * the last bit. `float64` and `float32`: the same mathematics within a limit. `outcome`: the same distribution where single values cannot
 * be equal, such as scores of whole trainings over seeds.
 */
export const rungNames = ['bits', 'same graph', 'float64', 'float32', 'outcome'] as const;
export type Rung = (typeof rungNames)[number];

/** How much a floating-point row may differ, and why. */
export interface Tolerance {
  /** What a row with this limit proves. */
  readonly rung: Rung;
  /** Largest allowed difference, relative to the original's array. */
  readonly limit: number;
  /**
   * `max` (default): the largest difference over the largest magnitude. `l2`: the Euclidean length of the difference over that of the
   * array.
   */
  readonly norm?: 'max' | 'l2';
  /**
   * Smallest scale of an array, as a share of the row's largest one. Arrays that are zero in exact arithmetic, such as the gradient of
   * attention's key biases, hold nothing but rounding error, which is as large as that of their neighbours.
   */
  readonly floor?: number;
  /** Measured distance of the original from itself, from which the limit derives: `limit <= 10 * noise`. */
  readonly noise: number;
  /** What the noise is and how it was measured. */
  readonly reason: string;
  /** Whether NaN and infinities pass where both sides have the same one. */
  readonly allowNonFinite?: boolean;
}

/** Where the two sides diverge: the first step that differs although both sides give it the same inputs. */
export interface FirstDifference {
  /** A layer by its path, a stage of preparation, or a random draw by its number. */
  readonly what: string;
  /** The steps before it, in order; they agree. */
  readonly agreeing: readonly string[];
  readonly worst?: Worst;
  /** Source line of the step on each side, such as `transplant/modules/resnet1d.py:57 (Conv1D)`. */
  readonly port?: string;
  readonly original?: string;
}

/** One line of a verdict. */
export interface Row {
  readonly suite: string;
  readonly name: string;
  readonly rung: Rung;
  readonly passed: boolean;
  /** Number of single values compared. */
  readonly values: number;
  /** Largest difference: number of elements with different bits for exact rows, else as `closely` measures it. */
  readonly difference: number;
  /** Largest allowed difference; 0 for exact rows. */
  readonly limit: number;
  readonly kind: 'exact' | 'close';
  /** Measured noise from which the limit derives, and what it is. Absent for exact rows. */
  readonly noise?: number;
  readonly reason?: string;
  readonly worst?: Worst;
  /** Where the sides diverge, for a failed row, if it could be found. */
  readonly first?: FirstDifference;
  /** Why the row failed before any value was compared (shape, dtype, count, NaN), or another remark. */
  readonly note?: string;
}

/** Two arrays that should be equal, and their name in the report. */
export interface Pair {
  readonly name: string;
  readonly port: NdArray;
  readonly original: NdArray;
}

/** Arrays of both sides under their names, in one order. */
export function pairUp(names: readonly string[], port: readonly NdArray[], original: readonly NdArray[]): Pair[] {
  return names.map((name, i) => ({ name, port: port[i], original: original[i] }));
}

/** Passes if every bit is equal, and shape, dtype and order too. Comparing nothing fails. */
export function exactly(suite: string, name: string, pairs: readonly Pair[], rung: Rung = 'bits'): Row {
  return compare(pairs, { suite, name, rung, limit: 0, kind: 'exact' }, (pair) => {
    const [port, original] = [bytesOf(pair.port), bytesOf(pair.original)];
    if (Buffer.compare(port, original) === 0) return { difference: 0 };
    const size = itemSize[pair.port.dtype];
    let different = 0;
    let first = -1;
    for (let element = 0; element * size < port.length; element++) {
      for (let byte = element * size; byte < (element + 1) * size; byte++) {
        if (port[byte] === original[byte]) continue;
        different++;
        if (first < 0) first = element;
        break;
      }
    }
    return { difference: different, element: first };
  });
}

/**
 * Passes if every array is within `tolerance.limit` of the original's. The difference is that of the worst element over the largest
 * magnitude of the original's array or, for the norm `l2`, the Euclidean length of the difference over that of the original's array. NaN
 * and infinities fail, unless both sides have the same one at the same position and the tolerance allows it.
 */
export function closely(suite: string, name: string, pairs: readonly Pair[], tolerance: Tolerance): Row {
  const { rung, limit, noise, reason } = tolerance;
  const smallest = smallestScale(pairs, tolerance);
  return compare(pairs, { suite, name, rung, limit, kind: 'close', noise, reason }, (pair) =>
    distanceOf(pair, tolerance, smallest),
  );
}

/** The difference of each array, as `closely` measures it; NaN where shapes or types differ. */
export function differences(pairs: readonly Pair[], tolerance: Tolerance): { name: string; difference: number }[] {
  const smallest = smallestScale(pairs, tolerance);
  return pairs.map((pair) => {
    const { name, port, original } = pair;
    const comparable = port.dtype === original.dtype && port.shape.join() === original.shape.join();
    return { name, difference: comparable ? distanceOf(pair, tolerance, smallest).difference : Number.NaN };
  });
}

/** Smallest scale by which a difference is divided, from the tolerance's floor. */
function smallestScale(pairs: readonly Pair[], { floor = 0, norm }: Tolerance): number {
  if (floor === 0) return 0;
  return floor * Math.max(0, ...pairs.map(({ original }) => scaleOf(floats(original), norm)));
}

/** Largest magnitude or, for `l2`, root mean square of the finite elements. */
function scaleOf(values: Float32Array | Float64Array, norm: Tolerance['norm']): number {
  let largest = 0;
  let squares = 0;
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    largest = Math.max(largest, Math.abs(value));
    squares += value * value;
  }
  return norm === 'l2' ? Math.sqrt(squares / Math.max(1, values.length)) : largest;
}

function distanceOf(pair: Pair, { norm, allowNonFinite }: Tolerance, smallest: number): Found {
  const [port, original] = [floats(pair.port), floats(pair.original)];
  const scale = Math.max(scaleOf(original, norm), smallest) || 1;
  let worst = 0;
  let element = 0;
  let squares = 0;
  for (let i = 0; i < port.length; i++) {
    const finite = Number.isFinite(port[i]) && Number.isFinite(original[i]);
    const difference = finite
      ? Math.abs(port[i] - original[i])
      : allowNonFinite && Object.is(port[i], original[i])
        ? 0
        : Number.POSITIVE_INFINITY;
    squares += difference * difference;
    if (difference > worst) [worst, element] = [difference, i];
  }
  const difference = norm === 'l2' ? Math.sqrt(squares / Math.max(1, port.length)) : worst;
  return { difference: difference / scale, element };
}

/** Two texts, byte for byte. The difference is the number of lines that differ. */
export function sameText(suite: string, name: string, port: string, original: string): Row {
  const values = original.length;
  if (port === original && values > 0) {
    return { suite, name, rung: 'bits', passed: true, values, difference: 0, limit: 0, kind: 'exact' };
  }
  const [ours, theirs] = [port.split('\n'), original.split('\n')];
  const lines = Array.from({ length: Math.max(ours.length, theirs.length) }, (_, line) => line);
  const different = lines.filter((line) => ours[line] !== theirs[line]);
  const [line] = different;
  return {
    suite,
    name,
    rung: 'bits',
    passed: false,
    values,
    difference: different.length,
    limit: 0,
    kind: 'exact',
    note: values === 0 ? 'nothing to compare' : `line ${line + 1} differs`,
    worst: {
      array: 'text',
      index: [line],
      port: JSON.stringify(ours[line] ?? null),
      original: JSON.stringify(theirs[line] ?? null),
    },
  };
}

/** Numbers as an array, for rows that compare scalars. */
export function vector(values: readonly number[], dtype: 'float32' | 'float64' = 'float64'): NdArray {
  const data = dtype === 'float32' ? Float32Array.from(values) : Float64Array.from(values);
  return { dtype, shape: [values.length], data };
}

interface Found {
  readonly difference: number;
  readonly element?: number;
}

function compare(
  pairs: readonly Pair[],
  about: Omit<Row, 'passed' | 'values' | 'difference' | 'worst' | 'note'>,
  measure: (pair: Pair) => Found,
): Row {
  const failed = (note: string): Row => ({
    ...about,
    passed: false,
    values: 0,
    difference: Number.POSITIVE_INFINITY,
    note,
  });
  let values = 0;
  let difference = 0;
  let worst: Worst | undefined;
  for (const pair of pairs) {
    const { port, original } = pair;
    if (port.dtype !== original.dtype) {
      return failed(`${pair.name}: dtype ${port.dtype} in the port, ${original.dtype} in the original`);
    }
    if (port.shape.join() !== original.shape.join()) {
      return failed(`${pair.name}: shape (${port.shape}) in the port, (${original.shape}) in the original`);
    }
    values += sizeOf(port.shape);
    const found = measure(pair);
    if (!(found.difference <= difference) || (found.difference > 0 && !worst)) {
      difference = found.difference;
      worst = describe(pair, found.element ?? 0);
    }
  }
  if (values === 0) return failed('nothing to compare');
  return { ...about, passed: difference <= about.limit, values, difference, worst };
}

function describe({ name, port, original }: Pair, element: number): Worst {
  const index: number[] = [];
  let rest = element;
  for (const extent of [...port.shape].reverse()) {
    index.unshift(rest % extent);
    rest = Math.floor(rest / extent);
  }
  const ulps = ulpDistance(port, original, element);
  return {
    array: name,
    index,
    port: String(port.data[element]),
    original: String(original.data[element]),
    ...(ulps === undefined ? {} : { ulps }),
  };
}

function floats(array: NdArray<DType>): Float32Array | Float64Array {
  if (array.dtype === 'float32' || array.dtype === 'float64') return array.data as Float32Array | Float64Array;
  throw new TypeError(`${array.dtype} arrays are compared exactly`);
}

function ulpDistance(port: NdArray, original: NdArray, element: number): number | undefined {
  const [a, b] = [Number(port.data[element]), Number(original.data[element])];
  if (!Number.isFinite(a) || !Number.isFinite(b)) return undefined;
  if (port.dtype === 'float32') return Math.abs(ordered32(a) - ordered32(b));
  if (port.dtype !== 'float64') return undefined;
  const distance = ordered64(a) - ordered64(b);
  return Number(distance < 0n ? -distance : distance);
}

// Integers in the same order as the floats; neighbouring floats differ by one.
function ordered32(value: number): number {
  const bits = new Int32Array(Float32Array.of(value).buffer)[0];
  return bits < 0 ? -(bits & 0x7fffffff) : bits;
}

function ordered64(value: number): bigint {
  const bits = new BigInt64Array(Float64Array.of(value).buffer)[0];
  return bits < 0n ? -(bits & 0x7fffffffffffffffn) : bits;
}
