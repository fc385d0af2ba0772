import { randomBytes } from 'node:crypto';
import { ValueError } from '../python/errors.ts';

/** State of NumPy's legacy generator, with the fields that `numpy.random.RandomState.get_state()` returns. */
export interface MT19937State {
  readonly algorithm: 'MT19937';
  /** 624 words. */
  readonly key: Uint32Array;
  /** Index of the next word of `key`, 0 to 624. */
  readonly position: number;
  /** Normal deviate that NumPy stores for its next call. Kept in the state, but never used here. */
  readonly hasGauss: number;
  readonly cachedGaussian: number;
}

/** Arrays that can be shuffled: 1-D. */
export type Shuffleable =
  | unknown[]
  | Exclude<NodeJS.TypedArray, BigInt64Array | BigUint64Array>
  | BigInt64Array
  | BigUint64Array;

/** Options of `RandomState.choice`. */
export interface ChoiceOptions {
  /** Number of draws. */
  readonly size: number;
  /** Whether an item may be drawn several times; default true. */
  readonly replace?: boolean;
  /** Probability of each item; default uniform. */
  readonly p?: ArrayLike<number>;
}

const N = 624;
const M = 397;
const UPPER = 0x80000000;
const LOWER = 0x7fffffff;

/**
 * Twin of `numpy.random.RandomState`, the generator behind `numpy.random.seed`: the same seed gives the same draws, bit for bit. Sizes are
 * one-dimensional.
 */
export class RandomState {
  #key = new Uint32Array(N);
  #position = N;
  #hasGauss = 0;
  #cachedGaussian = 0;

  /** Without a seed, the state comes from the operating system. */
  constructor(seed?: number | ArrayLike<number>) {
    this.seed(seed);
  }

  /** Restarts the generator. Throws ValueError for a seed outside 0 … 2³²−1 or an empty array. */
  seed(seed?: number | ArrayLike<number>): void {
    if (seed === undefined) {
      const entropy = randomBytes(4 * N);
      this.#seedArray(Uint32Array.from({ length: N }, (_, i) => entropy.readUInt32LE(4 * i)));
    } else if (typeof seed === 'number') {
      checkSeed(seed);
      this.#seedWord(seed);
    } else {
      if (seed.length === 0) throw new ValueError('Seed must be non-empty');
      for (let i = 0; i < seed.length; i++) checkSeed(seed[i]);
      this.#seedArray(Uint32Array.from(seed));
    }
    this.#hasGauss = 0;
    this.#cachedGaussian = 0;
  }

  /** Copy of the state, to resume from or to pass to Python (`set_state(('MT19937', key, position, has_gauss, cached_gaussian))`). */
  getState(): MT19937State {
    return {
      algorithm: 'MT19937',
      key: this.#key.slice(),
      position: this.#position,
      hasGauss: this.#hasGauss,
      cachedGaussian: this.#cachedGaussian,
    };
  }

  /** Continues from a state. Throws ValueError unless it has 624 words and a position of 0 … 624. */
  setState(state: MT19937State): void {
    const { algorithm, key, position } = state;
    if (algorithm !== 'MT19937') throw new ValueError(`algorithm must be 'MT19937'; got ${String(algorithm)}`);
    if (key.length !== N) throw new ValueError(`state key must hold ${N} words; got ${key.length}`);
    if (!Number.isInteger(position) || position < 0 || position > N) {
      throw new ValueError(`state position must be an integer of 0 to ${N}; got ${position}`);
    }
    this.#key = Uint32Array.from(key);
    this.#position = position;
    this.#hasGauss = state.hasGauss;
    this.#cachedGaussian = state.cachedGaussian;
  }

  /** Uniform numbers in [0, 1) with 53 random bits. */
  randomSample(): number;
  randomSample(size: number): Float64Array;
  randomSample(size?: number): number | Float64Array {
    if (size === undefined) return this.#double();
    const out = new Float64Array(checkSize(size));
    for (let i = 0; i < size; i++) out[i] = this.#double();
    return out;
  }

  /** Integers of `low` … `high`−1, or 0 … `low`−1 without `high`. Throws ValueError if the range is empty. */
  randint(low: number, high?: number): number;
  randint(low: number, high: number | undefined, size: number): number[];
  randint(low: number, high?: number, size?: number): number | number[] {
    const from = high === undefined ? 0 : low;
    const to = high === undefined ? low : high;
    if (!Number.isSafeInteger(from) || !Number.isSafeInteger(to) || !Number.isSafeInteger(to - from)) {
      throw new ValueError(`randint needs integers below 2^53; got ${from} and ${to}`);
    }
    if (size !== undefined) checkSize(size);
    if (from >= to && size !== 0) throw new ValueError(high === undefined ? 'high <= 0' : 'low >= high');
    if (size === undefined) return from + this.#bounded(to - from - 1);
    return Array.from({ length: size }, () => from + this.#bounded(to - from - 1));
  }

  /** Shuffles in place along the only axis. */
  shuffle(array: Shuffleable): void {
    const items = array as unknown[];
    for (let i = items.length - 1; i > 0; i--) {
      const j = this.#bounded(i);
      const kept = items[i];
      items[i] = items[j];
      items[j] = kept;
    }
  }

  /** 0 … n−1 in random order, or a shuffled copy. */
  permutation(n: number): number[];
  permutation<T extends Shuffleable>(array: T): T;
  permutation(source: number | Shuffleable): Shuffleable {
    const copy = typeof source === 'number' ? Array.from({ length: checkSize(source) }, (_, i) => i) : source.slice();
    this.shuffle(copy);
    return copy;
  }

  /** Random items of an array, or of 0 … a−1. Throws ValueError as NumPy does (bad probabilities, too few items). */
  choice(a: number): number;
  choice(a: number, options: ChoiceOptions): number[];
  choice(a: number, options: Omit<ChoiceOptions, 'size'>): number;
  choice<T>(a: ArrayLike<T>): T;
  choice<T>(a: ArrayLike<T>, options: ChoiceOptions): T[];
  choice<T>(a: ArrayLike<T>, options: Omit<ChoiceOptions, 'size'>): T;
  choice<T>(a: number | ArrayLike<T>, options: Partial<ChoiceOptions> = {}): number | T | (number | T)[] {
    const { size, replace = true, p } = options;
    const population = typeof a === 'number' ? a : a.length;
    const count = size === undefined ? 1 : checkSize(size);
    if (!Number.isSafeInteger(population)) throw new ValueError(`a must be an array or an integer; got ${population}`);
    if (population <= 0 && count !== 0) {
      throw new ValueError(
        typeof a === 'number'
          ? 'a must be greater than 0 unless no samples are taken'
          : "'a' cannot be empty unless no samples are taken",
      );
    }
    if (p) checkProbabilities(p, population);
    const found = replace
      ? this.#withReplacement(population, count, p)
      : this.#withoutReplacement(population, count, p);
    const items = typeof a === 'number' ? found : found.map((index) => a[index]!);
    return size === undefined ? items[0] : items;
  }

  #withReplacement(population: number, size: number, p?: ArrayLike<number>): number[] {
    if (!p) return size === 0 ? [] : this.randint(0, population, size);
    const cdf = cumulative(p);
    return Array.from(this.randomSample(size), (u) => searchRight(cdf, u));
  }

  #withoutReplacement(population: number, size: number, p?: ArrayLike<number>): number[] {
    if (size > population) throw new ValueError("Cannot take a larger sample than population when 'replace=False'");
    if (!p) return this.permutation(population).slice(0, size);
    const left = Float64Array.from(p);
    if (left.filter((probability) => probability > 0).length < size) {
      throw new ValueError('Fewer non-zero entries in p than size');
    }
    const found = new Set<number>();
    while (found.size < size) {
      const uniform = this.randomSample(size - found.size);
      for (const index of found) left[index] = 0;
      const cdf = cumulative(left);
      for (const u of uniform) found.add(searchRight(cdf, u));
    }
    return [...found];
  }

  /** Uniform integer of 0 … `max`; 0 draws nothing. */
  #bounded(max: number): number {
    if (max === 0) return 0;
    if (max > 0xffffffff) return this.#bounded64(BigInt(max));
    const mask = max > 0x7fffffff ? 0xffffffff : 2 ** (32 - Math.clz32(max)) - 1;
    for (;;) {
      const value = (this.#word() & mask) >>> 0;
      if (value <= max) return value;
    }
  }

  #bounded64(max: bigint): number {
    const mask = (1n << BigInt(max.toString(2).length)) - 1n;
    for (;;) {
      const high = BigInt(this.#word());
      const value = ((high << 32n) | BigInt(this.#word())) & mask;
      if (value <= max) return Number(value);
    }
  }

  #double(): number {
    const a = this.#word() >>> 5;
    const b = this.#word() >>> 6;
    return (a * 67108864 + b) / 9007199254740992;
  }

  #word(): number {
    if (this.#position === N) this.#generate();
    let y = this.#key[this.#position++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    y ^= y >>> 18;
    return y >>> 0;
  }

  #generate(): void {
    const mt = this.#key;
    for (let i = 0; i < N; i++) {
      const y = (mt[i] & UPPER) | (mt[(i + 1) % N] & LOWER);
      mt[i] = mt[(i + M) % N] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.#position = 0;
  }

  #seedWord(seed: number): void {
    const mt = this.#key;
    mt[0] = seed;
    for (let i = 1; i < N; i++) mt[i] = Math.imul(1812433253, mt[i - 1] ^ (mt[i - 1] >>> 30)) + i;
    this.#position = N;
  }

  #seedArray(seed: Uint32Array): void {
    const mt = this.#key;
    this.#seedWord(19650218);
    let i = 1;
    let j = 0;
    const next = () => {
      if (++i < N) return;
      mt[0] = mt[N - 1];
      i = 1;
    };
    for (let k = Math.max(N, seed.length); k > 0; k--) {
      mt[i] = (mt[i] ^ Math.imul(mt[i - 1] ^ (mt[i - 1] >>> 30), 1664525)) + seed[j] + j;
      next();
      if (++j >= seed.length) j = 0;
    }
    for (let k = N - 1; k > 0; k--) {
      mt[i] = (mt[i] ^ Math.imul(mt[i - 1] ^ (mt[i - 1] >>> 30), 1566083941)) - i;
      next();
    }
    mt[0] = UPPER;
  }
}

/** The process-wide generator behind `numpy.random.seed`, `numpy.random.randint` and the like, which the original uses. */
export const random: RandomState = new RandomState();

function checkSeed(seed: number): void {
  if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff) {
    throw new ValueError(`Seed must be an integer between 0 and 2**32 - 1; got ${seed}`);
  }
}

function checkSize(size: number): number {
  if (!Number.isSafeInteger(size) || size < 0)
    throw new ValueError(`a size must be an integer of 0 or more; got ${size}`);
  return size;
}

/** NumPy's tolerance: the square root of float64's machine epsilon (of float32's for a float32 array). */
function checkProbabilities(p: ArrayLike<number>, population: number): void {
  if (p.length !== population)
    throw new ValueError(`'a' and 'p' must have same size; got ${population} and ${p.length}`);
  let sum = p[0] ?? 0;
  let compensation = 0;
  for (let i = 1; i < p.length; i++) {
    const y = p[i] - compensation;
    const next = sum + y;
    compensation = next - sum - y;
    sum = next;
  }
  if (Number.isNaN(sum)) throw new ValueError('probabilities contain NaN');
  for (let i = 0; i < p.length; i++) if (p[i] < 0) throw new ValueError('probabilities are not non-negative');
  const tolerance = Math.sqrt(p instanceof Float32Array ? 2 ** -23 : Number.EPSILON);
  if (Math.abs(sum - 1) > tolerance) throw new ValueError(`probabilities do not sum to 1; got ${sum}`);
}

function cumulative(p: ArrayLike<number>): Float64Array {
  const cdf = Float64Array.from(p);
  for (let i = 1; i < cdf.length; i++) cdf[i] += cdf[i - 1];
  const total = cdf[cdf.length - 1];
  return cdf.map((value) => value / total);
}

/** Number of entries ≤ `value` in an ascending array. */
function searchRight(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}
