import { widenBfloat16 } from '../numpy/bfloat16.ts';
import { decodeElements } from '../numpy/element_type.ts';
import { type DType, itemSize, type NdArray } from '../numpy/ndarray.ts';
import { type FileBytes, undefinedAddress } from './bytes.ts';
import { type HeaderMessage, hasAttribute } from './object_header.ts';

/** A data set and the bytes of the file that it occupies. */
export interface StoredArray {
  readonly array: NdArray;
  readonly at: number;
  readonly size: number;
}

/** Messages of a data set's object header. */
export interface DatasetMessages {
  readonly dataspace: HeaderMessage;
  readonly datatype: HeaderMessage;
  readonly layout: HeaderMessage;
  /** Every message of the header. */
  readonly messages: readonly HeaderMessage[];
}

const maxRank = 32;
const plain = 'Keras writes contiguous numbers: save the weights again with Keras 3.';

/** Reads a contiguous or compact data set of numbers (bfloat16 becomes float32). Anything else is an InputError that names the data set. */
export function readDataset(
  source: FileBytes,
  path: string,
  { dataspace, datatype, layout, messages }: DatasetMessages,
): StoredArray {
  const shape = readShape(source, path, dataspace);
  const { dtype, bigEndian } = readDtype(source, path, datatype, hasAttribute(source, messages, 'dtype'));
  const width = dtype === 'bfloat16' ? 2 : itemSize[dtype];
  const size = shape.reduce((bytes, extent) => bytes * extent, width);
  if (!(size <= source.bytes.byteLength)) {
    throw source.error(`${path} claims more values than the file can hold`, dataspace.at, {
      got: `${dtype} of shape (${shape.join(', ')})`,
      expected: `at most ${source.bytes.byteLength} bytes`,
    });
  }
  const at = readLayout(source, path, layout, size);
  const bytes = source.slice(at, size, `values of ${path}`);
  const array =
    dtype === 'bfloat16'
      ? widenBfloat16(shape, bytes)
      : (decodeElements(
          { dtype, bigEndian, itemSize: width },
          shape,
          false,
          bigEndian ? bytes.slice() : bytes,
        ) as NdArray);
  return { array, at, size };
}

function readShape(source: FileBytes, path: string, { at, size }: HeaderMessage): number[] {
  const version = source.u8(at);
  const rank = source.u8(at + 1);
  const isNull = version === 2 && source.u8(at + 3) === 2;
  if ((version !== 1 && version !== 2) || rank > maxRank || isNull) {
    throw source.error(`${path} has a shape that cannot be used`, at, {
      got: isNull ? 'a null dataspace' : `version ${version}, rank ${rank}`,
      expected: `version 1 or 2, rank up to ${maxRank}`,
    });
  }
  const start = version === 1 ? 8 : 4;
  if (start + 8 * rank > size) throw source.error(`the shape of ${path} is incomplete`, at);
  return Array.from({ length: rank }, (_, axis) => source.size(at + start + 8 * axis));
}

const integers: Readonly<Record<string, DType>> = {
  u1: 'uint8',
  i1: 'int8',
  u2: 'uint16',
  i2: 'int16',
  u4: 'uint32',
  i4: 'int32',
  u8: 'uint64',
  i8: 'int64',
};

/** IEEE formats as HDF5 spells them: exponent location, exponent size, mantissa location, mantissa size, bias. */
const floats: Readonly<Record<number, readonly [DType, string]>> = {
  2: ['float16', '10,5,0,10,15'],
  4: ['float32', '23,8,0,23,127'],
  8: ['float64', '52,11,0,52,1023'],
};

const classNames = [
  'integers',
  'floating-point numbers',
  'times',
  'strings',
  'bit fields',
  'opaque values',
  'compound values',
  'references',
  'enumerated values',
  'variable-length values',
  'arrays',
];

interface StoredType {
  readonly dtype: DType | 'bfloat16';
  readonly bigEndian: boolean;
}

function readDtype(source: FileBytes, path: string, { at, size }: HeaderMessage, isKeras: boolean): StoredType {
  const kind = source.u8(at) & 0x0f;
  const bytes = source.u32(at + 4);
  const refuse = (got: string) =>
    source.error(`${path} holds values of a kind that weights do not have`, at, {
      got,
      expected: 'integers, IEEE 754 numbers, or bfloat16 as Keras stores it',
      next: plain,
    });
  const bits = source.u8(at + 1);
  // HDF5 has no bfloat16. Keras stores it as opaque two-byte values, marked by an attribute.
  if (kind === 5 && bytes === 2 && isKeras) return { dtype: 'bfloat16', bigEndian: false };
  if (kind > 1) throw refuse(classNames[kind] ?? `datatype class ${kind}`);
  const bigEndian = (bits & 0x01) !== 0;
  if (size < (kind === 0 ? 12 : 20)) throw source.error(`the datatype of ${path} is incomplete`, at);
  const padded = source.u16(at + 8) !== 0 || source.u16(at + 10) !== 8 * bytes;
  if (kind === 0) {
    const dtype = integers[`${(bits & 0x08) === 0 ? 'u' : 'i'}${bytes}`];
    if (dtype === undefined || padded) throw refuse(`integers of ${bytes} bytes`);
    return { dtype, bigEndian };
  }
  const [dtype, format] = floats[bytes] ?? [];
  const found = [12, 13, 14, 15].map((offset) => source.u8(at + offset)).concat(source.u32(at + 16));
  const signAt = source.u8(at + 2);
  if (dtype === undefined || padded || found.join() !== format || signAt !== 8 * bytes - 1 || (bits & 0x70) !== 0x20) {
    throw refuse(`floating-point numbers of ${bytes} bytes that are not IEEE 754`);
  }
  return { dtype, bigEndian };
}

/** Where the `size` bytes of values lie. */
function readLayout(source: FileBytes, path: string, { at, size: messageSize }: HeaderMessage, size: number): number {
  const version = source.u8(at);
  const kind = source.u8(at + 1);
  if (version === 3 && kind === 0) {
    const stored = source.u16(at + 2);
    if (stored !== size || 4 + stored > messageSize) throw wrongSize(source, path, at, stored, size);
    return at + 4;
  }
  if (version !== 3 || kind !== 1) {
    const kinds = ['compact', 'contiguous', 'chunked', 'virtual'];
    throw source.error(`${path} is not stored in one piece`, at, {
      got:
        kind === 3
          ? 'a virtual data set, whose sources are never opened'
          : `layout ${kinds[kind] ?? kind}, version ${version}`,
      expected: 'contiguous values',
      next: plain,
    });
  }
  const address = source.address(at + 2);
  const stored = source.size(at + 10);
  if (stored !== size) throw wrongSize(source, path, at, stored, size);
  if (address === undefinedAddress && size > 0) throw source.error(`${path} was never written`, at, { next: plain });
  return size === 0 ? 0 : address;
}

function wrongSize(source: FileBytes, path: string, at: number, got: number, expected: number) {
  return source.error(`${path} does not have the size that its shape and type need`, at, {
    got: `${got} bytes`,
    expected: `${expected} bytes`,
  });
}
