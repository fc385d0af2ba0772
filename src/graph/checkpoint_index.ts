import { readFileSync } from 'node:fs';
import { InputError } from '../errors.ts';
import { type ElementType, elementType } from './element_type.ts';

/** A tensor in a TensorFlow checkpoint. */
export interface CheckpointEntry {
  readonly key: string;
  readonly dtype: ElementType;
  readonly shape: readonly number[];
  /** Bytes in the data file. */
  readonly size: number;
}

const footerSize = 48;
const magic = 0xdb4775248b80fb57n;

/**
 * Tensors of the checkpoint `<prefix>.index`, in key order. The file is a sorted table of blocks (LevelDB's format, without compression),
 * whose values are `BundleEntryProto` messages. Throws an InputError for anything else.
 */
export function readCheckpointIndex(prefix: string): CheckpointEntry[] {
  const file = `${prefix}.index`;
  const bytes = readIndexFile(file);
  const fail = (summary: string, where?: string): never => {
    throw new InputError(summary, { file, where, expected: 'the .index file of a TensorFlow checkpoint' });
  };
  try {
    return parseTable(bytes, fail);
  } catch (error) {
    // Reading past the end means a damaged file.
    if (error instanceof RangeError) return fail(`the table is damaged (${error.message})`);
    throw error;
  }
}

function readIndexFile(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new InputError('the checkpoint cannot be read', {
      file,
      got: String(error),
      next: 'Give the path without its ending, e.g. job/model.weights for job/model.weights.index.',
    });
  }
}

type Fail = (summary: string, where?: string) => never;

function parseTable(bytes: Buffer, fail: Fail): CheckpointEntry[] {
  if (bytes.length < footerSize || bytes.readBigUInt64LE(bytes.length - 8) !== magic) fail('not a checkpoint index');
  const footer = new Reader(bytes.subarray(bytes.length - footerSize));
  footer.varint();
  footer.varint();
  const index = readBlock(bytes, footer.varint(), footer.varint(), fail);
  const entries: CheckpointEntry[] = [];
  for (const { value } of index) {
    const handle = new Reader(value);
    for (const { key, value: message } of readBlock(bytes, handle.varint(), handle.varint(), fail)) {
      // The empty key holds the header: number of data files and byte order.
      if (key !== '') entries.push(parseEntry(key, message, fail));
    }
  }
  return entries;
}

/** Keys and values of one block: each key shares a prefix with the one before. */
function readBlock(bytes: Buffer, offset: number, size: number, fail: Fail): { key: string; value: Buffer }[] {
  if (offset + size + 5 > bytes.length) fail('a block lies outside the file', `byte ${offset}`);
  if (bytes[offset + size] !== 0) fail('compressed blocks are not supported', `byte ${offset + size}`);
  const block = bytes.subarray(offset, offset + size);
  const restarts = block.readUInt32LE(size - 4);
  const end = size - 4 - 4 * restarts;
  if (end < 0) fail('a block is shorter than its restart points', `byte ${offset}`);
  const reader = new Reader(block.subarray(0, end));
  const entries: { key: string; value: Buffer }[] = [];
  let key = Buffer.alloc(0);
  while (!reader.done) {
    const shared = reader.varint();
    const unshared = reader.varint();
    const length = reader.varint();
    if (shared > key.length) fail('a key shares more than the key before it has', `byte ${offset}`);
    key = Buffer.concat([key.subarray(0, shared), reader.take(unshared)]);
    entries.push({ key: key.toString('utf8'), value: reader.take(length) });
  }
  return entries;
}

function parseEntry(key: string, message: Buffer, fail: Fail): CheckpointEntry {
  const entry = { dtype: 0, shape: [] as number[], size: 0 };
  for (const { field, number, bytes } of fields(message)) {
    if (field === 1) entry.dtype = number;
    else if (field === 2) entry.shape = parseShape(bytes);
    else if (field === 5) entry.size = number;
    else if (field === 7) fail('partitioned tensors are not supported', key);
  }
  try {
    return { key, dtype: elementType(entry.dtype), shape: entry.shape, size: entry.size };
  } catch {
    return fail(`DataType ${entry.dtype} is not supported`, key);
  }
}

function parseShape(message: Buffer): number[] {
  return fields(message)
    .filter(({ field }) => field === 2)
    .map(({ bytes }) => fields(bytes).find(({ field }) => field === 1)?.number ?? 0);
}

/** Fields of a protobuf message: numbers for varints, bytes for length-delimited ones; fixed-size fields are skipped. */
function fields(message: Buffer): { field: number; number: number; bytes: Buffer }[] {
  const reader = new Reader(message);
  const found: { field: number; number: number; bytes: Buffer }[] = [];
  const empty = Buffer.alloc(0);
  while (!reader.done) {
    const tag = reader.varint();
    const field = Math.floor(tag / 8);
    switch (tag % 8) {
      case 0:
        found.push({ field, number: reader.varint(), bytes: empty });
        break;
      case 1:
        reader.take(8);
        break;
      case 2:
        found.push({ field, number: 0, bytes: reader.take(reader.varint()) });
        break;
      case 5:
        reader.take(4);
        break;
      default:
        throw new RangeError(`wire type ${tag % 8}`);
    }
  }
  return found;
}

/** Reads bytes in order; throws a RangeError at the end. */
class Reader {
  readonly #bytes: Buffer;
  #position = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#position >= this.#bytes.length;
  }

  /** Base-128 number; throws a RangeError beyond 2⁵³. */
  varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#bytes[this.#position++];
      if (byte === undefined) throw new RangeError('a number ends early');
      value += (byte & 127) * scale;
      if (!Number.isSafeInteger(value)) throw new RangeError('a number is too large');
      if (byte < 128) return value;
    }
  }

  take(length: number): Buffer {
    if (this.#position + length > this.#bytes.length) throw new RangeError('a field ends early');
    this.#position += length;
    return this.#bytes.subarray(this.#position - length, this.#position);
  }
}
