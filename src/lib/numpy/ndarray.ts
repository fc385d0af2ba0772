/** NumPy's names of the supported element types. */
export type DType =
  | 'bool'
  | 'int8'
  | 'uint8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'uint64'
  | 'float16'
  | 'float32'
  | 'float64';

/** Storage of each dtype: `bool` is one byte of 0 or 1, `float16` holds the raw 16 bits. */
export interface Storage {
  bool: Uint8Array;
  int8: Int8Array;
  uint8: Uint8Array;
  int16: Int16Array;
  uint16: Uint16Array;
  int32: Int32Array;
  uint32: Uint32Array;
  int64: BigInt64Array;
  uint64: BigUint64Array;
  float16: Uint16Array;
  float32: Float32Array;
  float64: Float64Array;
}

/** A numeric array in C order: `data` holds exactly the product of `shape` elements. Twin of `numpy.ndarray`. */
export interface NdArray<D extends DType = DType> {
  readonly dtype: D;
  readonly shape: readonly number[];
  readonly data: Storage[D];
}

const constructors: { [D in DType]: new (source: number | ArrayBufferLike) => Storage[D] } = {
  bool: Uint8Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  float16: Uint16Array,
  float32: Float32Array,
  float64: Float64Array,
};

/** Bytes of one element. */
export const itemSize: { readonly [D in DType]: number } = {
  bool: 1,
  int8: 1,
  uint8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  uint64: 8,
  float16: 2,
  float32: 4,
  float64: 8,
};

/** Number of elements of an array of this shape. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, extent) => size * extent, 1);
}

/** Storage of `size` zeros. */
export function allocate<D extends DType>(dtype: D, size: number): Storage[D] {
  return new constructors[dtype](size);
}

/** Array of zeros. Twin of `numpy.zeros`. */
export function zeros<D extends DType>(dtype: D, shape: readonly number[]): NdArray<D> {
  return { dtype, shape: [...shape], data: allocate(dtype, sizeOf(shape)) };
}

/** Array over existing storage. Throws a RangeError if the number of elements does not match the shape. */
export function ndarray<D extends DType>(dtype: D, shape: readonly number[], data: Storage[D]): NdArray<D> {
  if (data.length !== sizeOf(shape)) {
    throw new RangeError(`${data.length} elements do not fill an array of shape (${shape.join(', ')})`);
  }
  return { dtype, shape: [...shape], data };
}

/** The elements as bytes, without a copy. */
export function bytesOf(array: NdArray): Uint8Array {
  return new Uint8Array(array.data.buffer, array.data.byteOffset, array.data.byteLength);
}

/** Array over little-endian bytes. Copies them only if they are not aligned. */
export function fromBytes<D extends DType>(dtype: D, shape: readonly number[], bytes: Uint8Array): NdArray<D> {
  const aligned = bytes.byteOffset % itemSize[dtype] === 0 ? bytes : new Uint8Array(bytes);
  const size = sizeOf(shape);
  if (aligned.byteLength !== size * itemSize[dtype]) {
    throw new RangeError(`${aligned.byteLength} bytes do not fill ${dtype} of shape (${shape.join(', ')})`);
  }
  const make = constructors[dtype] as unknown as new (
    buffer: ArrayBufferLike,
    offset: number,
    length: number,
  ) => Storage[D];
  return { dtype, shape: [...shape], data: new make(aligned.buffer, aligned.byteOffset, size) };
}
