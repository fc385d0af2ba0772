import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { InputError } from '../../../errors.ts';
import { isArray } from '../../../lib/numpy/object_array.ts';
import { writeFileAtomic } from '../../../lib/python/atomic_file.ts';
import { Tuple } from '../../../lib/python/tuple.ts';
import { loadPkl } from '../../../port/transplant/utils.ts';
import { sameText } from '../../closeness.ts';
import type { SuiteCase } from '../../suite.ts';

/** Pieces of a pickle: a character is an opcode of one ASCII letter, a number a byte. */
function bytes(...pieces: readonly (string | number | Uint8Array)[]): Buffer {
  return Buffer.concat(
    pieces.map((piece) =>
      typeof piece === 'number'
        ? Buffer.of(piece)
        : typeof piece === 'string'
          ? Buffer.from(piece, 'latin1')
          : Buffer.from(piece),
    ),
  );
}

const protocol = '\x80\x05';

const number = (value: number): Buffer => bytes('K', value);

/** A little-endian length of 4 or 8 bytes. */
function length(value: number, size: 4 | 8): Buffer {
  const buffer = Buffer.alloc(size);
  buffer.writeUInt32LE(value);
  return buffer;
}

function float(value: number): Buffer {
  const buffer = Buffer.alloc(8);
  buffer.writeDoubleBE(value);
  return bytes('G', buffer);
}

const text = Buffer.from('é∑𝄞 ');

/** An array of two uint16, as NumPy's `__reduce__` states it. */
const array = bytes(
  'cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85C\x01bt\x52(K\x01K\x02\x85cnumpy\ndtype\n(U\x02u2K\x00K\x01t\x52',
  '(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tbK\x00C\x04\x01\x02\xff\xfftb',
);

/** A list of texts. Every second one is empty, and ends where a reader's piece of the file can end: at a power of two. */
function emptyTextsAtEnds(): Buffer {
  const pieces = [bytes('](')];
  let end = protocol.length + pieces[0].length;
  for (let exponent = 10; exponent <= 18; exponent++) {
    const filler = 'x'.repeat(2 ** exponent - end - 10);
    pieces.push(bytes('X', length(filler.length, 4), filler, 'X', length(0, 4)));
    end = 2 ** exponent;
  }
  return bytes(...pieces, 'e');
}

/** Each pushes one value. Most picklers write few of the opcodes, and none writes all of these. */
const programs: { readonly [title: string]: Buffer } = {
  'DUP, LIST': bytes('(', number(1), '2l'),
  'DUP of a list that grows later': bytes('(]2', number(5), 'al'),
  POP: bytes(number(1), number(2), '0'),
  'POP of a mark': bytes(number(3), '(0'),
  POP_MARK: bytes(number(4), '(', number(5), number(6), '1'),
  'DICT, a key twice': bytes('(', number(1), number(2), number(3), number(4), number(1), number(5), 'd'),
  'EMPTY_DICT, SETITEM': bytes('}', number(1), number(2), 's', number(0), '\x88s'),
  SETITEMS: bytes('}(', number(1), number(2), number(7), 'Nu'),
  'EMPTY_LIST, APPENDS of none': bytes('](e'),
  'APPEND, APPENDS': bytes(']', number(1), 'a(', number(2), number(3), 'e'),
  'EMPTY_TUPLE, TUPLE of none': bytes('()(tt'),
  'TUPLE1, TUPLE2, TUPLE3': bytes(number(1), '\x85', number(2), '\x86', number(3), number(4), '\x87'),
  'EMPTY_SET, ADDITEMS': bytes('\x8f(', number(2), number(1), number(2), '\x90(\x90'),
  FROZENSET: bytes('(', number(9), number(8), '\x91'),
  'NONE, NEWTRUE, NEWFALSE': bytes('(N\x88\x89l'),
  'BININT1, BININT2, BININT': bytes('(K\xffM\xfe\xffJ\xfe\xff\xff\xffJ\xff\xff\xff\x7fl'),
  'LONG1 of no, one and nine bytes': bytes(
    '(\x8a\x00\x8a\x01\x80\x8a\x02\x80\x00\x8a\x09\x01\x02\x03\x04\x05\x06\x07\x08\xf9l',
  ),
  LONG4: bytes('\x8b', length(3, 4), '\x01\x02\x83'),
  'BINFLOAT, whole numbers first and last': bytes('(', float(2), float(0.5), float(-1e300), float(-3), 'l'),
  'SHORT_BINSTRING, BINSTRING': bytes('(U\x02abT', length(3, 4), 'cdel'),
  'SHORT_BINUNICODE, BINUNICODE, BINUNICODE8': bytes(
    ...['(\x8c', text.length, text, 'X', length(text.length, 4), text, '\x8d', length(text.length, 8), text, 'l'],
  ),
  'SHORT_BINBYTES, BINBYTES, BINBYTES8, BYTEARRAY8': bytes(
    ...['(C\x02\x00\xffB', length(1, 4), '\x80\x8e', length(2, 8), '\x7f\x81\x96', length(3, 8), '\x01\x02\x03l'],
  ),
  'BINPUT, LONG_BINPUT, MEMOIZE, BINGET, LONG_BINGET': bytes(
    ...['(', number(1), 'q\x06', number(2), 'r', length(300, 4), number(3), '\x94'],
    ...['h\x06j', length(300, 4), 'h\x02j', length(6, 4), 'l'],
  ),
  'BINPUT of another value in the same place': bytes('(', number(1), 'q\x07', number(2), 'q\x07h\x07l'),
  'a list in a list twice, its first item a whole float': bytes('((', float(4), number(5), 'l2l'),
  'an array, first in a list, twice': bytes('((', array, '2l2l'),
  'an array as a value of a dict': bytes('}', number(1), array, 's'),
  FRAME: bytes('\x95', length(2, 8), number(6)),
  'empty texts at the ends of pieces': emptyTextsAtEnds(),
  'PROTO in the middle': bytes('\x80\x03', number(7)),
};

/** A value as text, types and all, as `files.described` in Python gives it. */
function described(value: unknown): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value !== 'object') return String(value);
  const joined = (values: Iterable<unknown>): string => Array.from(values, described).join(', ');
  if (value instanceof Uint8Array) return `bytes(${value.join(', ')})`;
  if (value instanceof Tuple) return `tuple(${joined(value)})`;
  if (Array.isArray(value)) return `list(${joined(value)})`;
  if (value instanceof Set) return `set(${Array.from(value, described).sort().join(', ')})`;
  if (value instanceof Map) return `dict(${joined([...value].map((entry) => Tuple.from(entry)))})`;
  if (isArray(value))
    return `array(${value.dtype}, ${value.shape.join(' ')}: ${Array.from(value.data as ArrayLike<number>).join(', ')})`;
  return `an object of ${Object.keys(value).join(', ')}`;
}

/** What Python's pickle machine does that no pickler asks of it. */
export const opcodeCase: SuiteCase = {
  name: 'pickles with opcodes that no pickler writes',
  on: {},
  quick: true,
  run: async ({ original, scratch }) => {
    const [ours, theirs]: [string[], string[]] = [[], []];
    for (const [title, program] of Object.entries(programs)) {
      const file = join(scratch, 'opcodes.pkl');
      writeFileAtomic(file, gzipSync(bytes(protocol, program, '.')));
      ours.push(`${title}: ${await readOrRefused(file)}`);
      theirs.push(`${title}: ${await original.files.described(file)}`);
    }
    return [sameText('files', `values of ${ours.length} pickles`, ours.join('\n'), theirs.join('\n'))];
  },
};

async function readOrRefused(file: string): Promise<string> {
  try {
    return described(await loadPkl(file));
  } catch (error) {
    if (error instanceof InputError) return 'refused';
    throw error;
  }
}
