import { statSync } from 'node:fs';
import { InputError, type Problem } from '../../errors.ts';
import { Budget } from '../budget.ts';
import { widenBfloat16 } from '../numpy/bfloat16.ts';
import { bytesOf, type DType, fromBytes, itemSize, type NdArray } from '../numpy/ndarray.ts';
import { AtomicFile, writeFileAtomic } from '../python/atomic_file.ts';
import { FileNotFoundError } from '../python/errors.ts';
import { readWholeFile } from '../python/whole_file.ts';
import { crc32c, maskCrc } from './crc32c.ts';
import {
  bytesField,
  concat,
  type Field,
  fixed32Field,
  readMessage,
  readVarint,
  varint,
  varintField,
} from './protobuf.ts';
import { maxIndexBytes, readTable, type TableEntry, writeTable } from './table.ts';

/** Entry of the index for one tensor. */
export interface BundleEntry {
  readonly key: string;
  /** Absent for text. */
  readonly dtype?: DType | 'bfloat16';
  readonly shape: readonly number[];
  readonly shard: number;
  /** Offset in the shard, in bytes. */
  readonly offset: number;
  readonly size: number;
  /** Masked CRC-32C of the bytes. */
  readonly crc: number;
}

const dtypes: Readonly<Record<number, DType | 'bfloat16'>> = {
  1: 'float32',
  2: 'float64',
  3: 'int32',
  4: 'uint8',
  5: 'int16',
  6: 'int8',
  9: 'int64',
  10: 'bool',
  14: 'bfloat16',
  17: 'uint16',
  19: 'float16',
  22: 'uint32',
  23: 'uint64',
};
const stringType = 7;
const maxShards = 1000;
const maxRank = 32;
const damaged = 'The checkpoint is truncated or damaged: copy or download its files again.';

/** Name of a shard of the tensor bundle with this prefix. */
export function shardName(prefix: string, shard: number, shards: number): string {
  const digits = (value: number): string => String(value).padStart(5, '0');
  return `${prefix}.data-${digits(shard)}-of-${digits(shards)}`;
}

/**
 * Reads a tensor bundle: the `.index` table and the `.data-…` shards of a TensorFlow checkpoint. Checks sizes, overlaps and checksums; a fault is an
 * InputError that names the file and the key. Opens no other files.
 */
export class BundleReader {
  readonly prefix: string;
  readonly entries: ReadonlyMap<string, BundleEntry>;
  readonly #shards: number;
  readonly #loaded = new Map<number, Uint8Array>();

  constructor(prefix: string) {
    this.prefix = prefix;
    const file = `${prefix}.index`;
    const index = readWholeFile(file, { maxBytes: maxIndexBytes });
    const budget = new Budget(file, index.byteLength);
    const [header, ...rows] = readTable(file, index, budget);
    if (header?.key !== '') throw new InputError('the index has no header', { file, next: damaged });
    this.#shards = readHeader(file, header.value, budget);
    this.entries = new Map(rows.map(({ key, value }) => [key, readEntry(file, key, value, this.#shards, budget)]));
    this.#checkExtents();
  }

  /**
   * The numbers under `key` (bfloat16 as float32), checked against their checksum. They are a view of the file's buffer where the alignment allows
   * it.
   */
  tensor(key: string): NdArray {
    const { dtype, shape } = this.#entry(key);
    if (dtype === undefined) throw new InputError('text where numbers are expected', { file: this.prefix, where: key });
    const bytes = this.#bytes(key);
    return dtype === 'bfloat16' ? widenBfloat16(shape, bytes) : fromBytes(dtype, shape, bytes);
  }

  /** All entries that are numbers, by key. */
  tensors(): Map<string, NdArray> {
    const numeric = [...this.entries].filter(([, { dtype }]) => dtype !== undefined);
    return new Map(numeric.map(([key]) => [key, this.tensor(key)]));
  }

  /** The scalar text (or bytes) under `key`. */
  text(key: string): Uint8Array {
    const { dtype, shape } = this.#entry(key);
    const bytes = this.#bytes(key, false);
    const fail = (got: string): InputError =>
      new InputError('damaged text', { file: this.prefix, where: key, got, next: damaged });
    if (dtype !== undefined || shape.length > 0) throw fail('numbers or several texts');
    // A text is stored as the varint of its length, a four-byte checksum of the length, and the content. The checksum of the entry covers the four
    // bytes too.
    let length: number;
    let next: number;
    try {
      [length, next] = readVarint(bytes, 0);
    } catch (cause) {
      if (cause instanceof RangeError) throw fail(cause.message);
      throw cause;
    }
    if (next + 4 + length !== bytes.length) throw fail(`${bytes.length} bytes for a text of ${length}`);
    const lengthCrc = crc32c(fixedLength(length));
    const stored = bytes.subarray(next, next + 4);
    if (Buffer.from(stored).readUInt32LE() !== maskCrc(lengthCrc)) throw fail('a wrong checksum of the length');
    if (maskCrc(crc32c(bytes.subarray(next), lengthCrc)) !== this.#entry(key).crc) throw fail('a wrong checksum');
    return bytes.subarray(next + 4);
  }

  #entry(key: string): BundleEntry {
    const entry = this.entries.get(key);
    if (entry === undefined)
      throw new InputError('the checkpoint has no such tensor', { file: this.prefix, where: key });
    return entry;
  }

  #bytes(key: string, check = true): Uint8Array {
    const { shard, offset, size, crc } = this.#entry(key);
    let bytes = this.#loaded.get(shard);
    if (bytes === undefined) {
      bytes = readWholeFile(shardName(this.prefix, shard, this.#shards));
      this.#loaded.set(shard, bytes);
    }
    const content = bytes.subarray(offset, offset + size);
    if (check && maskCrc(crc32c(content)) !== crc) {
      throw new InputError('the checksum of a tensor is wrong', {
        file: shardName(this.prefix, shard, this.#shards),
        where: key,
        next: damaged,
      });
    }
    return content;
  }

  /** Checks that every tensor lies inside its shard and overlaps no other. */
  #checkExtents(): void {
    const ends = new Map<number, { end: number; key: string }>();
    const sorted = [...this.entries.values()].filter(({ size }) => size > 0).sort((a, b) => a.offset - b.offset);
    for (const { key, shard, offset, size } of sorted) {
      const file = shardName(this.prefix, shard, this.#shards);
      const before = ends.get(shard);
      if (before !== undefined && offset < before.end) {
        throw new InputError('two tensors share bytes', { file, where: `${before.key} and ${key}` });
      }
      const stat = statSync(file, { throwIfNoEntry: false });
      if (stat === undefined) throw new FileNotFoundError(file);
      if (offset + size > stat.size) {
        throw new InputError('a tensor lies outside its file', {
          file,
          where: key,
          got: `${size} bytes at ${offset}`,
          expected: `at most byte ${stat.size}`,
          next: damaged,
        });
      }
      ends.set(shard, { end: offset + size, key });
    }
  }
}

/** Number of shards. */
function readHeader(file: string, bytes: Uint8Array, budget: Budget): number {
  const fields = parse(file, 'header', bytes, budget);
  const shards = fields.find(({ number }) => number === 1)?.value ?? 0;
  const bigEndian = (fields.find(({ number }) => number === 2)?.value ?? 0) !== 0;
  if (shards < 1 || shards > maxShards || bigEndian) {
    throw new InputError('the checkpoint cannot be read', {
      file,
      where: 'header',
      got: bigEndian ? 'big-endian values' : `${shards} data files`,
      expected: `little-endian values in 1 to ${maxShards} data files`,
    });
  }
  return shards;
}

function readEntry(file: string, key: string, bytes: Uint8Array, shards: number, budget: Budget): BundleEntry {
  const fail = (summary: string, problem: Problem): InputError =>
    new InputError(summary, { file, where: key, ...problem });
  const numbers: Record<number, number> = {};
  let shape: number[] = [];
  for (const field of parse(file, key, bytes, budget)) {
    if (field.number === 2 && field.bytes !== undefined) shape = readShape(file, key, field.bytes, budget);
    else if (field.number === 7) throw fail('a tensor stored in slices', { expected: 'whole tensors' });
    else if (field.value !== undefined) numbers[field.number] = field.value;
  }
  const { 1: type = 0, 3: shard = 0, 4: offset = 0, 5: size = 0, 6: crc = 0 } = numbers;
  const dtype = dtypes[type];
  if (dtype === undefined && type !== stringType) {
    throw fail('the values have a type that weights do not have', {
      got: `TensorFlow type ${type}`,
      expected: 'numbers',
    });
  }
  if (
    dtype !== undefined &&
    shape.reduce((total, extent) => total * extent, dtype === 'bfloat16' ? 2 : itemSize[dtype]) !== size
  ) {
    throw fail('a tensor does not have the size that its shape and type need', {
      got: `${size} bytes`,
      expected: `${dtype} of shape (${shape.join(', ')})`,
      next: damaged,
    });
  }
  if (shard >= shards)
    throw fail('a tensor in a data file that does not exist', { got: `${shard}`, expected: `below ${shards}` });
  return { key, ...(dtype === undefined ? {} : { dtype }), shape, shard, offset, size, crc };
}

function readShape(file: string, key: string, bytes: Uint8Array, budget: Budget): number[] {
  const shape: number[] = [];
  for (const { number, bytes: dimension, value } of parse(file, key, bytes, budget)) {
    if (number === 3 && value !== 0) throw new InputError('a tensor of unknown rank', { file, where: key });
    if (number !== 2 || dimension === undefined) continue;
    shape.push(parse(file, key, dimension, budget).find((field) => field.number === 1)?.value ?? 0);
  }
  if (shape.length > maxRank)
    throw new InputError('a tensor of impossible rank', { file, where: key, got: `${shape.length}` });
  return shape;
}

function parse(file: string, where: string, bytes: Uint8Array, budget: Budget): Field[] {
  try {
    return readMessage(bytes, budget);
  } catch (cause) {
    if (cause instanceof RangeError)
      throw new InputError('the entry is damaged', { file, where, got: cause.message, next: damaged });
    throw cause;
  }
}

/** TensorFlow computes the checksum over the length as a 32-bit number, if it fits. */
function fixedLength(length: number): Uint8Array {
  const bytes = Buffer.alloc(length > 0xffff_ffff ? 8 : 4);
  if (bytes.length === 4) bytes.writeUInt32LE(length);
  else bytes.writeBigUInt64LE(BigInt(length));
  return bytes;
}

/** Writes a tensor bundle of one shard. Each file is written under a temporary name and renamed, the index last. */
export function writeBundle(
  prefix: string,
  tensors: ReadonlyMap<string, NdArray>,
  texts: ReadonlyMap<string, Uint8Array> = new Map(),
): void {
  const rows: TableEntry[] = [];
  const data = new AtomicFile(shardName(prefix, 0, 1));
  try {
    let offset = 0;
    const add = (key: string, type: number, shape: readonly number[], bytes: Uint8Array, crc: number): void => {
      data.write(bytes);
      const dimensions = concat(shape.map((extent) => bytesField(2, varintField(1, extent))));
      rows.push({
        key,
        value: concat([
          varintField(1, type),
          bytesField(2, dimensions),
          varintField(4, offset),
          varintField(5, bytes.length),
          fixed32Field(6, maskCrc(crc)),
        ]),
      });
      offset += bytes.length;
    };
    for (const [key, tensor] of tensors) {
      const bytes = bytesOf(tensor);
      add(key, typeNumber(tensor.dtype), tensor.shape, bytes, crc32c(bytes));
    }
    for (const [key, text] of texts) {
      const lengthCrc = crc32c(fixedLength(text.length));
      const stored = Buffer.alloc(4);
      stored.writeUInt32LE(maskCrc(lengthCrc));
      const content = concat([stored, text]);
      add(key, stringType, [], concat([varint(text.length), content]), crc32c(content, lengthCrc));
    }
    data.commit();
  } finally {
    data.abort();
  }
  const header: TableEntry = { key: '', value: concat([varintField(1, 1), bytesField(3, varintField(1, 1))]) };
  rows.sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
  writeFileAtomic(`${prefix}.index`, writeTable([header, ...rows]));
}

function typeNumber(dtype: DType): number {
  return Number(Object.entries(dtypes).find(([, name]) => name === dtype)![0]);
}
