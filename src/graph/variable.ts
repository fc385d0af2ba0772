import type { NdArray } from '../lib/numpy/ndarray.ts';
import type { Executor, Tensor } from './executor.ts';
import type { Initializer } from './initializers.ts';

/** Types in which a variable can be stored. */
export type VariableType = 'float32' | 'float64' | 'int64';

/**
 * Description of a state of the model: the session that compiles the model holds its value. `name` is unique within a model and is
 * its path in a Keras `.weights.h5` file.
 */
export interface Variable {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: VariableType;
  readonly trainable: boolean;
  readonly initializer: Initializer;
}

/** Initial value of a variable. `seed` is the model's; the variable's name makes it its own. */
export function initialValue(variable: Variable, seed: number): NdArray {
  return variable.initializer(variable, seed);
}

/** Gives a variable a new value. The value is copied: a fed tensor shares memory with JavaScript, which may reuse it. */
export function assignVariable(executor: Executor, variable: Variable, value: Tensor): void {
  const copy = executor.op('DeepCopy', [value], { T: { type: value.dtype } }, [value])[0];
  executor.write('AssignVariableOp', [variable], [copy], { dtype: { type: variable.dtype } });
}
