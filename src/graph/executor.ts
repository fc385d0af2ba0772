import type { NdArray } from '../lib/numpy/ndarray.ts';
import type { Attributes } from './attributes.ts';
import type { ElementType } from './element_type.ts';
import type { Variable } from './variable.ts';

/** Extent that is only known when the graph runs, such as the batch size. */
export const unknown = -1;

/** Element type and shape; -1 (`unknown`) stands for an extent that is only known when the graph runs. */
export interface TensorSpec {
  readonly dtype: ElementType;
  readonly shape: readonly number[];
}

/** A float32 result whose shape depends on the device; it is only passed to another kernel, or unused. */
export const opaque: TensorSpec = { dtype: 'float32', shape: [unknown] };

/** A value of the computation: a node's output (builder) or data in TensorFlow (eager). Only its executor knows which. */
export interface Tensor extends TensorSpec {
  readonly owner: Executor;
}

/** The interface that operations use. The builder writes graph nodes; the eager executor runs each operation at once. */
export interface Executor {
  /** Adds one TensorFlow operation; `outputs` describes each of its results. */
  op(name: string, inputs: readonly Tensor[], attributes: Attributes, outputs: readonly TensorSpec[]): Tensor[];

  /** A fixed value. */
  constant(value: NdArray): Tensor;

  /** Value of a variable after all writes that came before this call. */
  read(variable: Variable): Tensor;

  /**
   * An operation on variables without results, e.g. `AssignVariableOp` or `ResourceApplyAdam`; its inputs are the variables, then the
   * tensors. It runs after every earlier read and write of these variables.
   */
  write(name: string, variables: readonly Variable[], inputs: readonly Tensor[], attributes: Attributes): void;

  /** Puts the operations that `body` adds on a device, such as `/device:GPU:1`. An executor without devices ignores it. */
  onDevice<T>(device: string, body: () => T): T;

  /** Puts the operations which `body` adds under a name, for error messages and graph viewers. */
  scope<T>(name: string, body: () => T): T;
}
