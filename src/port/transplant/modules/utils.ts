import type { TensorSpec } from '../../../graph/executor.ts';
import type { DType } from '../../../lib/numpy/ndarray.ts';

/** A shape, or a list or record of such structures. */
export type ShapeStructure =
  | readonly number[]
  | readonly ShapeStructure[]
  | { readonly [name: string]: ShapeStructure };

/** An element type for all, or types in the structure of the shapes. */
export type DTypeStructure = DType | readonly DTypeStructure[] | { readonly [name: string]: DTypeStructure };

/** Descriptions of inputs in the structure of their shapes. */
export type InputStructure = TensorSpec | InputStructure[] | { [name: string]: InputStructure };

/**
 * Describes the inputs of a model, in the structure of their shapes; `ignoreBatchDim` drops the first axis of each. The default type is
 * float32. Twin of `transplant.modules.utils.build_input_tensor_from_shape`; Quirk Q53 (a tuple is taken for a list of shapes) has no
 * counterpart, since an array of numbers is always a shape here.
 */
export function buildInputTensorFromShape(
  shape: ShapeStructure,
  dtype: DTypeStructure = 'float32',
  ignoreBatchDim = false,
): InputStructure {
  const typeAt = (key: string | number): DTypeStructure => {
    const type = typeof dtype === 'string' ? dtype : (dtype as Readonly<Record<string | number, DTypeStructure>>)[key];
    if (type === undefined) throw new TypeError(`no element type for the input ${key}`);
    return type;
  };
  if (!Array.isArray(shape)) {
    const members = Object.entries(shape as Readonly<Record<string, ShapeStructure>>);
    return Object.fromEntries(
      members.map(([name, member]) => [name, buildInputTensorFromShape(member, typeAt(name), ignoreBatchDim)]),
    );
  }
  const list = shape as readonly (number | ShapeStructure)[];
  if (isShape(list)) {
    if (typeof dtype !== 'string') throw new TypeError('one input needs one element type');
    return { dtype, shape: ignoreBatchDim ? list.slice(1) : list };
  }
  return list.map((member, i) => buildInputTensorFromShape(member as ShapeStructure, typeAt(i), ignoreBatchDim));
}

function isShape(structure: readonly unknown[]): structure is readonly number[] {
  return structure.every((extent) => typeof extent === 'number');
}
