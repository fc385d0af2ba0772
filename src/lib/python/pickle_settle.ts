import type { Budget } from '../budget.ts';
import type { NdArray } from '../numpy/ndarray.ts';
import {
  decodeText,
  EmptyArray,
  Global,
  isSpilled,
  LongText,
  PickledDType,
  PickleFault,
  WholeFloat,
} from './pickle_numpy.ts';

const MAX_DEPTH = 200;
/** What is remembered about each container. */
const SETTLED_BYTES = 100;

/**
 * Turns the result of the pickle machine into plain values: decodes long texts, and turns arrays into plain arrays or files.
 *
 * A value that contains the same list many times can be tiny in the file, but take forever to walk through. So each repetition counts as if it were a
 * copy.
 *
 * @throws PickleFault for values that are nested too deeply or contain themselves, and for bare names and types; InputError for what exceeds the
 *   budget.
 */
export function settle(value: unknown, budget: Budget): unknown {
  return new Settler(budget).settle(value, 0).value;
}

interface Settled {
  readonly value: unknown;
  /** Number of values that a walk through it would visit. */
  readonly size: number;
  /** Number of bytes of arrays and texts that it would visit. */
  readonly bytes: number;
}

class Settler {
  readonly #budget: Budget;
  readonly #done = new Map<object, Settled>();
  readonly #open = new Set<object>();

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  settle(value: unknown, depth: number): Settled {
    if (typeof value === 'string') return { value, size: 1, bytes: value.length };
    if (typeof value !== 'object' || value === null) return { value, size: 1, bytes: 0 };
    if (value instanceof WholeFloat) return { value: value.value, size: 1, bytes: 0 };
    const known = this.#done.get(value);
    if (known) {
      this.#budget.work(known.size, 'values that repeat');
      this.#budget.spend(known.bytes, 'values that repeat');
      return known;
    }
    if (depth > MAX_DEPTH) throw new PickleFault(`refused: nested deeper than ${MAX_DEPTH}`);
    if (this.#open.has(value)) throw new PickleFault('refused: a value that contains itself');
    this.#open.add(value);
    this.#budget.spend(SETTLED_BYTES, 'a container');
    const settled = this.#object(value, depth);
    this.#open.delete(value);
    this.#done.set(value, settled);
    return settled;
  }

  #object(value: object, depth: number): Settled {
    if (value instanceof Uint8Array) return { value, size: 1, bytes: value.byteLength };
    if (Array.isArray(value)) return { value, ...this.#items(value, depth) };
    if (value instanceof Map) return { value, ...this.#entries(value, depth) };
    if (value instanceof Set) return { value, size: 1 + value.size, bytes: 0 };
    if (value instanceof LongText) {
      this.#budget.spend(2 * value.utf8.byteLength, 'a text');
      return { value: decodeText(value.utf8), size: 1, bytes: value.utf8.byteLength };
    }
    if (value instanceof EmptyArray) return this.#array(value, depth);
    if (value instanceof Global) throw new PickleFault(`refused: the bare name ${value.name} as a value`);
    if (value instanceof PickledDType) throw new PickleFault('refused: a bare dtype as a value');
    if (isSpilled(value))
      throw new PickleFault('refused: bytes that are too large for memory and do not belong to an array');
    if ('dtype' in value && 'data' in value) {
      if (value.dtype === 'object') return { value, ...this.#items(value.data as unknown[], depth) };
      return { value, size: 1, bytes: bytesOfData(value.data as NdArray['data'] | string[]) };
    }
    return { value, size: 1, bytes: 0 };
  }

  #array(array: EmptyArray, depth: number): Settled {
    if (!array.filled) throw new PickleFault('an array is never filled');
    if (array.file) return { value: array.file, size: 1, bytes: 0 };
    const { dtype, shape, data } = array;
    if (dtype === 'object') return { value: { dtype, shape, data }, ...this.#items(data as unknown[], depth) };
    const text = dtype === 'str' ? { width: (array as unknown as { width: number }).width } : {};
    const bytes = bytesOfData(data as NdArray['data'] | string[]);
    return { value: { dtype, ...text, shape, data }, size: 1, bytes };
  }

  #items(items: unknown[], depth: number): Omit<Settled, 'value'> {
    let size = 1;
    let bytes = 0;
    for (let i = 0; i < items.length; i++) {
      const settled = this.settle(items[i], depth + 1);
      items[i] = settled.value;
      size += settled.size;
      bytes += settled.bytes;
    }
    return { size, bytes };
  }

  #entries(dict: Map<unknown, unknown>, depth: number): Omit<Settled, 'value'> {
    let size = 1;
    let bytes = 0;
    for (const [key, item] of dict) {
      const settled = this.settle(item, depth + 1);
      if (settled.value !== item) dict.set(key, settled.value);
      size += 1 + settled.size;
      bytes += settled.bytes + (typeof key === 'string' ? key.length : 0);
    }
    return { size, bytes };
  }
}

function bytesOfData(data: NdArray['data'] | readonly string[]): number {
  return 'byteLength' in data ? data.byteLength : data.reduce((sum, text) => sum + 16 + text.length, 0);
}
