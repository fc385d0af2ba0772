import { InputError } from '../../errors.ts';
import type { Budget } from '../budget.ts';
import { type ByteSource, openFile } from '../python/byte_source.ts';
import { IndexError, ValueError } from '../python/errors.ts';
import { decodeElements, decodingCost, fortranStrides } from './element_type.ts';
import { type DType, type NdArray, sizeOf } from './ndarray.ts';
import { MAX_NPY_HEAD, type NpyHeader, parseNpyHeader } from './npy_header.ts';
import type { TextArray } from './object_array.ts';

/**
 * A numeric `.npy` array that stays on disk. Twin of `numpy.load(path, mmap_mode='r')`. `read` fetches only the bytes that it returns (in Fortran
 * order: the spans that contain them).
 */
export class NpyFile {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly #source: ByteSource;
  readonly #header: NpyHeader;

  /** Throws InputError if the header is invalid, the file is shorter than the header says, or the elements are not numbers. */
  constructor(source: ByteSource) {
    const header = readNpyHead(source);
    if (header.type.dtype === 'object' || header.type.dtype === 'str') {
      throw new InputError('elements of this type cannot be read in part', {
        file: source.name,
        got: header.type.dtype,
        expected: 'numbers',
      });
    }
    checkExtent(source, header);
    this.name = source.name;
    this.dtype = header.type.dtype;
    this.shape = header.shape;
    this.#source = source;
    this.#header = header;
  }

  /** Opens the file; `close` it when done. */
  static open(path: string): NpyFile {
    const source = openFile(path);
    try {
      return new NpyFile(source);
    } catch (error) {
      source.close();
      throw error;
    }
  }

  /** Number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  /**
   * Part of the array: `leading` gives indices of the first axes, `[start, stop)` a range of the next one. `read([s], t, t + 2048)` is `array[s,
   * t:t+2048]`; `read([], 0, 8)` is `array[:8]`. Unlike in a Python slice, the bounds must lie inside the axis.
   *
   * @throws IndexError for indices outside the array.
   */
  read(leading: readonly number[] = [], start = 0, stop?: number): NdArray {
    const { shape } = this;
    const axis = leading.length;
    if (axis >= shape.length) {
      if (axis === 0) return this.#readSpan(0, 1, []);
      throw new IndexError(`${axis} indices leave no axis to slice in an array of ${shape.length}`);
    }
    leading.forEach((index, i) => {
      if (!Number.isInteger(index) || index < 0 || index >= shape[i]) {
        throw new IndexError(`index ${index} is out of bounds for axis ${i} with size ${shape[i]}`);
      }
    });
    const end = stop ?? shape[axis];
    if (!Number.isInteger(start) || !Number.isInteger(end) || start < 0 || end > shape[axis] || start > end) {
      throw new IndexError(`slice ${start}:${end} is out of bounds for axis ${axis} with size ${shape[axis]}`);
    }
    const trailing = shape.slice(axis + 1);
    const outShape = [end - start, ...trailing];
    if (this.#header.fortranOrder && shape.length > 1) return this.#readColumnMajor(leading, start, outShape);
    const first = leading.reduce((offset, index, i) => (offset + index) * shape[i + 1], 0);
    const inner = sizeOf(trailing);
    return this.#readSpan((first + start) * inner, sizeOf(outShape), outShape);
  }

  close(): void {
    this.#source.close();
  }

  #readSpan(first: number, count: number, shape: readonly number[]): NdArray {
    const { type, dataOffset } = this.#header;
    const bytes = allocateBytes(count * type.itemSize, this.name);
    this.#source.read(bytes, dataOffset + first * type.itemSize);
    return decodeElements(type, shape, false, bytes) as NdArray;
  }

  /** One span of the file for every combination of the trailing axes. */
  #readColumnMajor(leading: readonly number[], start: number, outShape: readonly number[]): NdArray {
    const axis = leading.length;
    const { type, dataOffset } = this.#header;
    const strides = fortranStrides(this.shape);
    const stride = strides[axis];
    const [count, ...trailing] = outShape as [number, ...number[]];
    const inner = sizeOf(trailing);
    const out = allocateBytes(count * inner * type.itemSize, this.name);
    if (out.byteLength === 0) return decodeElements(type, outShape, false, out) as NdArray;
    const base = leading.reduce((offset, index, i) => offset + index * strides[i], start * stride);
    const span = allocateBytes(((count - 1) * stride + 1) * type.itemSize, this.name);
    for (let column = 0; column < inner; column++) {
      let offset = base;
      let rest = column;
      for (let i = trailing.length - 1; i >= 0; i--) {
        offset += (rest % trailing[i]) * strides[axis + 1 + i];
        rest = Math.floor(rest / trailing[i]);
      }
      this.#source.read(span, dataOffset + offset * type.itemSize);
      for (let i = 0; i < count; i++) {
        const from = i * stride * type.itemSize;
        out.set(span.subarray(from, from + type.itemSize), (i * inner + column) * type.itemSize);
      }
    }
    return decodeElements(type, outShape, false, out) as NdArray;
  }
}

/** Reads the header of an `.npy` file. */
export function readNpyHead(source: ByteSource): NpyHeader {
  const head = new Uint8Array(Math.min(source.size, MAX_NPY_HEAD));
  source.read(head, 0);
  return parseNpyHeader(head, source.name);
}

/** Throws InputError if the file is shorter than its header says. Ignores further bytes, as NumPy does. */
export function checkExtent(source: ByteSource, { type, shape, dataOffset }: NpyHeader): void {
  const promised = sizeOf(shape) * type.itemSize;
  if (source.size - dataOffset < promised) {
    throw new InputError('the file is shorter than its header says', {
      file: source.name,
      got: `${source.size - dataOffset} bytes of data`,
      expected: `${promised} for ${type.dtype} of shape (${shape.join(', ')})`,
    });
  }
}

/** Reads a whole array of numbers or texts. Throws InputError for a damaged file, and for an array that exceeds the budget. */
export function readElements(source: ByteSource, header: NpyHeader, budget: Budget): NdArray | TextArray {
  checkExtent(source, header);
  budget.spend(
    decodingCost(header.type, header.shape, header.fortranOrder),
    `${header.type.dtype} of shape (${header.shape.join(', ')})`,
  );
  const bytes = allocateBytes(sizeOf(header.shape) * header.type.itemSize, source.name);
  source.read(bytes, header.dataOffset);
  try {
    return decodeElements(header.type, header.shape, header.fortranOrder, bytes);
  } catch (error) {
    if (error instanceof RangeError) throw new InputError(error.message, { file: source.name, where: 'data' });
    throw error;
  }
}

function allocateBytes(size: number, name: string): Uint8Array {
  try {
    return new Uint8Array(size);
  } catch {
    throw new ValueError(`${name}: ${size} bytes do not fit into one array; read a part of it`);
  }
}
