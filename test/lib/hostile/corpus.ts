import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { crc32 } from '../../../src/lib/python/crc32.ts';
import { crc32c, maskCrc } from '../../../src/lib/tensorflow/crc32c.ts';
import { bytesField, concat, varint, varintField } from '../../../src/lib/tensorflow/protobuf.ts';
import { matElement, matFile, matMatrix, type ReaderName } from './readers.ts';

/** A file that asks for far more memory or time than it has bytes, or lies about what it holds. */
export interface Hostile {
  readonly reader: ReaderName;
  readonly name: string;
  /** What is wrong, as the reader says it; undefined if it may be read. */
  readonly error?: RegExp;
  /** The content; `path` is where it will lie, for files beside it. */
  make(path: string): Uint8Array;
}

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');
const uint32 = (value: number): Buffer => Buffer.from(Uint32Array.of(value).buffer);
const uint64 = (value: number | bigint): Buffer => Buffer.from(BigUint64Array.of(BigInt(value)).buffer);
const tooMuch = /more (memory|work) than its size allows/;
const MIB = 2 ** 20;

/** An HL7 aECG file with one lead. */
function rhythmOf(digits: string): string {
  const sequence = (code: string, value: string): string =>
    `<component><sequence><code code="${code}"/>${value}</sequence></component>`;
  const time = sequence('TIME_RELATIVE', '<value><increment value="2" unit="ms"/></value>');
  const value = `<value type="SLIST_PQ"><scale value="1" unit="uV"/><digits>${digits}</digits></value>`;
  const set = `<component><sequenceSet>${time}${sequence('MDC_ECG_LEAD_II', value)}</sequenceSet></component>`;
  return `<AnnotatedECG><component><series><code code="RHYTHM"/>${set}</series></component></AnnotatedECG>`;
}

/** A DICOM file in explicit VR, little endian, as Latin-1 text. */
function dicomFile(content: string): string {
  return `${'\0'.repeat(128)}DICM\x02\0\x10\0UI\x14\x001.2.840.10008.1.2.1\0${content}`;
}

/** An EDF file with many or few data records. With gaps: its second signal holds the times of the data records. */
function edfFile(signals: number, samples: string, records: string, gaps: boolean): Buffer {
  const each = (value: (signal: number) => string, width: number): string =>
    Array.from({ length: signals }, (_, i) => value(i).padEnd(width)).join('');
  const header = [
    '0'.padEnd(8),
    ''.padEnd(160),
    '01.01.2001.01.01',
    `${256 * (signals + 1)}`.padEnd(8),
    (gaps ? 'EDF+D' : '').padEnd(44),
    records.padEnd(8),
    '1'.padEnd(8),
    `${signals}`.padEnd(4),
    each((i) => (gaps && i === 1 ? 'EDF Annotations' : 'II'), 16),
    each(() => '', 80),
    each(() => 'mV', 8),
    each(() => '-1', 8),
    each(() => '1', 8),
    each(() => '-9', 8),
    each(() => '9', 8),
    each(() => '', 80),
    each((i) => (gaps && i === 1 ? '6' : samples), 8),
    each(() => '', 32),
  ].join('');
  if (!gaps) return Buffer.concat([latin1(header), Buffer.alloc(2 ** 22)]);
  const times = Array.from({ length: 2 ** 18 }, (_, i) => `\0\0+${String(600 * i).padStart(9, '0')}\x14\0`);
  return Buffer.concat([latin1(header), latin1(times.join(''))]);
}

// Pickles.
const P = latin1('\x80\x04');
const dtype = (code: string, order: string, size: number, text: boolean): Buffer =>
  Buffer.concat([
    latin1(`cnumpy\ndtype\n\x8c${String.fromCharCode(code.length)}${code}\x89\x88\x87R(K\x03\x8c\x01${order}NNN`),
    text ? latin1(`K${String.fromCharCode(size)}K\x04K\x08tb`) : latin1('J\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb'),
  ]);
const emptyArray = latin1('cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R');
const array = (size: number, type: Buffer, payload: Buffer): Buffer =>
  Buffer.concat([
    emptyArray,
    latin1('(K\x01J'),
    uint32(size),
    latin1('\x85'),
    type,
    latin1('\x89'),
    payload,
    latin1('tb'),
  ]);
const bytes = (length: number): Buffer => Buffer.concat([latin1('B'), uint32(length), Buffer.alloc(length)]);
const unicode = (text: string): Buffer => Buffer.concat([latin1('X'), uint32(text.length), latin1(text)]);
const repeat = (part: Buffer, times: number): Buffer => Buffer.concat(Array<Buffer>(times).fill(part));
const pickle = (...parts: (Buffer | string)[]): Buffer =>
  Buffer.concat([P, ...parts.map((part) => (typeof part === 'string' ? latin1(part) : part)), latin1('.')]);

/** Small integers that fall into one place of V8's hash tables: it mixes them without a secret. */
function collidingKeys(count: number): number[] {
  const keys: number[] = [];
  for (let key = 1; keys.length < count; key++) {
    let hash = (~key + (key << 15)) >>> 0;
    hash = (hash ^ (hash >>> 12)) >>> 0;
    hash = (hash + (hash << 2)) >>> 0;
    hash = (hash ^ (hash >>> 4)) >>> 0;
    hash = Math.imul(hash, 2057) >>> 0;
    if (((hash ^ (hash >>> 16)) & 0x3fff) === 0) keys.push(key);
  }
  return keys;
}

const stringFlood = (count: number, length: number): Buffer =>
  pickle(
    '}(',
    Buffer.concat(
      Array.from({ length: count }, (_, i) =>
        Buffer.concat([unicode('a'.repeat(length - 6) + String(i).padStart(6, '0')), latin1('N')]),
      ),
    ),
    'u',
  );

// .npy and zip.
const npy = (header: string, data: Uint8Array = Buffer.alloc(0)): Buffer => {
  const text = latin1(`${header.padEnd(117, ' ')}\n`);
  const head = latin1('\x93NUMPY\x01\x00..');
  head.writeUInt16LE(text.length, 8);
  return Buffer.concat([head, text, data]);
};
const npyOf = (descr: string, shape: string, data?: Uint8Array): Buffer =>
  npy(`{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }`, data);

interface Member {
  readonly name: string;
  readonly content: Buffer;
  readonly packed?: Buffer;
  /** Size and place that the directory names, in place of the true ones. */
  readonly size?: number;
  readonly offset?: number;
}

function zip(members: readonly Member[], count = members.length): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, content, packed, size, offset: place } of members) {
    const body = packed ?? content;
    const head = Buffer.alloc(46);
    head.writeUInt32LE(0x02014b50, 0);
    head.writeUInt16LE(packed ? 8 : 0, 10);
    head.writeUInt32LE(crc32(content), 16);
    head.writeUInt32LE(body.length, 20);
    head.writeUInt32LE(size ?? content.length, 24);
    head.writeUInt16LE(name.length, 28);
    head.writeUInt32LE(place ?? offset, 42);
    directory.push(head, Buffer.from(name));
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(name.length, 26);
    parts.push(local, Buffer.from(name), body);
    offset += 30 + name.length + body.length;
  }
  const list = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(count, 10);
  end.writeUInt32LE(list.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, list, end]);
}

// tar.
function tarEntry(name: string, type: string, content: Buffer, size = content.length): Buffer {
  const head = Buffer.alloc(512);
  head.write(name.slice(0, 100), 0, 'latin1');
  head.write('0000644\0', 100);
  head.write('0000000\x000000000\0', 108);
  head.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  head.write('00000000000\0        ', 136);
  head.write(type, 156);
  head.write('ustar\x0000', 257);
  const sum = head.reduce((total, byte) => total + byte, 0);
  head.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([head, content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
}
const paxRecord = (key: string, value: string): Buffer => {
  const body = ` ${key}=${value}\n`;
  let length = body.length;
  while (String(length).length + body.length !== length) length = String(length).length + body.length;
  return Buffer.from(`${length}${body}`);
};
const longPath = (path: string): Buffer => tarEntry('pax', 'x', paxRecord('path', path));
const tarEnd = Buffer.alloc(1024);
const zerosPacked = (mebibytes: number): Buffer =>
  repeat(gzipSync(Buffer.alloc(64 * MIB), { level: 9 }), mebibytes / 64);

// Checkpoint index.
function indexFile(entries: Buffer): Buffer {
  const parts: Buffer[] = [];
  let length = 0;
  const block = (content: Buffer): Buffer => {
    const whole = Buffer.concat([content, uint32(0), uint32(1)]);
    const trailer = Buffer.alloc(5);
    trailer.writeUInt32LE(maskCrc(crc32c(trailer.subarray(0, 1), crc32c(whole))), 1);
    const handle = Buffer.concat([varint(length), varint(whole.length)]);
    parts.push(whole, trailer);
    length += whole.length + 5;
    return handle;
  };
  const data = block(entries);
  const meta = block(Buffer.alloc(0));
  const index = block(indexEntry(0, Buffer.from('~'), data));
  const footer = Buffer.alloc(48);
  Buffer.concat([meta, index]).copy(footer);
  footer.writeBigUInt64LE(0xdb4775248b80fb57n, 40);
  return Buffer.concat([...parts, footer]);
}
const indexEntry = (shared: number, key: Buffer, value: Uint8Array): Buffer =>
  Buffer.concat([varint(shared), varint(key.length), varint(value.length), key, value]);
const indexHeader = indexEntry(0, Buffer.alloc(0), concat([varintField(1, 1), bytesField(3, varintField(1, 1))]));

// HDF5: data sets whose object headers all go on in one block of 60,000 messages.
function sharedContinuations(objects: number): Buffer {
  const header = (count: number, content: Buffer): Buffer => {
    const head = Buffer.alloc(16);
    head[0] = 1;
    head.writeUInt16LE(count, 2);
    head.writeUInt32LE(1, 4);
    head.writeUInt32LE(content.length, 8);
    return Buffer.concat([head, content]);
  };
  const message = (type: number, content: Buffer): Buffer => {
    const head = Buffer.alloc(8);
    head.writeUInt16LE(type, 0);
    head.writeUInt16LE(content.length, 2);
    return Buffer.concat([head, content]);
  };
  const superblock = Buffer.alloc(96, 0xff);
  const heapAt = 96 + 40;
  const names = Buffer.alloc(8 + 8 * objects);
  for (let i = 0; i < objects; i++) names.write(`n${i}`, 8 + 8 * i, 'latin1');
  const heap = Buffer.concat([latin1('HEAP'), Buffer.alloc(4), uint64(names.length), uint64(0), uint64(heapAt + 32)]);
  const treeAt = heapAt + 32 + names.length;
  const tree = Buffer.concat([
    latin1('TREE\x00\x00\x01\x00'),
    Buffer.alloc(16, 0xff),
    uint64(0),
    uint64(treeAt + 48),
    uint64(0),
  ]);
  const symbolsAt = treeAt + 48;
  const headersAt = symbolsAt + 8 + 40 * objects;
  const blockAt = headersAt + 40 * objects;
  const messages = 60_000;
  const described = Buffer.concat([
    message(0x01, Buffer.concat([latin1('\x01\x01\x00\x00\x00\x00\x00\x00'), uint64(0)])),
    message(
      0x03,
      Buffer.concat([
        latin1('\x11\x20\x1f\x00\x04\x00\x00\x00\x00\x00\x20\x00\x17\x08\x00\x17\x7f\x00\x00\x00'),
        Buffer.alloc(4),
      ]),
    ),
    message(0x08, Buffer.concat([latin1('\x03\x01'), Buffer.alloc(8, 0xff), uint64(0), Buffer.alloc(6)])),
  ]);
  const symbols: Buffer[] = [latin1('SNOD\x01\x00'), Buffer.from(Uint16Array.of(objects).buffer)];
  const headers: Buffer[] = [];
  const root = header(1, message(0x11, Buffer.concat([uint64(treeAt), uint64(heapAt)])));
  for (let i = 0; i < objects; i++) {
    symbols.push(uint64(8 + 8 * i), uint64(headersAt + 40 * i), Buffer.alloc(24));
    headers.push(
      header(messages + 4, message(0x10, Buffer.concat([uint64(blockAt), uint64(described.length + 8 * messages)]))),
    );
  }
  const size = blockAt + described.length + 8 * messages;
  latin1('\x89HDF\r\n\x1a\n\x00\x00\x00\x00\x00\x08\x08\x00').copy(superblock);
  superblock.fill(0, 16, 32);
  superblock.writeBigUInt64LE(BigInt(size), 40);
  superblock.fill(0, 56, 64);
  superblock.writeBigUInt64LE(96n, 64);
  return Buffer.concat([
    superblock,
    root,
    heap,
    names,
    tree,
    ...symbols,
    ...headers,
    described,
    Buffer.alloc(8 * messages),
  ]);
}

const record = (path: string, signals: Buffer, lines: readonly string[]): Buffer => {
  writeFileSync(join(dirname(path), 'r.dat'), signals);
  return Buffer.from(`${lines.join('\n')}\n`);
};

export const corpus: readonly Hostile[] = [
  {
    reader: 'pickle',
    name: 'a billion texts without characters',
    error: tooMuch,
    make: () => pickle(array(1e9, dtype('U0', '<', 0, true), latin1('C\x00'))),
  },
  {
    reader: 'stream',
    name: 'one payload in 6,000 arrays, each a copy',
    error: tooMuch,
    make: () =>
      gzipSync(
        pickle(
          bytes(MIB),
          '\x940',
          dtype('i2', '>', 2, false),
          '\x940](',
          repeat(Buffer.concat([emptyArray, latin1('(K\x01J'), uint32(MIB / 2), latin1('\x85h\x01\x89h\x00tb')]), 6000),
          'e',
        ),
      ),
  },
  {
    reader: 'stream',
    name: '17 million places of the memo',
    error: tooMuch,
    make: () => gzipSync(pickle(']', Buffer.alloc(17e6, 0x94))),
  },
  {
    reader: 'stream',
    name: 'keys of 20,000 characters, which V8 hashes by their length',
    error: /dict key .* up to 16000 characters/,
    make: () => gzipSync(stringFlood(3000, 20_000)),
  },
  { reader: 'stream', name: 'keys of 16,000 characters', make: () => gzipSync(stringFlood(3000, 16_000)) },
  {
    reader: 'pickle',
    name: 'integers as keys that collide',
    make: () =>
      pickle(
        '}(',
        Buffer.concat(collidingKeys(20_000).map((key) => Buffer.concat([latin1('J'), uint32(key), latin1('N')]))),
        'u',
      ),
  },
  {
    reader: 'pickle',
    name: 'a list made into a set 100,000 times',
    error: tooMuch,
    make: () =>
      pickle(
        '](',
        Buffer.concat(Array.from({ length: 100_000 }, (_, i) => Buffer.concat([latin1('J'), uint32(i)]))),
        'e\x940](',
        repeat(latin1('cbuiltins\nset\nh\x00\x85R0'), 100_000),
        'e',
      ),
  },
  {
    reader: 'pickle',
    name: 'each list holds the last one ten times',
    error: tooMuch,
    make: () =>
      pickle(']\x94', ...Array.from({ length: 40 }, (_, i) => `](${`h${String.fromCharCode(i)}`.repeat(10)}e\x94`)),
  },
  {
    reader: 'pickle',
    name: 'an array of a megabyte that is named 100,000 times',
    error: tooMuch,
    make: () =>
      pickle(array(MIB, dtype('u1', '|', 1, false), bytes(MIB)), '\x940](', repeat(latin1('h\x00'), 100_000), 'e'),
  },
  {
    reader: 'stream',
    name: '64 million dicts',
    error: tooMuch,
    make: () => gzipSync(pickle(Buffer.alloc(64 * MIB, '}'))),
  },
  {
    reader: 'stream',
    name: '256 million opcodes that leave nothing',
    error: tooMuch,
    make: () => gzipSync(pickle(Buffer.alloc(256 * MIB, 'N0'))),
  },
  {
    reader: 'stream',
    name: 'gigabytes after the pickle',
    error: tooMuch,
    make: () => Buffer.concat([gzipSync(pickle('N')), zerosPacked(2048)]),
  },
  {
    reader: 'pickle',
    name: 'a terabyte of bytes',
    error: /the pickle is cut off/,
    make: () => pickle('\x8e', uint64(2 ** 40)),
  },
  {
    reader: 'pickle',
    name: '100,000 lists in one another',
    error: /nested deeper/,
    make: () => pickle(']'.repeat(100_000), 'a'.repeat(99_999)),
  },
  {
    reader: 'pickle',
    name: 'a bytearray copied 5,000 times',
    error: tooMuch,
    make: () => pickle(bytes(MIB), '\x940](', repeat(latin1('cbuiltins\nbytearray\nh\x00\x85R'), 5000), 'e'),
  },
  {
    reader: 'pickle',
    name: 'a shape of floats',
    error: /the shape of an array holds/,
    make: () =>
      pickle(emptyArray, '(K\x01G\x40\x00\x00\x00\x00\x00\x00\x00\x85', dtype('u1', '|', 1, false), '\x89C\x02abtb'),
  },
  { reader: 'gzip', name: '2 GiB of zeros', error: /too large when decompressed/, make: () => zerosPacked(2048) },

  {
    reader: 'npy',
    name: 'a billion texts without characters',
    error: tooMuch,
    make: () => npyOf('<U0', '(1000000000,)'),
  },
  { reader: 'npy', name: 'bytes without width', error: /element type \|S0/, make: () => npyOf('|S0', '(1000000000,)') },
  {
    reader: 'npy',
    name: 'nothing without width',
    error: /element type \|V0/,
    make: () => npyOf('|V0', '(1000000000,)'),
  },
  {
    reader: 'npy',
    name: 'terabytes',
    error: /shorter than its header says/,
    make: () => npyOf('<f8', '(1000000, 1000000)'),
  },
  {
    reader: 'npy',
    name: 'a header of 2 GB',
    error: /a header of/,
    make: () => Buffer.concat([latin1('\x93NUMPY\x02\x00'), uint32(2e9)]),
  },
  {
    reader: 'npy',
    name: 'an L of Python 2 inside of a type code',
    error: /element type <U2L/,
    make: () => npyOf('<U2L', '(1,)', Buffer.alloc(8)),
  },
  {
    reader: 'npy',
    name: 'a header with code',
    error: /not a literal/,
    make: () => npy("{'descr': __import__('os').system('x'), 'fortran_order': False, 'shape': (1,), }"),
  },
  ...['(2.0,)', '(True, 1)', '(-1,)', '(2**63,)', '((1, 2),)', '(1e3,)', "('2',)", '[2]', '2'].map(
    (shape): Hostile => ({
      reader: 'npy',
      name: `a shape of ${shape}`,
      error: /not a usable \.npy file/,
      make: () => npyOf('|u1', shape, Buffer.alloc(2)),
    }),
  ),
  {
    reader: 'npz',
    name: '300 MB of zeros in 300 KB',
    error: tooMuch,
    make: () => {
      const content = npyOf('|u1', '(300000000,)', Buffer.alloc(3e8));
      return zip([{ name: 'x.npy', content, packed: deflateRawSync(content) }]);
    },
  },
  {
    reader: 'npz',
    name: '400 arrays of a million empty texts',
    error: tooMuch,
    make: () =>
      zip(Array.from({ length: 400 }, (_, i) => ({ name: `x${i}.npy`, content: npyOf('<U0', '(1000000,)') }))),
  },
  {
    reader: 'zip',
    name: 'a member that states less than it unpacks to',
    error: /damaged/,
    make: () => zip([{ name: 'a', content: Buffer.alloc(MIB), packed: deflateRawSync(Buffer.alloc(MIB)), size: 10 }]),
  },
  {
    reader: 'zip',
    name: 'members that overlap',
    error: /another name in its header/,
    make: () => zip(Array.from({ length: 1000 }, (_, i) => ({ name: `a${i}`, content: Buffer.alloc(9), offset: 0 }))),
  },
  {
    reader: 'zip',
    name: 'more entries than there are',
    error: /directory of the archive is damaged/,
    make: () => zip([{ name: 'a', content: Buffer.alloc(9) }], 60_000),
  },

  {
    reader: 'tar.gz',
    name: '2,000 entries 2,000 folders deep',
    error: /nested too deeply/,
    make: () =>
      gzipSync(
        Buffer.concat([
          ...Array.from({ length: 2000 }, (_, i) =>
            Buffer.concat([longPath(`${'d/'.repeat(2000)}${i}`), tarEntry('x', '0', Buffer.alloc(0))]),
          ),
          tarEnd,
        ]),
      ),
  },
  {
    reader: 'tar.gz',
    name: '2 GiB of zeros behind the end',
    error: /after the end/,
    make: () =>
      Buffer.concat([gzipSync(Buffer.concat([tarEntry('a', '0', Buffer.from('a')), tarEnd])), zerosPacked(2048)]),
  },
  {
    reader: 'tar.gz',
    name: 'a gigabyte of pax headers',
    error: tooMuch,
    make: () => repeat(gzipSync(repeat(tarEntry('pax', 'x', paxRecord('comment', 'a'.repeat(MIB / 2))), 64)), 32),
  },
  {
    reader: 'tar.gz',
    name: 'a GNU name of 100 MB',
    error: /refused: an entry of type/,
    make: () =>
      gzipSync(
        Buffer.concat([
          tarEntry('././@LongLink', 'L', Buffer.alloc(1e8, 'a')),
          tarEntry('x', '0', Buffer.alloc(0)),
          tarEnd,
        ]),
      ),
  },
  {
    reader: 'tar.gz',
    name: 'gzip in gzip',
    error: /contains compressed data again/,
    make: () => gzipSync(zerosPacked(2048)),
  },
  {
    reader: 'tar',
    name: 'a sparse file',
    error: /entry of type/,
    make: () => Buffer.concat([tarEntry('x', 'S', Buffer.alloc(0), 2 ** 33 - 1), tarEnd]),
  },
  {
    reader: 'tar',
    name: 'a file larger than the archive',
    error: /cut off|damaged|too large/,
    make: () => tarEntry('x', '0', Buffer.alloc(512), 2 ** 33 - 1),
  },
  {
    reader: 'tar.gz',
    name: 'a gigabyte of zeros in a file',
    error: tooMuch,
    make: () =>
      Buffer.concat([gzipSync(tarEntry('x', '0', Buffer.alloc(0), 2 ** 30)), zerosPacked(1024), gzipSync(tarEnd)]),
  },

  {
    reader: 'csv',
    name: '200,000 columns',
    make: () =>
      Buffer.from(`${Array.from({ length: 200_000 }, (_, i) => `c${i}`).join(',')}\n${'1,'.repeat(199_999)}1\n`),
  },
  { reader: 'csv', name: '8 million rows of one letter', error: tooMuch, make: () => Buffer.from('a\n'.repeat(8e6)) },
  {
    reader: 'csv',
    name: 'a quote of 64 MB',
    error: /Max Record Size/,
    make: () => Buffer.from(`a,b\n1,"${'x'.repeat(64e6)}`),
  },
  { reader: 'csv', name: 'an integer of 4 million digits', make: () => Buffer.from(`a\n${'9'.repeat(4e6)}\n`) },
  {
    reader: 'table',
    name: '16 million cells',
    make: () => Buffer.from(`${'a,'.repeat(7999)}a\n`.repeat(2000)),
  },
  {
    reader: 'numbers',
    name: 'empty lines below 20,000 columns',
    error: /too large to be read whole/,
    make: () =>
      Buffer.from(
        `${Array.from({ length: 20_000 }, (_, i) => `c${i}`).join(',')}\n${'\n'.repeat(50_000)}${'1,'.repeat(19_999)}1\n`,
      ),
  },
  {
    reader: 'json',
    name: 'a million arrays in one another',
    error: /nested/,
    make: () => Buffer.from('['.repeat(1e6) + ']'.repeat(1e6)),
  },
  { reader: 'json', name: '5 million empty arrays', error: /./, make: () => Buffer.from(`[${'[],'.repeat(5e6)}[]]`) },
  {
    reader: 'json',
    name: 'names of 20,000 characters',
    error: /./,
    make: () =>
      Buffer.from(
        `{${Array.from({ length: 700 }, (_, i) => `"${'a'.repeat(20_000)}${String(i).padStart(4, '0')}":1`).join(',')}}`,
      ),
  },
  {
    reader: 'literal',
    name: 'a million blanks',
    error: /not a Python literal/,
    make: () => Buffer.from(`(${' '.repeat(1e6)})`),
  },
  {
    reader: 'literal',
    name: 'an integer of 60,000 digits',
    error: /more than 4300 digits/,
    make: () => Buffer.from('9'.repeat(60_000)),
  },
  {
    reader: 'literal',
    name: '60,000 parentheses',
    error: /nested deeper/,
    make: () => Buffer.from('('.repeat(60_000)),
  },

  {
    reader: 'header',
    name: '40,000 signals in one file',
    make: (path) =>
      record(path, Buffer.alloc(2 * 40_000), [
        'r 40000 250 1',
        ...Array.from({ length: 40_000 }, () => 'r.dat 16 200/mV'),
      ]),
  },
  {
    reader: 'header',
    name: '40,000 signals in as many files',
    error: /No such file|not a regular file/,
    make: (path) =>
      record(path, Buffer.alloc(9), ['r 40000 250 1', ...Array.from({ length: 40_000 }, (_, i) => `s${i}.d 16 200`)]),
  },
  {
    reader: 'header',
    name: 'a million blanks in a line',
    error: /too long/,
    make: (path) => record(path, Buffer.alloc(9), [`r 1${' '.repeat(1e6)}250`]),
  },
  {
    reader: 'header',
    name: 'comments of blanks and hashes',
    error: /number of signal lines/,
    make: (path) =>
      record(path, Buffer.alloc(9), ['r 1 250 4', ...Array.from({ length: 250 }, () => `#${' #'.repeat(2000)}x`)]),
  },
  ...(
    [
      ['a skew of 2^53 − 1 frames', ['r 1 250 4', 'r.dat 16:9007199254740991 200'], /skewed by more/],
      ['a skew of 2^53 frames', ['r 1 250 4', 'r.dat 16:9007199254740992 200'], /skew cannot be read/],
      ['2^53 − 1 samples', ['r 1 250 9007199254740991', 'r.dat 16 200'], /too long to be read whole/],
      ['10^400 samples', [`r 1 250 1${'0'.repeat(400)}`, 'r.dat 16 200'], /number of samples cannot be read/],
      ['2^53 − 1 samples a frame', ['r 1 250 1', 'r.dat 16x9007199254740991 200'], /too long to be read whole/],
      ['no samples a frame', ['r 1 250 1', 'r.dat 16x0 200'], /a frame needs samples/],
      ['a byte offset of 2^53 − 1', ['r 1 250 1', 'r.dat 16+9007199254740991 200'], /shorter than its header says/],
      ['a byte offset of 2^53 − 1, and no length', ['r 1 250', 'r.dat 16+9007199254740991 200'], /no samples/],
      ['a gain of 1e999', ['r 1 250 4', 'r.dat 16 1e999'], /gain cannot be read/],
      ['a gain of 1e308', ['r 1 250 4', 'r.dat 16 1e308'], undefined],
      ['a baseline of 2^53', ['r 1 250 4', 'r.dat 16 200(9007199254740992)'], /baseline cannot be read/],
      ['a baseline of −2^53 + 1', ['r 1 250 4', 'r.dat 16 200(-9007199254740991)'], undefined],
      ['a frequency of 400 digits', [`r 1 ${'9'.repeat(400)} 4`, 'r.dat 16 200'], /sampling frequency cannot be read/],
      ['10^15 signals', ['r 1000000000000000 250 4', 'r.dat 16 200'], /number of signal lines is wrong/],
      ['10^9 segments', ['r/1000000000 1 250 4', 'r.dat 16 200'], /number of segment lines is wrong/],
      ['a record that is its own segment', ['r/1 1 250 4', 'r 4'], /has segments itself/],
      ['an initial value of 2^40', ['r 1 250 4', 'r.dat 8 200 12 0 1099511627776'], /initial value is out of range/],
    ] as const
  ).map(
    ([name, lines, error]): Hostile => ({
      reader: 'header',
      name,
      error,
      make: (path) => record(path, Buffer.alloc(8), lines),
    }),
  ),
  {
    reader: 'segments',
    name: '80,000 times the same segment, whose header has 20,000 signals',
    error: /too many segments/,
    make: (path) => {
      const signals = Array.from({ length: 20_000 }, (_, i) => `s${i}.d 16 200`);
      writeFileSync(join(dirname(path), 'a.hea'), ['a 20000 250 1', ...signals].join('\n'));
      return latin1(`r/80000 20000 250\n${'a 1\n'.repeat(80_000)}`);
    },
  },
  {
    reader: 'segments',
    name: '80,000 times a segment whose frames have 10,000 samples',
    error: /too long to be read whole/,
    make: (path) => {
      writeFileSync(join(dirname(path), 'a.hea'), 'a 1 250 10\na.dat 16x10000 200\n');
      writeFileSync(join(dirname(path), 'a.dat'), Buffer.alloc(200_000));
      return latin1(`r/80000 1 250\n${'a 10\n'.repeat(80_000)}`);
    },
  },
  {
    reader: 'segments',
    name: '80,000 times a segment of one sample',
    make: (path) => {
      writeFileSync(join(dirname(path), 'a.hea'), 'a 1 250 1\na.dat 16 200\n');
      writeFileSync(join(dirname(path), 'a.dat'), Buffer.alloc(2));
      return latin1(`r/80000 1 250\n${'a 1\n'.repeat(80_000)}`);
    },
  },
  ...(
    [
      [
        'a block of 16 MiB that is not there',
        [0x80, 0xff, 0xff, 0xff],
        /not a FLAC stream; got the stream ends too early/,
      ],
      ['no STREAMINFO', [0x81, 0, 0, 1, 0], /not a FLAC stream; got no STREAMINFO/],
      ['nothing behind the signature', [], /not a FLAC stream/],
    ] as const
  ).map(
    ([name, bytes, error]): Hostile => ({
      reader: 'flac',
      name,
      error,
      make: (path) => {
        writeFileSync(join(dirname(path), 'r.hea'), 'r 1 250 4\nr.dat 516 200\n');
        return Buffer.concat([latin1('fLaC'), Buffer.from(bytes)]);
      },
    }),
  ),
  {
    reader: 'annotation',
    name: '4 million annotations',
    error: /too large/,
    make: () => Buffer.concat([Buffer.alloc(9e6, latin1('\x01\x04')), Buffer.alloc(2)]),
  },
  {
    reader: 'annotation',
    name: '2 million annotations',
    make: () => Buffer.concat([Buffer.alloc(4e6, latin1('\x01\x04')), Buffer.alloc(2)]),
  },
  {
    reader: 'mat',
    name: '512 MiB of zeros',
    error: /cannot be unpacked/,
    make: () => matFile(matElement(15, deflateSync(Buffer.alloc(512 * MIB), { level: 9 }))),
  },
  {
    reader: 'mat',
    name: 'structs in one another',
    error: /nested too deeply/,
    make: () => {
      const names = Buffer.concat([
        matElement(5, Buffer.from(Int32Array.of(8).buffer)),
        matElement(1, Buffer.from('f\0\0\0\0\0\0\0')),
      ]);
      let inner = matMatrix(6, [1, 1], '', matElement(9, Buffer.alloc(8)));
      for (let i = 0; i < 2000; i++) inner = matMatrix(2, [1, 1], '', names, inner);
      return matFile(inner);
    },
  },
  {
    reader: 'mat',
    name: 'a cell array',
    error: /array class 1/,
    make: () => matFile(matMatrix(1, [1, 1], 'c', matMatrix(6, [1, 1], '', matElement(9, Buffer.alloc(8))))),
  },
  {
    reader: 'mat',
    name: 'a shape of 2^31 − 1 by 2^31 − 1',
    error: /do not fill/,
    make: () => matFile(matMatrix(6, [2 ** 31 - 1, 2 ** 31 - 1], 'x', matElement(9, Buffer.alloc(8)))),
  },
  {
    reader: 'mat',
    name: 'a shape of 0 by 2^31 − 1',
    make: () => matFile(matMatrix(6, [0, 2 ** 31 - 1], 'x', matElement(9, Buffer.alloc(0)))),
  },
  ...(
    [
      ['4,096 signals of 2^26 samples', 4096, '67108864', '1', /cut off|size of the header/],
      ['a data record of 2^27 bytes, and none of them', 1, '67108864', '0', undefined],
      ['a data record of 2^27 bytes, and −1 of them', 1, '67108864', '-1', undefined],
      ['10^8 − 1 data records of one sample', 1, '1', '99999999', /cut off/],
      ['2^21 data records of one sample', 1, '1', '-1', undefined],
      ['2^18 data records, each after a gap of ten minutes', 2, '1', '-1', tooMuch],
    ] as const
  ).map(
    ([name, signals, samples, records, error]): Hostile => ({
      reader: 'edf',
      name,
      error,
      make: () => edfFile(signals, samples, records, name.includes('gap')),
    }),
  ),
  ...(
    [
      ['a million levels of elements', '<a>'.repeat(1e6), /nested too deeply/],
      ['ten million elements', `<a>${'<b/>'.repeat(1e7)}</a>`, /too many elements/],
      [
        'a million attributes',
        `<a ${Array.from({ length: 1e6 }, (_, i) => `a${i}=""`).join(' ')}/>`,
        /too many elements/,
      ],
      ['a million attributes of one name', `<a ${'a="" '.repeat(1e6)}/>`, /not well-formed/],
      ['a tag with 60 million blanks', `<a${' '.repeat(6e7)}`, /not well-formed/],
      ['a million blanks before each of 60 attributes', `<a${`${' '.repeat(1e6)}a`.repeat(60)}>`, /not well-formed/],
      ['a name of 30 million letters', `<${'a'.repeat(3e7)}/>`, /not an HL7 aECG/],
      ['a comment of 60 million letters', `<!--${'a'.repeat(6e7)}--><AnnotatedECG/>`, /no rhythm series/],
      ['five million references', `<AnnotatedECG>${'&lt;'.repeat(5e6)}</AnnotatedECG>`, /too many elements/],
      ['a file of 65 MiB', `<a>${' '.repeat(65 * MIB)}</a>`, /too large/],
      ['a billion laughs', '<!DOCTYPE a [<!ENTITY b "b"><!ENTITY c "&b;&b;">]><a>&c;</a>', /declares entities/],
      ['16 million digits', rhythmOf('1 '.repeat(1.6e7)), undefined],
      ['a digit of 30 million letters', rhythmOf('1'.repeat(3e7)), /a digit cannot be used/],
    ] as const
  ).map(([name, text, error]): Hostile => ({ reader: 'aecg', name, error, make: () => latin1(text) })),
  ...(
    [
      [
        'a thousand sequences in one another',
        dicomFile('\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff'.repeat(1000)),
        /nested too deeply/,
      ],
      ['a million elements', dicomFile('\x08\x00\x05\x00CS\0\0'.repeat(1e6)), /too many elements/],
      [
        'a million items',
        dicomFile(`\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff${'\xfe\xff\x00\xe0\0\0\0\0'.repeat(1e6)}`),
        /too many elements/,
      ],
      ['an element of 4 GiB', dicomFile('\x08\x00\x05\x00OB\0\0\xfe\xff\xff\xff'), /cut off/],
    ] as const
  ).map(([name, content, error]): Hostile => ({ reader: 'dicom', name, error, make: () => latin1(content) })),
  {
    reader: 'muse',
    name: 'a file of 66 MiB',
    error: /too large/,
    make: () => latin1(`<RestingECG><Waveform>${'<x>'.padEnd(66 * MIB)}</x></Waveform></RestingECG>`),
  },
  {
    reader: 'hdf5',
    name: '1,000 headers that go on in the same 60,000 messages',
    error: tooMuch,
    make: () => sharedContinuations(1000),
  },
  {
    reader: 'checkpoint',
    name: 'keys of 4,000 characters in four bytes each',
    error: tooMuch,
    make: () => {
      const digits = (i: number): Buffer => Buffer.from(String(i).padStart(6, '0'));
      const entries = Array.from({ length: 150_000 }, (_, i) =>
        indexEntry(
          i === 0 ? 0 : 4000,
          Buffer.concat([i === 0 ? Buffer.alloc(4000, 'k') : Buffer.alloc(0), digits(i)]),
          Buffer.alloc(0),
        ),
      );
      return indexFile(Buffer.concat([indexHeader, ...entries]));
    },
  },
  {
    reader: 'checkpoint',
    name: '8 million fields in one entry',
    error: /does not have the size|more memory/,
    make: () =>
      indexFile(
        Buffer.concat([indexHeader, indexEntry(0, Buffer.from('k'), Buffer.alloc(16 * MIB, latin1('\x08\x01')))]),
      ),
  },
];
