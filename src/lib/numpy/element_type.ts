import { type DType, fromBytes, itemSize, type NdArray, ndarray, sizeOf } from './ndarray.ts';
import type { TextArray } from './object_array.ts';

/** How the elements of a stored array are laid out. */
export interface ElementType {
  readonly dtype: DType | 'object' | 'str';
  /** Bytes of one element; 8 for objects, which are stored as a pickle. */
  readonly itemSize: number;
  readonly bigEndian: boolean;
}

const codes: { readonly [code: string]: DType } = {
  b1: 'bool',
  i1: 'int8',
  u1: 'uint8',
  i2: 'int16',
  u2: 'uint16',
  i4: 'int32',
  u4: 'uint32',
  i8: 'int64',
  u8: 'uint64',
  f2: 'float16',
  f4: 'float32',
  f8: 'float64',
};
const codeOf = new Map(Object.entries(codes).map(([code, dtype]) => [dtype, code]));
/** Memory that a text takes in an array, in addition to its characters. */
const TEXT_BYTES = 32;
const MAX_TEXT_WIDTH = 1 << 20;

/** Reads NumPy's type code, such as `<f4`. Undefined for an unsupported type (complex, dates, bytes, structures). */
export function parseTypeCode(code: string): ElementType | undefined {
  const parts = /^([<>=|]?)([a-zA-Z]\d*)$/.exec(code);
  if (!parts) return undefined;
  const [, order, name] = parts;
  const bigEndian = order === '>';
  const dtype = codes[name];
  if (dtype) return { dtype, itemSize: itemSize[dtype], bigEndian };
  if (name === 'O' || name === 'O8') return { dtype: 'object', itemSize: 8, bigEndian: false };
  const width = /^U(\d{1,7})$/.exec(name)?.[1];
  if (width === undefined || Number(width) > MAX_TEXT_WIDTH) return undefined;
  return { dtype: 'str', itemSize: 4 * Number(width), bigEndian };
}

/** NumPy's code of a type in little-endian order, which is this machine's, such as `<f4`, `|b1`, `<U12`, `|O`. */
export function typeCode(array: { readonly dtype: DType | 'object' | 'str'; readonly width?: number }): string {
  if (array.dtype === 'object') return '|O';
  if (array.dtype === 'str') return `<U${array.width}`;
  return `${itemSize[array.dtype] === 1 ? '|' : '<'}${codeOf.get(array.dtype)}`;
}

/** Largest memory that `decodeElements` takes in addition to the stored bytes. */
export function decodingCost(type: ElementType, shape: readonly number[], fortranOrder: boolean): number {
  const size = sizeOf(shape);
  if (type.dtype === 'str') return size * (TEXT_BYTES + type.itemSize / 2) * (fortranOrder ? 2 : 1);
  // Unaligned bytes are copied.
  return size * type.itemSize * (fortranOrder && shape.length > 1 ? 2 : type.itemSize > 1 ? 1 : 0);
}

/**
 * Array from its stored bytes. May change the bytes and keep them as its data.
 *
 * @throws RangeError if the bytes do not fill the shape, or contain an invalid character.
 */
export function decodeElements(
  type: ElementType,
  shape: readonly number[],
  fortranOrder: boolean,
  bytes: Uint8Array,
): NdArray | TextArray {
  if (type.dtype === 'object') throw new RangeError('objects are not stored as bytes');
  const size = sizeOf(shape);
  if (bytes.byteLength !== size * type.itemSize) {
    throw new RangeError(`${bytes.byteLength} bytes do not fill ${size} elements of ${type.itemSize} bytes`);
  }
  if (type.dtype === 'str') {
    const texts = Array.from({ length: size }, (_, i) => decodeText(bytes, i * type.itemSize, type));
    return {
      dtype: 'str',
      width: type.itemSize / 4,
      shape: [...shape],
      data: fortranOrder ? toRowMajor(texts, shape) : texts,
    };
  }
  if (type.bigEndian) swapBytes(bytes, type.itemSize);
  const array = fromBytes(type.dtype, shape, bytes);
  if (type.dtype === 'bool') for (let i = 0; i < size; i++) if (array.data[i]) array.data[i] = 1;
  return fortranOrder ? ndarray(array.dtype, shape, toRowMajor(array.data, shape)) : array;
}

/** Bytes of a text array: four bytes per character, padded with zeros. */
export function encodeTexts({ data, width }: TextArray): Uint8Array {
  const bytes = Buffer.alloc(data.length * width * 4);
  data.forEach((text, i) => {
    let at = i * width * 4;
    for (const character of [...text].slice(0, width)) at = bytes.writeUInt32LE(character.codePointAt(0)!, at);
  });
  return bytes;
}

function decodeText(bytes: Uint8Array, offset: number, { itemSize, bigEndian }: ElementType): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, itemSize);
  let end = itemSize;
  while (end > 0 && view.getUint32(end - 4) === 0) end -= 4;
  let text = '';
  for (let at = 0; at < end; at += 4) text += String.fromCodePoint(view.getUint32(at, !bigEndian));
  return text;
}

function swapBytes(bytes: Uint8Array, size: number): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (size === 2) buffer.swap16();
  else if (size === 4) buffer.swap32();
  else if (size === 8) buffer.swap64();
}

/** Elements in C order from elements in Fortran order (first axis fastest). */
function toRowMajor<T extends { readonly length: number; slice(): T; [index: number]: unknown }>(
  source: T,
  shape: readonly number[],
): T {
  if (shape.length < 2) return source;
  const target = source.slice();
  const strides = fortranStrides(shape);
  const index = new Array<number>(shape.length).fill(0);
  let from = 0;
  for (let to = 0; to < source.length; to++) {
    target[to] = source[from];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return target;
}

/** Distance between neighbours along each axis, in elements; the first axis is the fastest. */
export function fortranStrides(shape: readonly number[]): number[] {
  let stride = 1;
  return shape.map((extent) => {
    const own = stride;
    stride *= extent;
    return own;
  });
}
