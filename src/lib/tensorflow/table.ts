import { InputError, type Problem } from '../../errors.ts';
import type { Budget } from '../budget.ts';
import { crc32c, maskCrc } from './crc32c.ts';
import { concat, readVarint, varint } from './protobuf.ts';

/** One key and its value. */
export interface TableEntry {
  readonly key: string;
  readonly value: Uint8Array;
}

/** Largest index that is read. */
export const maxIndexBytes: number = 64 * 2 ** 20;
const footerSize = 48;
const magic = 0xdb4775248b80fb57n;
/** Bytes after each block: its compression type and checksum. */
const trailerSize = 5;
const restartInterval = 16;
const maxBlockSize = 262_144;
const maxKeyLength = 4096;
const maxEntries = 200_000;
/** Memory that an entry takes, without its key. */
const entryBytes = 200;
const damaged = 'The file is truncated or damaged: copy or download it again.';

/**
 * Entries of an uncompressed LevelDB table, the format of a checkpoint's `.index` file. Checks checksums, the order of keys and all sizes; a fault is
 * an InputError that names `file` and the byte. So is a table that exceeds the budget: keys share prefixes, so together they can be much longer than
 * the file.
 */
export function readTable(file: string, bytes: Uint8Array, budget: Budget): TableEntry[] {
  const fail = (summary: string, at: number, problem: Problem = {}): InputError =>
    new InputError(summary, { file, where: `byte ${at}`, next: damaged, ...problem });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const footer = bytes.byteLength - footerSize;
  if (footer < 0 || view.getBigUint64(bytes.byteLength - 8, true) !== magic) {
    throw fail('this is not the index of a TensorFlow checkpoint', Math.max(footer, 0), {
      got: `${bytes.byteLength} bytes without the magic number at the end`,
      expected: `a table that ends with ${magic.toString(16)}`,
    });
  }
  let lastEnd = 0;
  /** Content of the block to which the handle at the start of `handle` points. */
  const block = (handle: Uint8Array, at: number): { start: number; content: Uint8Array } => {
    const [start, next] = orFail(
      () => readVarint(handle, 0),
      (fault) => fail(`a block handle holds ${fault}`, at),
    );
    const [size] = orFail(
      () => readVarint(handle, next),
      (fault) => fail(`a block handle holds ${fault}`, at),
    );
    if (size < 4 || start + size + trailerSize > footer) {
      throw fail('a block lies outside the table', at, {
        got: `${size} bytes at ${start}`,
        expected: `at most byte ${footer}`,
      });
    }
    if (view.getUint32(start + size + 1, true) !== maskCrc(crc32c(bytes.subarray(start, start + size + 1)))) {
      throw fail('the checksum of a block is wrong', start);
    }
    if (bytes[start + size] !== 0) {
      throw fail('a block is compressed (TensorFlow writes uncompressed blocks)', start, {
        got: `kind ${bytes[start + size]}`,
      });
    }
    return { start, content: bytes.subarray(start, start + size) };
  };
  const entries: TableEntry[] = [];
  const [, metaNext] = orFail(
    () => readVarint(bytes, footer),
    (fault) => fail(`the footer holds ${fault}`, footer),
  );
  const [, indexAt] = orFail(
    () => readVarint(bytes, metaNext),
    (fault) => fail(`the footer holds ${fault}`, footer),
  );
  const index = block(bytes.subarray(indexAt), indexAt);
  for (const { value } of readBlock(index.content, index.start, fail, budget)) {
    const data = block(value, index.start);
    if (data.start < lastEnd) throw fail('blocks overlap or are out of order', data.start);
    lastEnd = data.start + data.content.length + trailerSize;
    for (const entry of readBlock(data.content, data.start, fail, budget)) {
      const previous = entries.at(-1);
      if (previous !== undefined && Buffer.compare(Buffer.from(previous.key), Buffer.from(entry.key)) >= 0) {
        throw fail('keys are out of order', data.start, { got: `${previous.key}, then ${entry.key}` });
      }
      if (entries.length >= maxEntries) throw fail(`more than ${maxEntries} entries`, data.start);
      entries.push(entry);
    }
  }
  return entries;
}

type Fail = (summary: string, at: number, problem?: Problem) => InputError;

function orFail<T>(read: () => T, error: (fault: string) => InputError): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof RangeError) throw error(cause.message);
    throw cause;
  }
}

/** Entries of one block. Each key is stored as the length of the prefix that it shares with the previous key, and the rest. */
function readBlock(content: Uint8Array, start: number, fail: Fail, budget: Budget): TableEntry[] {
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const restarts = view.getUint32(content.length - 4, true);
  const end = content.length - 4 - 4 * restarts;
  if (restarts < 1 || end < 0)
    throw fail('a block has an impossible number of restart points', start, { got: `${restarts}` });
  const entries: TableEntry[] = [];
  let key: Uint8Array = new Uint8Array(0);
  for (let at = 0; at < end; ) {
    const here = start + at;
    const number = (): number => {
      const [value, next] = orFail(
        () => readVarint(content, at),
        (fault) => fail(`an entry holds ${fault}`, here),
      );
      at = next;
      return value;
    };
    const shared = number();
    const added = number();
    const size = number();
    if (shared > key.length || added > end - at || size > end - at - added || shared + added > maxKeyLength) {
      throw fail('an entry is longer than its block', here, {
        got: `key of ${shared}+${added} bytes, value of ${size}`,
      });
    }
    budget.spend(entryBytes + 2 * (shared + added), 'keys');
    key = concat([key.subarray(0, shared), content.subarray(at, at + added)]);
    const value = content.subarray(at + added, at + added + size);
    at += added + size;
    entries.push({ key: Buffer.from(key).toString('utf8'), value });
    if (entries.length > maxEntries) throw fail(`more than ${maxEntries} entries`, here);
  }
  return entries;
}

/** The bytes of an uncompressed LevelDB table. The keys must be sorted by their UTF-8 bytes. */
export function writeTable(entries: readonly TableEntry[]): Uint8Array {
  const parts: Uint8Array[] = [];
  let length = 0;
  const addBlock = (block: readonly TableEntry[], interval: number): Uint8Array => {
    const content = encodeBlock(block, interval);
    const trailer = new Uint8Array(5);
    new DataView(trailer.buffer).setUint32(1, maskCrc(crc32c(trailer.subarray(0, 1), crc32c(content))), true);
    const handle = concat([varint(length), varint(content.length)]);
    parts.push(content, trailer);
    length += content.length + trailer.length;
    return handle;
  };
  const index: TableEntry[] = [];
  let pending: TableEntry[] = [];
  let size = 0;
  entries.forEach((entry, position) => {
    pending.push(entry);
    size += entry.key.length + entry.value.length;
    if (size >= maxBlockSize || position === entries.length - 1) {
      index.push({ key: entry.key, value: addBlock(pending, restartInterval) });
      pending = [];
      size = 0;
    }
  });
  const metaHandle = addBlock([], restartInterval);
  const indexHandle = addBlock(index, 1);
  const footer = new Uint8Array(footerSize);
  footer.set(concat([metaHandle, indexHandle]));
  new DataView(footer.buffer).setBigUint64(footerSize - 8, magic, true);
  return concat([...parts, footer]);
}

function encodeBlock(entries: readonly TableEntry[], interval: number): Uint8Array {
  const parts: Uint8Array[] = [];
  const restarts: number[] = [0];
  let length = 0;
  let previous: Uint8Array = new Uint8Array(0);
  entries.forEach(({ key, value }, position) => {
    const bytes = new TextEncoder().encode(key);
    let shared = 0;
    if (position % interval === 0) {
      if (position > 0) restarts.push(length);
    } else {
      while (shared < Math.min(previous.length, bytes.length) && previous[shared] === bytes[shared]) shared++;
    }
    const entry = concat([
      varint(shared),
      varint(bytes.length - shared),
      varint(value.length),
      bytes.subarray(shared),
      value,
    ]);
    parts.push(entry);
    length += entry.length;
    previous = bytes;
  });
  const tail = new Uint8Array(4 * restarts.length + 4);
  const view = new DataView(tail.buffer);
  restarts.forEach((restart, index) => {
    view.setUint32(4 * index, restart, true);
  });
  view.setUint32(4 * restarts.length, restarts.length, true);
  return concat([...parts, tail]);
}
