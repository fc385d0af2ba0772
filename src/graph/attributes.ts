import type { ElementType } from './element_type.ts';

/** Value of one attribute of a TensorFlow operation, tagged with its kind. */
export type Attribute =
  | { readonly type: ElementType }
  | { readonly int: number }
  | { readonly ints: readonly number[] }
  | { readonly float: number }
  | { readonly bool: boolean }
  | { readonly string: string }
  | { readonly shape: readonly number[] };

/** Attributes of one operation by TensorFlow's names, e.g. `{T: {type: 'float32'}, padding: {string: 'SAME'}}`. */
export type Attributes = Readonly<Record<string, Attribute>>;
