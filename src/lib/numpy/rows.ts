import { astype } from './convert.ts';
import { allocate, bytesOf, type DType, itemSize, type NdArray, sizeOf } from './ndarray.ts';
import type { NpyFile } from './npy.ts';

/** Records of a data set, read by index: from an array in memory, from a file that is too large for memory, or from a part of either. */
export interface Rows {
  readonly dtype: DType;
  /** `(records, …)`. */
  readonly shape: readonly number[];
  /** The records with these indices, in this order. */
  take(indices: ArrayLike<number>): NdArray;
}

/** Records of an array in memory. */
export function arrayRows(array: NdArray): Rows {
  const bytes = bytesOf(array);
  return copying(array, (index, width, target) => target.set(bytes.subarray(index * width, (index + 1) * width)));
}

/** Records of an open `.npy` file, read on request. */
export function fileRows(file: NpyFile): Rows {
  const dtype = file.dtype as DType;
  return copying({ dtype, shape: file.shape }, (index, _width, target) => {
    target.set(bytesOf(file.read([], index, index + 1)));
  });
}

/** Records of any element type as float32, which networks use. Float64 stays float64. */
export function floatRows(rows: Rows): Rows {
  if (isFloatType(rows.dtype)) return rows;
  return { dtype: 'float32', shape: rows.shape, take: (indices) => astype(rows.take(indices), 'float32') };
}

/** Whether recordings of this type stay as they are. */
export function isFloatType(dtype: string): dtype is 'float32' | 'float64' {
  return dtype === 'float32' || dtype === 'float64';
}

/** A selection of records, in the given order. */
export function selectRows(rows: Rows, indices: ArrayLike<number>): Rows {
  const kept = Float64Array.from(indices);
  return {
    dtype: rows.dtype,
    shape: [kept.length, ...rows.shape.slice(1)],
    take: (positions) => rows.take(Array.from(positions, (position) => kept[position])),
  };
}

/**
 * One lead of `(records, samples, leads)`, as NumPy's `x[:, :, lead:lead + 1]`: indices below -1 count from the end; -1 and indices beyond either end
 * give zero leads.
 */
export function selectLead(rows: Rows, lead: number): Rows {
  const [records, samples, leads] = rows.shape;
  const position = lead < -1 ? leads + lead : lead;
  const present = position >= 0 && position < leads ? 1 : 0;
  return {
    dtype: rows.dtype,
    shape: [records, samples, present],
    take: (indices) => {
      const all = rows.take(indices);
      const data = allocate(all.dtype, present * indices.length * samples);
      for (let i = 0; i < data.length; i++) data[i] = all.data[i * leads + position];
      return { dtype: all.dtype, shape: [indices.length, samples, present], data };
    },
  };
}

function copying(
  { dtype, shape }: { dtype: DType; shape: readonly number[] },
  copy: (index: number, width: number, target: Uint8Array) => void,
): Rows {
  const inner = shape.slice(1);
  const width = sizeOf(inner) * itemSize[dtype];
  return {
    dtype,
    shape,
    take: (indices) => {
      const data = allocate(dtype, indices.length * sizeOf(inner));
      const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      for (let i = 0; i < indices.length; i++) {
        const index = indices[i];
        if (!(index >= 0 && index < shape[0])) throw new RangeError(`record ${index} of ${shape[0]} does not exist`);
        copy(index, width, bytes.subarray(i * width, (i + 1) * width));
      }
      return { dtype, shape: [indices.length, ...inner], data };
    },
  };
}
