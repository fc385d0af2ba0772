import type { NdArray } from '../lib/numpy/ndarray.ts';
import type { Attributes } from './attributes.ts';
import type { Executor, Tensor, TensorSpec } from './executor.ts';
import type { Variable } from './variable.ts';

/** Executor that passes everything on to another one, but with the variables as constants: for a model that is no longer trained. */
export class FrozenExecutor implements Executor {
  readonly #executor: Executor;
  readonly #values: ReadonlyMap<string, NdArray>;

  /** `values` are those of the variables, by name. */
  constructor(executor: Executor, values: ReadonlyMap<string, NdArray>) {
    this.#executor = executor;
    this.#values = values;
  }

  op(name: string, inputs: readonly Tensor[], attributes: Attributes, outputs: readonly TensorSpec[]): Tensor[] {
    return this.#executor.op(name, inputs, attributes, outputs);
  }

  constant(value: NdArray): Tensor {
    return this.#executor.constant(value);
  }

  /** Throws an Error if the variable has no value. */
  read({ name }: Variable): Tensor {
    const value = this.#values.get(name);
    if (value === undefined) throw new Error(`no value for the variable ${name}`);
    return this.scope(name, () => this.constant(value));
  }

  write(name: string): never {
    throw new Error(`${name}: the variables are constants`);
  }

  onDevice<T>(device: string, body: () => T): T {
    return this.#executor.onDevice(device, body);
  }

  scope<T>(name: string, body: () => T): T {
    return this.#executor.scope(name, body);
  }
}
