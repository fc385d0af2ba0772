import type { NdArray } from '../lib/numpy/ndarray.ts';

/** Types in which a variable can be stored. */
export type VariableType = 'float32' | 'float64' | 'int64';

/** What an initializer needs to know about a variable. */
export interface VariableSpec {
  /** Unique within a model: the path in a Keras `.weights.h5` file. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: VariableType;
}

/** Draws the initial value of a variable. The value depends on the seed and on the variable's name, not on the order of variables. */
export type Initializer = (variable: VariableSpec, seed: number) => NdArray;

/** A variable of a model, without its value: the session that compiles the model holds that. */
export interface Variable extends VariableSpec {
  readonly trainable: boolean;
  readonly initializer: Initializer;
}

/** Initial value of a variable. `seed` is the model's; the variable's name gives each variable its own draws. */
export function initialValue(variable: Variable, seed: number): NdArray {
  return variable.initializer(variable, seed);
}
