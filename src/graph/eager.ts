import { type NdArray, sizeOf } from '../lib/numpy/ndarray.ts';
import type { Attributes } from './attributes.ts';
import { type Executor, opaque, type Tensor, type TensorSpec } from './executor.ts';
import { type Runtime, runtime, type TensorHandle } from './runtime.ts';
import type { Variable } from './variable.ts';

/** Data in TensorFlow's memory. */
export class EagerTensor implements Tensor {
  readonly owner: EagerExecutor;
  readonly handle: TensorHandle;

  constructor(owner: EagerExecutor, handle: TensorHandle) {
    this.owner = owner;
    this.handle = handle;
  }

  get dtype(): Tensor['dtype'] {
    return this.handle.dtype;
  }

  get shape(): readonly number[] {
    return this.handle.shape;
  }
}

let executors = 0;

/**
 * Executor that runs every operation at once. It is slower than a graph and needs more memory, but it is simple, so tests compare the graph
 * with it. It also checks that each result has the shape and type that the operation layer stated.
 */
export class EagerExecutor implements Executor {
  readonly #runtime: Runtime = runtime();
  readonly #container = `eager_${executors++}`;
  readonly #variables = new Map<Variable, TensorHandle>();
  #temporaries: TensorHandle[] = [];

  /** Runs `body` on inputs and returns its outputs as arrays; every tensor made meanwhile is freed. */
  run(
    inputs: Readonly<Record<string, NdArray>>,
    body: (inputs: Record<string, Tensor>) => Readonly<Record<string, Tensor>>,
  ): Record<string, NdArray> {
    try {
      const feeds = Object.entries(inputs).map(([key, value]) => [key, this.constant(value)] as const);
      const outputs = body(Object.fromEntries(feeds));
      const results = Object.entries(outputs).map(
        ([key, tensor]) => [key, this.#runtime.readTensor(this.#handleOf(tensor))] as const,
      );
      return Object.fromEntries(results);
    } finally {
      for (const handle of this.#temporaries) this.#runtime.deleteTensor(handle);
      this.#temporaries = [];
    }
  }

  op(name: string, inputs: readonly Tensor[], attributes: Attributes, outputs: readonly TensorSpec[]): Tensor[] {
    const handles = inputs.map((tensor) => this.#handleOf(tensor));
    const results = this.#runtime.executeOp(name, handles, attributes, outputs.length);
    this.#temporaries.push(...results);
    return results.map((result, index) => {
      assertSpec(name, index, result, outputs[index]);
      return new EagerTensor(this, result);
    });
  }

  constant(value: NdArray): Tensor {
    return this.#temporary(this.#runtime.createTensor(value));
  }

  read(variable: Variable): Tensor {
    const attributes: Attributes = { dtype: { type: variable.dtype } };
    return this.#temporary(this.#runtime.executeOp('ReadVariableOp', [this.#variable(variable)], attributes, 1)[0]);
  }

  write(name: string, variables: readonly Variable[], inputs: readonly Tensor[], attributes: Attributes): void {
    const handles = [
      ...variables.map((variable) => this.#variable(variable)),
      ...inputs.map((tensor) => this.#handleOf(tensor)),
    ];
    this.#runtime.executeOp(name, handles, attributes, 0);
  }

  onDevice<T>(_device: string, body: () => T): T {
    return body();
  }

  scope<T>(_name: string, body: () => T): T {
    return body();
  }

  /** Frees the variables. */
  dispose(): void {
    for (const handle of this.#variables.values()) {
      this.#runtime.executeOp('DestroyResourceOp', [handle], { ignore_lookup_error: { bool: true } }, 0);
      this.#runtime.deleteTensor(handle);
    }
    this.#variables.clear();
  }

  #temporary(handle: TensorHandle): Tensor {
    this.#temporaries.push(handle);
    return new EagerTensor(this, handle);
  }

  #variable(variable: Variable): TensorHandle {
    let handle = this.#variables.get(variable);
    if (handle === undefined) {
      const attributes: Attributes = {
        dtype: { type: variable.dtype },
        shape: { shape: variable.shape },
        container: { string: '' },
        shared_name: { string: `${this.#container}/${variable.name}` },
      };
      handle = this.#runtime.executeOp('VarHandleOp', [], attributes, 1)[0];
      this.#variables.set(variable, handle);
    }
    return handle;
  }

  #handleOf(tensor: Tensor): TensorHandle {
    if (!(tensor instanceof EagerTensor) || tensor.owner !== this) {
      throw new TypeError('the tensor belongs to another executor');
    }
    return tensor.handle;
  }
}

function assertSpec(op: string, output: number, got: TensorHandle, stated: TensorSpec): void {
  const fits =
    stated === opaque ||
    (got.dtype === stated.dtype &&
      got.shape.length === stated.shape.length &&
      got.shape.every((extent, axis) => extent === stated.shape[axis] || stated.shape[axis] === -1));
  if (!fits) {
    throw new Error(
      `${op}, output ${output}: the operation layer stated ${describe(stated)}, TensorFlow gave ${describe(got)} (${sizeOf(got.shape)} elements)`,
    );
  }
}

function describe({ dtype, shape }: TensorSpec): string {
  return `${dtype} (${shape.join(', ')})`;
}
