import { inflateRawSync } from 'node:zlib';
import { InputError } from '../../errors.ts';
import { type ByteSource, openFile, sliceOf } from './byte_source.ts';
import { crc32 } from './crc32.ts';

const END = 0x06054b50;
const END64_LOCATOR = 0x07064b50;
const END64 = 0x06064b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const MAX_COMMENT = 0xffff;
const MAX_DIRECTORY = 1 << 26;
/** Flags of members that cannot be read: encrypted (in two ways), or patched. */
const UNREADABLE = 0x1 | 0x20 | 0x40;
const UTF8_NAME = 0x800;
const [STORED, DEFLATED] = [0, 8];

/** One file of an archive. */
export interface ZipMember {
  readonly name: string;
  readonly compressed: boolean;
  /** Size in bytes when decompressed. */
  readonly size: number;
  readonly packedSize: number;
  readonly crc: number;
  /** Unix file type and permissions; 0 if the archive was not made on Unix. */
  readonly mode: number;
  /** Offset of its local header. */
  readonly headerOffset: number;
}

/**
 * A zip archive that is read synchronously, so that generators can use it (the npm packages for zip are asynchronous). Reads stored and deflated
 * members, also of more than 4 GiB. Twin of `zipfile.ZipFile(path)` for reading.
 */
export class ZipFile {
  readonly path: string;
  readonly members: ReadonlyMap<string, ZipMember>;
  readonly #source: ByteSource;

  /** Throws FileNotFoundError, or InputError if the central directory is damaged or names a file twice. */
  constructor(path: string) {
    this.path = path;
    this.#source = openFile(path);
    try {
      this.members = readDirectory(this.#source);
    } catch (error) {
      this.#source.close();
      throw error;
    }
  }

  /** Bytes of the archive. */
  get size(): number {
    return this.#source.size;
  }

  /** The bytes of a member. Throws InputError if they do not match their checksum or are more than `maxBytes`. */
  read(member: ZipMember, maxBytes: number): Uint8Array {
    const where = member.name;
    if (member.size > maxBytes) {
      throw new InputError('a member is too large', {
        file: this.path,
        where,
        got: `${member.size} bytes`,
        expected: `at most ${maxBytes}`,
      });
    }
    const span = this.span(member);
    const packed = new Uint8Array(member.packedSize);
    span.read(packed, 0);
    const bytes = member.compressed ? this.#inflate(packed, member) : packed;
    if (bytes.byteLength !== member.size || crc32(bytes) !== member.crc) {
      throw new InputError('a member is damaged', {
        file: this.path,
        where,
        got: 'another length or checksum',
        expected: 'that of the directory',
      });
    }
    return bytes;
  }

  /** The stored bytes of a member as a part of the file; compressed if the member is. */
  span(member: ZipMember): ByteSource {
    const head = Buffer.alloc(30);
    this.#source.read(head, member.headerOffset);
    if (head.readUInt32LE(0) !== LOCAL) {
      throw new InputError('a member has no header', {
        file: this.path,
        where: member.name,
        got: head.toString('hex', 0, 4),
      });
    }
    const name = Buffer.alloc(head.readUInt16LE(26));
    this.#source.read(name, member.headerOffset + 30);
    if (name.toString('utf8') !== member.name) {
      throw new InputError('a member has another name in its header', {
        file: this.path,
        where: member.name,
        got: name.toString('utf8'),
      });
    }
    const start = member.headerOffset + 30 + head.readUInt16LE(26) + head.readUInt16LE(28);
    if (start + member.packedSize > this.#source.size) {
      throw new InputError('a member reaches past the end', {
        file: this.path,
        where: member.name,
        got: `${member.packedSize} bytes`,
      });
    }
    return sliceOf(this.#source, start, member.packedSize, `${this.path}: ${member.name}`);
  }

  close(): void {
    this.#source.close();
  }

  #inflate(packed: Uint8Array, member: ZipMember): Uint8Array {
    try {
      return inflateRawSync(packed, { maxOutputLength: Math.max(1, member.size) });
    } catch (error) {
      throw new InputError('a member is damaged', {
        file: this.path,
        where: member.name,
        got: (error as Error).message,
      });
    }
  }
}

function readDirectory(source: ByteSource): Map<string, ZipMember> {
  const { offset, size, count, end } = findDirectory(source);
  if (size > MAX_DIRECTORY || offset + size !== end) {
    throw new InputError('the directory of the archive is damaged', {
      file: source.name,
      got: `${size} bytes at ${offset}`,
    });
  }
  const directory = Buffer.alloc(size);
  source.read(directory, offset);
  const members = new Map<string, ZipMember>();
  let at = 0;
  for (let i = 0; i < count; i++) {
    const { member, length } = readEntry(directory, at, source.name);
    if (members.has(member.name))
      throw new InputError('two members share a name', { file: source.name, got: member.name });
    members.set(member.name, member);
    at += length;
  }
  if (at !== size) {
    throw new InputError('the directory of the archive is damaged', {
      file: source.name,
      got: `${count} entries of ${at} bytes`,
      expected: `${size} bytes`,
    });
  }
  return members;
}

/** Offset of the central directory, and of the record after it. */
interface Directory {
  readonly offset: number;
  readonly size: number;
  readonly count: number;
  readonly end: number;
}

function findDirectory(source: ByteSource): Directory {
  const tail = Buffer.alloc(Math.min(source.size, 22 + MAX_COMMENT));
  const tailStart = source.size - tail.length;
  source.read(tail, tailStart);
  for (let at = tail.length - 22; at >= 0; at--) {
    if (tail.readUInt32LE(at) !== END || at + 22 + tail.readUInt16LE(at + 20) !== tail.length) continue;
    const found = {
      count: tail.readUInt16LE(at + 10),
      size: tail.readUInt32LE(at + 12),
      offset: tail.readUInt32LE(at + 16),
      end: tailStart + at,
    };
    const needs64 = found.count === 0xffff || found.size === 0xffffffff || found.offset === 0xffffffff;
    return needs64 ? findDirectory64(source, tailStart + at) : found;
  }
  throw new InputError('not a zip archive', { file: source.name, expected: 'a directory at its end' });
}

function findDirectory64(source: ByteSource, end: number): Directory {
  const fail = (): never => {
    throw new InputError('the directory of the archive is damaged', { file: source.name, where: `byte ${end}` });
  };
  if (end < 20) return fail();
  const locator = Buffer.alloc(20);
  source.read(locator, end - 20);
  const at = Number(locator.readBigUInt64LE(8));
  if (locator.readUInt32LE(0) !== END64_LOCATOR || at + 56 > source.size) return fail();
  const record = Buffer.alloc(56);
  source.read(record, at);
  if (record.readUInt32LE(0) !== END64) return fail();
  const [count, size, offset] = [32, 40, 48].map((field) => Number(record.readBigUInt64LE(field))) as [
    number,
    number,
    number,
  ];
  return { count, size, offset, end: at };
}

function readEntry(directory: Buffer, at: number, file: string): { member: ZipMember; length: number } {
  const fail = (got: string): never => {
    throw new InputError('the directory of the archive is damaged', {
      file,
      where: `entry at byte ${at} of the directory`,
      got,
    });
  };
  if (at + 46 > directory.length) return fail('an entry that is cut off');
  if (directory.readUInt32LE(at) !== CENTRAL) return fail('another signature');
  const [nameLength, extraLength, commentLength] = [28, 30, 32].map((field) => directory.readUInt16LE(at + field)) as [
    number,
    number,
    number,
  ];
  const length = 46 + nameLength + extraLength + commentLength;
  if (at + length > directory.length) return fail('an entry that is cut off');
  const flags = directory.readUInt16LE(at + 8);
  const rawName = directory.subarray(at + 46, at + 46 + nameLength);
  const name = rawName.toString('utf8');
  if (!(flags & UTF8_NAME) ? rawName.some((byte) => byte > 0x7f) : !Buffer.from(name).equals(rawName)) {
    return fail('a name that is neither ASCII nor UTF-8');
  }
  const method = directory.readUInt16LE(at + 10);
  if (flags & UNREADABLE) return fail(`${name}, which is encrypted or patched`);
  if (method !== STORED && method !== DEFLATED) return fail(`${name}, compressed by method ${method}`);
  let [packedSize, size, headerOffset] = [20, 24, 42].map((field) => directory.readUInt32LE(at + field)) as [
    number,
    number,
    number,
  ];
  let extra = at + 46 + nameLength;
  const extraEnd = extra + extraLength;
  while (extra + 4 <= extraEnd) {
    const [id, fieldSize] = [directory.readUInt16LE(extra), directory.readUInt16LE(extra + 2)];
    let value = extra + 4;
    extra = value + fieldSize;
    if (extra > extraEnd) return fail(`${name}, whose extra field is cut off`);
    if (id !== 1) continue;
    const next = (): number => {
      if (value + 8 > extra) return fail(`${name}, whose sizes are cut off`);
      value += 8;
      return Number(directory.readBigUInt64LE(value - 8));
    };
    if (size === 0xffffffff) size = next();
    if (packedSize === 0xffffffff) packedSize = next();
    if (headerOffset === 0xffffffff) headerOffset = next();
  }
  if (method === STORED && packedSize !== size) return fail(`${name}, stored with two sizes`);
  return {
    member: {
      name,
      compressed: method === DEFLATED,
      size,
      packedSize,
      crc: directory.readUInt32LE(at + 16),
      // The upper half of the external attributes, if the entry was made on Unix (3) or macOS (19).
      mode: [3, 19].includes(directory[at + 5]) ? directory.readUInt16LE(at + 40) : 0,
      headerOffset,
    },
    length,
  };
}
