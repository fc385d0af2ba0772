import { sizeOf } from '../numpy/ndarray.ts';
import { decodeText, EmptyArray, Global, isSpilled, LongText, PickledDType, PickleFault } from './pickle_numpy.ts';

const MAX_DEPTH = 200;
/** A value that names the same list over and over can be tiny in the file and endless for whoever walks through it. */
const MAX_EXPANDED = 200_000_000;

/**
 * Turns what the machine left into plain values: long texts are decoded, arrays become plain arrays or files.
 *
 * @throws PickleFault for values nested too deeply, in themselves, or endlessly, and for bare names and types.
 */
export function settle(value: unknown): unknown {
  return new Settler().settle(value, 0).value;
}

interface Settled {
  readonly value: unknown;
  /** Number of values that a walk would meet. */
  readonly size: number;
}

class Settler {
  readonly #done = new Map<object, Settled>();
  readonly #open = new Set<object>();

  settle(value: unknown, depth: number): Settled {
    if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return { value, size: 1 };
    const known = this.#done.get(value);
    if (known) return known;
    if (depth > MAX_DEPTH) throw new PickleFault(`refused: nested deeper than ${MAX_DEPTH}`);
    if (this.#open.has(value)) throw new PickleFault('refused: a value that contains itself');
    this.#open.add(value);
    const settled = this.#object(value, depth);
    this.#open.delete(value);
    if (settled.size > MAX_EXPANDED) throw new PickleFault('refused: a value that repeats itself endlessly');
    this.#done.set(value, settled);
    return settled;
  }

  #object(value: object, depth: number): Settled {
    if (Array.isArray(value)) return { value, size: this.#items(value, depth) };
    if (value instanceof Map) return { value, size: this.#entries(value, depth) };
    if (value instanceof LongText) return { value: decodeText(value.utf8), size: 1 };
    if (value instanceof EmptyArray) return this.#array(value, depth);
    if (value instanceof Global) throw new PickleFault(`refused: the bare name ${value.name} as a value`);
    if (value instanceof PickledDType) throw new PickleFault('refused: a bare dtype as a value');
    if (isSpilled(value)) throw new PickleFault('refused: bytes too large for memory that belong to no array');
    if ('dtype' in value && value.dtype === 'object' && 'data' in value && Array.isArray(value.data)) {
      return { value, size: this.#items(value.data, depth) };
    }
    return { value, size: 1 };
  }

  #array(array: EmptyArray, depth: number): Settled {
    if (!array.filled) throw new PickleFault('an array is never filled');
    if (array.file) return { value: array.file, size: 1 };
    const { dtype, shape, data } = array;
    if (dtype === 'object') return { value: { dtype, shape, data }, size: this.#items(data as unknown[], depth) };
    const text = dtype === 'str' ? { width: (array as unknown as { width: number }).width } : {};
    return { value: { dtype, ...text, shape, data }, size: 1 + Math.min(sizeOf(shape), 1) };
  }

  #items(items: unknown[], depth: number): number {
    let size = 1;
    for (let i = 0; i < items.length; i++) {
      const settled = this.settle(items[i], depth + 1);
      items[i] = settled.value;
      size += settled.size;
    }
    return size;
  }

  #entries(dict: Map<unknown, unknown>, depth: number): number {
    let size = 1;
    for (const [key, item] of dict) {
      const settled = this.settle(item, depth + 1);
      if (settled.value !== item) dict.set(key, settled.value);
      size += 1 + settled.size;
    }
    return size;
  }
}
