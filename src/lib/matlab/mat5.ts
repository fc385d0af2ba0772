import { basename } from 'node:path';
import { inflateSync } from 'node:zlib';
import { InputError } from '../../errors.ts';
import { Budget } from '../budget.ts';
import { allocate, type DType, type NdArray, ndarray } from '../numpy/ndarray.ts';
import { readWholeFile } from '../python/whole_file.ts';

/** A value of a MATLAB file: a numeric array in C order, a text, or a struct of one element. */
export type MatValue = NdArray | string | MatStruct;

/** Fields of a MATLAB struct. */
export type MatStruct = ReadonlyMap<string, MatValue>;

/** Memory of a variable or field beside its numbers. */
const MATRIX_BYTES = 300;
/** Files are held whole. */
const MAX_BYTES = 2 ** 27;
const MAX_DEPTH = 16;

// Data types of elements (mi…) and classes of arrays (mx…), as the format's description names them.
const miInt8 = 1;
const miUint32 = 6;
const miMatrix = 14;
const miCompressed = 15;
const elementTypes: ReadonlyMap<number, DType> = new Map([
  [1, 'int8'],
  [2, 'uint8'],
  [3, 'int16'],
  [4, 'uint16'],
  [5, 'int32'],
  [6, 'uint32'],
  [7, 'float32'],
  [9, 'float64'],
  [12, 'int64'],
  [13, 'uint64'],
]);
const mxStruct = 2;
const mxChar = 4;
const arrayClasses: ReadonlyMap<number, DType> = new Map([
  [6, 'float64'],
  [7, 'float32'],
  [8, 'int8'],
  [9, 'uint8'],
  [10, 'int16'],
  [11, 'uint16'],
  [12, 'int32'],
  [13, 'uint32'],
  [14, 'int64'],
  [15, 'uint64'],
]);
const textTypes: ReadonlyMap<number, BufferEncoding> = new Map([
  [2, 'latin1'],
  [4, 'utf16le'],
  [16, 'utf8'],
  [17, 'utf16le'],
]);

/**
 * Reads a MATLAB 5 file: real numeric arrays, one-line texts and structs of one element, packed or not. Covers what ECG data sets use of
 * `scipy.io.loadmat(file, mat_dtype=True)`; arrays keep their class and their two or more axes, as there.
 *
 * @throws FileNotFoundError; InputError naming the byte for damaged files and for what is not supported (complex, sparse, cell, object, function,
 *   logical arrays keep their numbers; big-endian files; MATLAB 7.3 files, which are HDF5).
 */
export function loadmat(file: string): MatStruct {
  const { buffer, byteLength } = readWholeFile(file, { maxBytes: MAX_BYTES });
  return parseMat(Buffer.from(buffer, 0, byteLength), file);
}

/** Parses the bytes of a MATLAB 5 file; `file` is named in errors. */
export function parseMat(bytes: Buffer, file: string): MatStruct {
  if (bytes.subarray(124, 128).toString('latin1') !== '\x00\x01IM') {
    throw new InputError('this is not a little-endian MATLAB 5 file', {
      file,
      got: otherKind(bytes),
      expected: 'a file that MATLAB saved with -v7',
      next: `In MATLAB: s = load('${basename(file)}'); save('${basename(file)}', '-struct', 's', '-v7')`,
    });
  }
  const variables = new Map<string, MatValue>();
  // Numbers can be stored in one byte each and become float64.
  const budget = new Budget(file, bytes.length, { maxBytes: MAX_BYTES + 8 * bytes.length });
  const reader = new ElementReader(bytes, 128, file);
  while (!reader.atEnd()) {
    const element = reader.next();
    const matrix = element.type === miCompressed ? unpack(element, file, budget) : element;
    if (matrix.type !== miMatrix)
      fail(file, matrix.at, 'a variable is no matrix', `type ${matrix.type}`, `type ${miMatrix}`);
    const { name, value } = readMatrix(matrix, file, budget, 0);
    variables.set(name, value);
  }
  return variables;
}

/** How a file of MATLAB 4 is called in messages. */
export const matlab4 = 'a MATLAB 4 file';

/** What a file that is no MATLAB 5 file is. */
function otherKind(bytes: Buffer): string {
  if (bytes.length < 20) return `${bytes.length} bytes`;
  const isHdf5 = [0, 512].some((at) => bytes.subarray(at, at + 8).toString('latin1') === '\x89HDF\r\n\x1a\n');
  if (isHdf5) return 'a MATLAB 7.3 file (HDF5)';
  if (bytes.subarray(124, 128).toString('latin1') === '\x01\x00MI') return 'a big-endian MATLAB 5 file';
  // MATLAB 4 begins with type, rows, columns, imaginary flag and length of the name.
  const [type = 0, rows = 0, columns = 0, imaginary = 0, name = 0] = Array.from({ length: 5 }, (_, i) =>
    bytes.readUInt32LE(4 * i),
  );
  const isMatlab4 = type <= 52 && type % 10 <= 2 && rows > 0 && columns > 0 && imaginary <= 1 && name > 0 && name <= 64;
  return isMatlab4 ? matlab4 : 'another kind of file';
}

interface Element {
  readonly type: number;
  readonly data: Buffer;
  /** Byte at which it begins, in the file or in what was unpacked. */
  readonly at: number;
}

/** Walks over tagged elements: eight bytes of tag and data filled up to eight, or up to four bytes of data inside the tag. */
class ElementReader {
  readonly #bytes: Buffer;
  readonly #file: string;
  #at: number;

  constructor(bytes: Buffer, at: number, file: string) {
    this.#bytes = bytes;
    this.#at = at;
    this.#file = file;
  }

  atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  next(): Element {
    const at = this.#at;
    if (at + 8 > this.#bytes.length)
      fail(this.#file, at, 'the file ends inside of an element', `${this.#bytes.length - at} bytes`, '8 bytes of tag');
    const word = this.#bytes.readUInt32LE(at);
    const small = word >>> 16;
    const type = small ? word & 0xffff : word;
    const size = small || this.#bytes.readUInt32LE(at + 4);
    const start = at + (small ? 4 : 8);
    if ((small && small > 4) || start + size > this.#bytes.length) {
      fail(
        this.#file,
        at,
        'the file ends inside of an element',
        `${this.#bytes.length - start} bytes`,
        `${size} bytes of data`,
      );
    }
    // Packed elements alone are not filled up.
    const filled = small || type === miCompressed ? size : Math.ceil(size / 8) * 8;
    this.#at = small ? at + 8 : start + filled;
    return { type, data: this.#bytes.subarray(start, start + size), at };
  }

  /** The next element, which has to be of this type. */
  expect(type: number, what: string): Element {
    const element = this.next();
    if (element.type !== type)
      fail(this.#file, element.at, `${what} is missing`, `type ${element.type}`, `type ${type}`);
    return element;
  }
}

function unpack(packed: Element, file: string, budget: Budget): Element {
  let bytes: Buffer;
  try {
    bytes = inflateSync(packed.data, { maxOutputLength: Math.max(1, budget.bytesLeft) });
  } catch (error) {
    return fail(
      file,
      packed.at,
      'a variable cannot be unpacked',
      (error as Error).message,
      `zlib data of at most ${budget.bytesLeft} bytes`,
    );
  }
  budget.spend(bytes.length, 'a packed variable');
  return new ElementReader(bytes, 0, file).next();
}

function readMatrix(matrix: Element, file: string, budget: Budget, depth: number): { name: string; value: MatValue } {
  if (depth > MAX_DEPTH)
    fail(file, matrix.at, 'structs are nested too deeply', `more than ${MAX_DEPTH} levels`, 'fewer');
  budget.spend(MATRIX_BYTES, 'a variable or field');
  const reader = new ElementReader(matrix.data, 0, file);
  const flags = reader.expect(miUint32, 'the flags of a matrix').data;
  const shape = readShape(reader.expect(5, 'the shape of a matrix'), file);
  const name = reader.expect(miInt8, 'the name of a matrix').data.toString('latin1');
  const place = `${name || 'a field'}`;
  if (flags.length < 8) fail(file, matrix.at, `${place} has no flags`, `${flags.length} bytes`, '8 bytes');
  const arrayClass = flags[0];
  const complex = (flags[1] & 8) !== 0;
  const dtype = arrayClasses.get(arrayClass);
  if (complex || (!dtype && arrayClass !== mxStruct && arrayClass !== mxChar)) {
    fail(
      file,
      matrix.at,
      `${place} is not supported`,
      complex ? 'complex numbers' : `array class ${arrayClass}`,
      'real numbers, text or struct',
    );
  }
  if (arrayClass === mxStruct) return { name, value: readStruct(reader, shape, file, matrix.at, budget, depth) };
  const data = reader.next();
  if (arrayClass === mxChar) return { name, value: readText(data, shape, file, budget) };
  return { name, value: readNumbers(data, shape, dtype!, file, budget) };
}

function readShape(element: Element, file: string): number[] {
  const extents = element.data.length >> 2;
  if (extents < 2 || extents > 32 || element.data.length % 4 !== 0)
    fail(file, element.at, 'the shape cannot be used', `${element.data.length} bytes`, 'two axes or more');
  const shape = Array.from({ length: extents }, (_, i) => element.data.readInt32LE(i * 4));
  if (shape.some((extent) => extent < 0))
    fail(file, element.at, 'the shape cannot be used', `(${shape.join(', ')})`, 'no negative extents');
  return shape;
}

function readStruct(
  reader: ElementReader,
  shape: number[],
  file: string,
  at: number,
  budget: Budget,
  depth: number,
): MatStruct {
  if (shape.some((extent) => extent !== 1))
    fail(file, at, 'arrays of structs are not supported', `shape (${shape.join(', ')})`, '(1, 1)');
  const length = reader.expect(5, 'the length of field names').data;
  const width = length.length === 4 ? length.readInt32LE(0) : 0;
  const names = reader.expect(miInt8, 'the field names');
  if (width < 1 || names.data.length % width !== 0)
    fail(file, names.at, 'the field names cannot be used', `${names.data.length} bytes`, `a multiple of ${width}`);
  const fields = new Map<string, MatValue>();
  for (let i = 0; i < names.data.length; i += width) {
    const field = names.data
      .subarray(i, i + width)
      .toString('latin1')
      .replace(/\0.*$/s, '');
    if (!/^[A-Za-z]\w*$/.test(field) || fields.has(field)) {
      fail(file, names.at, 'a field name cannot be used', JSON.stringify(field), 'a MATLAB name, once');
    }
    const element = reader.expect(miMatrix, `field ${JSON.stringify(field)}`);
    fields.set(field, readMatrix(element, file, budget, depth + 1).value);
  }
  return fields;
}

function readText(data: Element, shape: number[], file: string, budget: Budget): string {
  const encoding = textTypes.get(data.type);
  const length = shape.reduce((size, extent) => size * extent, 1);
  if (encoding === undefined || shape.length !== 2 || (shape[0] !== 1 && length > 0)) {
    return fail(
      file,
      data.at,
      'the text is not supported',
      `type ${data.type}, shape (${shape.join(', ')})`,
      'one line of text',
    );
  }
  budget.spend(2 * data.data.length, 'a text');
  const text = data.data.toString(encoding);
  if (text.length !== length)
    fail(file, data.at, 'the text has another length than its shape', `${text.length}`, `${length}`);
  return text;
}

/** Numbers may be stored in a smaller type than that of their array, and always column by column. */
function readNumbers(data: Element, shape: number[], dtype: DType, file: string, budget: Budget): NdArray {
  const stored = elementTypes.get(data.type);
  if (!stored || (stored.startsWith('float') && !dtype.startsWith('float'))) {
    return fail(
      file,
      data.at,
      'the numbers cannot be used',
      `type ${data.type} in an array of ${dtype}`,
      'a type that fits',
    );
  }
  budget.spend(data.data.length, 'an array');
  const source = viewOf(stored, data.data);
  const size = shape.reduce((product, extent) => product * extent, 1);
  if (source?.length !== size)
    fail(
      file,
      data.at,
      'the data do not fill the array',
      `${data.data.length} bytes of ${stored}`,
      `shape (${shape.join(', ')})`,
    );
  const out = allocate(dtype, size);
  budget.spend(out.byteLength, 'an array');
  const wide = typeof out[0] === 'bigint';
  // In C order the last axis runs fastest; `columns[axis]` is how far one step along it goes in the file.
  const columns = shape.map((_, axis) => shape.slice(0, axis).reduce((product, extent) => product * extent, 1));
  const index = shape.map(() => 0);
  let from = 0;
  for (let i = 0; i < size; i++) {
    const value = source[from];
    out[i] = (wide ? BigInt(value) : Number(value)) as never;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += columns[axis];
      if (++index[axis] < shape[axis]) break;
      from -= columns[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return ndarray(dtype, shape, out);
}

function viewOf(dtype: DType, bytes: Buffer): ArrayLike<number | bigint> | undefined {
  const size = allocate(dtype, 1).BYTES_PER_ELEMENT;
  if (bytes.length % size !== 0) return undefined;
  const out = allocate(dtype, bytes.length / size);
  new Uint8Array(out.buffer, out.byteOffset, out.byteLength).set(bytes);
  return out;
}

function fail(file: string, at: number, summary: string, got: string, expected: string): never {
  throw new InputError(summary, { file, where: `byte ${at}`, got, expected });
}
