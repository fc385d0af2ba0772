import { encodeTexts, typeCode } from '../numpy/element_type.ts';
import { bytesOf, type DType, itemSize, type NdArray, sizeOf } from '../numpy/ndarray.ts';
import { NpyFile } from '../numpy/npy_file.ts';
import { type AnyArray, isArray } from '../numpy/object_array.ts';
import { ValueError } from './errors.ts';
import { Tuple } from './tuple.ts';

/** A numeric array that is never in memory as a whole: its elements in C order, little-endian, in pieces of any length. */
export class ArrayStream {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

  constructor(dtype: DType, shape: readonly number[], pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>) {
    this.dtype = dtype;
    this.shape = [...shape];
    this.pieces = pieces;
  }

  get byteLength(): number {
    return sizeOf(this.shape) * itemSize[this.dtype];
  }
}

const MAX_DEPTH = 200;
const READ_PIECE = 1 << 22;

/**
 * The pieces of a pickle of protocol 4. In place of the bytes of an `ArrayStream` stands the stream itself. Writes `null`, booleans, numbers,
 * bigints, strings, `Uint8Array` (as bytes), arrays (as lists), `Tuple`, `Map` and plain objects (as dicts), `Set` and NumPy arrays. A number without
 * a fraction becomes an int.
 *
 * @throws ValueError that names the place of anything else.
 */
export function* pickle(value: unknown): Generator<Uint8Array | ArrayStream, void, undefined> {
  yield Buffer.from([0x80, 4]);
  yield* new Pickler().save(value, []);
  yield Buffer.from('.');
}

class Pickler {
  readonly #memo = new Map<string, number>();
  readonly #open = new Set<object>();

  *save(value: unknown, path: readonly (string | number)[]): Generator<Uint8Array | ArrayStream, void, undefined> {
    if (value === null) return yield Buffer.from('N');
    switch (typeof value) {
      case 'boolean':
        return yield Buffer.from([value ? 0x88 : 0x89]);
      case 'number':
        return yield number(value);
      case 'bigint':
        return yield integer(value);
      case 'string':
        return yield text(value);
      case 'object':
        break;
      default:
        return fail(`a ${typeof value}`, path);
    }
    if (path.length > MAX_DEPTH) return fail(`a value nested deeper than ${MAX_DEPTH}`, path);
    if (this.#open.has(value)) return fail('a value that contains itself', path);
    this.#open.add(value);
    yield* this.#object(value, path);
    this.#open.delete(value);
  }

  *#object(value: object, path: readonly (string | number)[]): Generator<Uint8Array | ArrayStream, void, undefined> {
    if (value instanceof Uint8Array) {
      yield bytesHead(value.byteLength);
      yield value;
    } else if (value instanceof Tuple) {
      yield Buffer.from('(');
      for (const [i, item] of value.entries()) yield* this.save(item, [...path, i]);
      yield Buffer.from('t');
    } else if (Array.isArray(value)) {
      yield* this.#list(value, path);
    } else if (value instanceof Map) {
      yield* this.#dict(value, path);
    } else if (value instanceof Set) {
      yield Buffer.from([0x8f, 0x28]);
      for (const item of value) yield* this.save(item, [...path, 'member']);
      yield Buffer.from([0x90]);
    } else if (value instanceof ArrayStream) {
      yield* this.#array(value, value.byteLength, value);
    } else if (value instanceof NpyFile) {
      const stream = new ArrayStream(value.dtype, value.shape, readPieces(value));
      yield* this.#array(stream, stream.byteLength, stream);
    } else if (isArray(value)) {
      yield* this.#wholeArray(value, path);
    } else if (Object.getPrototypeOf(value) === Object.prototype || Object.getPrototypeOf(value) === null) {
      yield* this.#dict(new Map(Object.entries(value)), path);
    } else {
      fail(`a ${value.constructor?.name ?? 'object'}`, path);
    }
  }

  *#list(
    items: readonly unknown[],
    path: readonly (string | number)[],
  ): Generator<Uint8Array | ArrayStream, void, undefined> {
    yield Buffer.from('](');
    for (let i = 0; i < items.length; i++) yield* this.save(items[i], [...path, i]);
    yield Buffer.from('e');
  }

  *#dict(
    items: Map<unknown, unknown>,
    path: readonly (string | number)[],
  ): Generator<Uint8Array | ArrayStream, void, undefined> {
    yield Buffer.from('}(');
    for (const [key, item] of items) {
      yield* this.save(key, [...path, 'key']);
      yield* this.save(item, [...path, String(key)]);
    }
    yield Buffer.from('u');
  }

  *#wholeArray(
    array: AnyArray,
    path: readonly (string | number)[],
  ): Generator<Uint8Array | ArrayStream, void, undefined> {
    if (array.data.length !== sizeOf(array.shape)) {
      fail(`an array of ${array.data.length} elements and shape (${array.shape.join(', ')})`, path);
    }
    if (array.dtype === 'object') {
      yield* this.#arrayHead(array);
      yield* this.#list(array.data, path);
      yield Buffer.from('tb');
    } else {
      const bytes = array.dtype === 'str' ? encodeTexts(array) : bytesOf(array);
      yield* this.#array(array, bytes.byteLength, bytes);
    }
  }

  *#array(
    array: AnyArray | ArrayStream,
    byteLength: number,
    content: Uint8Array | ArrayStream,
  ): Generator<Uint8Array | ArrayStream, void, undefined> {
    yield* this.#arrayHead(array);
    yield bytesHead(byteLength);
    yield content;
    yield Buffer.from('tb');
  }

  /** `_reconstruct(ndarray, (0,), b'b')` and the first four fields of the state. The caller adds the elements and the opcodes `t` and `b`. */
  *#arrayHead(array: AnyArray | ArrayStream): Generator<Uint8Array, void, undefined> {
    yield* this.#global('numpy.core.multiarray', '_reconstruct');
    yield* this.#global('numpy', 'ndarray');
    yield Buffer.concat([
      Buffer.from('K\0\x85', 'latin1'),
      bytesHead(1),
      Buffer.from('b\x87R(', 'latin1'),
      Buffer.from('K\x01('),
    ]);
    for (const extent of array.shape) yield number(extent);
    yield Buffer.from('t');
    yield* this.#dtype(typeCode(array as NdArray));
    yield Buffer.from([0x89]);
  }

  *#dtype(code: string): Generator<Uint8Array, void, undefined> {
    const known = this.#memo.get(code);
    if (known !== undefined) return yield recall(known);
    const [order, name] = [code.slice(0, 1), code.slice(1)];
    yield* this.#global('numpy', 'dtype');
    const pickled = name === 'O' ? 'O8' : name;
    yield Buffer.concat([
      text(pickled),
      Buffer.from([0x89, 0x88, 0x87, 0x52, 0x28]),
      number(3),
      text(order),
      Buffer.from('NNN'),
    ]);
    const layout = name.startsWith('U') ? [4 * Number(name.slice(1)), 4, 8] : [-1, -1, name === 'O' ? 63 : 0];
    yield Buffer.concat([...layout.map(number), Buffer.from('tb'), this.#remember(code)]);
  }

  *#global(module: string, name: string): Generator<Uint8Array, void, undefined> {
    const key = `${module} ${name}`;
    const known = this.#memo.get(key);
    if (known !== undefined) return yield recall(known);
    yield Buffer.concat([text(module), text(name), Buffer.from([0x93]), this.#remember(key)]);
  }

  #remember(key: string): Buffer {
    this.#memo.set(key, this.#memo.size);
    return Buffer.from([0x94]);
  }
}

function recall(index: number): Buffer {
  return index < 256 ? Buffer.from([0x68, index]) : withUInt32(0x6a, index);
}

function withUInt32(opcode: number, value: number): Buffer {
  const out = Buffer.alloc(5, opcode);
  out.writeUInt32LE(value, 1);
  return out;
}

function withUInt64(opcode: number, value: number): Buffer {
  const out = Buffer.alloc(9, opcode);
  out.writeBigUInt64LE(BigInt(value), 1);
  return out;
}

function number(value: number): Buffer {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
    const out = Buffer.alloc(9, 0x47);
    out.writeDoubleBE(value, 1);
    return out;
  }
  if (value >= 0 && value < 256) return Buffer.from([0x4b, value]);
  if (value >= 0 && value < 65536) return Buffer.from([0x4d, value & 255, value >> 8]);
  if (value === (value | 0)) return withUInt32(0x4a, value >>> 0);
  return integer(BigInt(value));
}

function integer(value: bigint): Buffer {
  const size = Math.floor((value < 0n ? -value : value).toString(2).length / 8) + 1;
  if (size > 255) throw new ValueError(`an integer of ${size} bytes cannot be pickled here`);
  const hex = BigInt.asUintN(8 * size, value)
    .toString(16)
    .padStart(2 * size, '0');
  return Buffer.concat([Buffer.from([0x8a, size]), Buffer.from(hex, 'hex').reverse()]);
}

function text(value: string): Buffer {
  if (/\p{Surrogate}/u.test(value)) throw new ValueError('a text with an unpaired surrogate cannot be pickled');
  const utf8 = Buffer.from(value, 'utf8');
  const size = utf8.length;
  const head =
    size < 256 ? Buffer.from([0x8c, size]) : size <= 0xffffffff ? withUInt32(0x58, size) : withUInt64(0x8d, size);
  return Buffer.concat([head, utf8]);
}

function bytesHead(size: number): Buffer {
  if (size < 256) return Buffer.from([0x43, size]);
  return size <= 0xffffffff ? withUInt32(0x42, size) : withUInt64(0x8e, size);
}

/** The elements of a file in C order, a few rows at a time. */
function* readPieces(file: NpyFile): Generator<Uint8Array, void, undefined> {
  const [rows, ...rest] = file.shape;
  if (rows === undefined) return yield bytesOf(file.read());
  const rowBytes = sizeOf(rest) * itemSize[file.dtype];
  const count = Math.max(1, Math.floor(READ_PIECE / Math.max(rowBytes, 1)));
  for (let row = 0; row < rows; row += count) yield bytesOf(file.read([], row, Math.min(rows, row + count)));
}

function fail(got: string, path: readonly (string | number)[]): never {
  const place = path.length > 8 ? [...path.slice(0, 8), '…'] : path;
  throw new ValueError(`cannot pickle ${got} at ${place.length ? place.join('.') : 'the top'}`);
}
