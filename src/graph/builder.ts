import { bytesOf, type NdArray } from '../lib/numpy/ndarray.ts';
import type { Attributes } from './attributes.ts';
import type { Executor, Tensor, TensorSpec } from './executor.ts';
import {
  type Endpoint,
  encodeSavedModel,
  type GraphNode,
  type NodeAttribute,
  type SignatureEndpoints,
} from './graph_def.ts';
import type { Variable } from './variable.ts';

/** An output of a graph node. */
export class GraphTensor implements Tensor {
  readonly owner: GraphBuilder;
  /** Tensor name, e.g. `train/Conv2D_3:0`. */
  readonly name: string;
  readonly dtype: Tensor['dtype'];
  readonly shape: readonly number[];

  constructor(owner: GraphBuilder, name: string, { dtype, shape }: TensorSpec) {
    this.owner = owner;
    this.name = name;
    this.dtype = dtype;
    this.shape = shape;
  }
}

/** Reads and writes of one variable within a signature, for ordering. */
interface Accesses {
  lastWrite: string | undefined;
  reads: string[];
}

/**
 * Executor that writes a graph with several signatures over the same variables. Within a signature, control dependencies keep the reads and
 * writes of a variable in their order, and every output waits for all writes. So a run has no race conditions.
 */
export class GraphBuilder implements Executor {
  readonly #nodes: GraphNode[] = [];
  readonly #names = new Map<string, number>();
  readonly #handles = new Map<Variable, string>();
  readonly #constants = new Map<string, GraphTensor>();
  readonly #signatures: Record<string, SignatureEndpoints> = {};
  #accesses = new Map<Variable, Accesses>();
  #writes: string[] = [];
  #path: string[] = [];
  #device = '';
  readonly #deviceOf: (variable: Variable) => string;

  /** `deviceOf` names the device of each variable; empty (default): TensorFlow decides. */
  constructor(deviceOf: (variable: Variable) => string = () => '') {
    this.#deviceOf = deviceOf;
  }

  /** Number of nodes so far. */
  get size(): number {
    return this.#nodes.length;
  }

  /** The nodes so far. */
  get nodes(): readonly GraphNode[] {
    return this.#nodes;
  }

  /**
   * Adds an entry point: `body` computes named outputs from named inputs. A run of the signature performs all writes of `body` before it
   * returns its outputs.
   */
  signature(
    name: string,
    inputs: Readonly<Record<string, TensorSpec>>,
    body: (inputs: Record<string, Tensor>) => Readonly<Record<string, Tensor>>,
  ): SignatureEndpoints {
    this.#accesses = new Map();
    this.#writes = [];
    this.#constants.clear();
    return this.scope(name, () => {
      const feeds: Record<string, GraphTensor> = {};
      for (const [key, spec] of Object.entries(inputs)) {
        feeds[key] = this.#node(key, 'Placeholder', [], { dtype: { type: spec.dtype }, shape: { shape: spec.shape } }, [
          spec,
        ])[0];
      }
      const results = body(feeds);
      const fetches: Record<string, Endpoint> = {};
      for (const [key, tensor] of Object.entries(results)) {
        fetches[key] = endpoint(this.#output(key, tensor));
      }
      const endpoints = {
        inputs: Object.fromEntries(Object.entries(feeds).map(([key, tensor]) => [key, endpoint(tensor)])),
        outputs: fetches,
      };
      this.#signatures[name] = endpoints;
      return endpoints;
    });
  }

  op(name: string, inputs: readonly Tensor[], attributes: Attributes, outputs: readonly TensorSpec[]): Tensor[] {
    return this.#node(
      name,
      name,
      inputs.map((tensor) => this.#reference(tensor)),
      attributes,
      outputs,
    );
  }

  constant(value: NdArray): Tensor {
    const small = value.data.byteLength <= 64;
    const key = `${this.#device}|${value.dtype}|${value.shape.join()}|${small ? Buffer.from(bytesOf(value)).toString('hex') : ''}`;
    const known = small ? this.#constants.get(key) : undefined;
    if (known) return known;
    const attributes = { dtype: { type: value.dtype }, value: { tensor: value } };
    const tensor = this.#node('Const', 'Const', [], attributes, [value])[0];
    if (small) this.#constants.set(key, tensor);
    return tensor;
  }

  read(variable: Variable): Tensor {
    const accesses = this.#accessesOf(variable);
    const after = accesses.lastWrite === undefined ? [] : [`^${accesses.lastWrite}`];
    const inputs = [this.#handle(variable), ...after];
    const attributes = { dtype: { type: variable.dtype } };
    const tensor = this.onDevice(
      this.#deviceOf(variable),
      () => this.#node('ReadVariableOp', 'ReadVariableOp', inputs, attributes, [variable])[0],
    );
    accesses.reads.push(nodeOf(tensor.name));
    return tensor;
  }

  write(name: string, variables: readonly Variable[], inputs: readonly Tensor[], attributes: Attributes): void {
    const after = new Set<string>();
    for (const variable of variables) {
      const { lastWrite, reads } = this.#accessesOf(variable);
      if (lastWrite !== undefined) after.add(`^${lastWrite}`);
      for (const read of reads) after.add(`^${read}`);
    }
    const data = [
      ...variables.map((variable) => this.#handle(variable)),
      ...inputs.map((tensor) => this.#reference(tensor)),
    ];
    const node = this.onDevice(this.#deviceOf(variables[0]), () =>
      this.#add(name, name, [...data, ...after], attributes),
    );
    for (const variable of variables) this.#accesses.set(variable, { lastWrite: node, reads: [] });
    this.#writes.push(node);
  }

  onDevice<T>(device: string, body: () => T): T {
    const before = this.#device;
    this.#device = device;
    try {
      return body();
    } finally {
      this.#device = before;
    }
  }

  scope<T>(name: string, body: () => T): T {
    this.#path.push(name);
    try {
      return body();
    } finally {
      this.#path.pop();
    }
  }

  /** The graph with its signatures as the bytes of a `saved_model.pb`, for any machine without `devices`. */
  encode({ devices = true } = {}): Uint8Array {
    const nodes = devices ? this.#nodes : this.#nodes.map(({ device: _, ...node }) => node);
    return encodeSavedModel(nodes, this.#signatures);
  }

  #output(key: string, tensor: Tensor): GraphTensor {
    const inputs = [this.#reference(tensor), ...this.#writes.map((write) => `^${write}`)];
    return this.#node(`out/${key}`, 'Identity', inputs, { T: { type: tensor.dtype } }, [tensor])[0];
  }

  #node(
    name: string,
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, NodeAttribute>>,
    outputs: readonly TensorSpec[],
  ): GraphTensor[] {
    const node = this.#add(name, op, inputs, attributes);
    return outputs.map((spec, index) => new GraphTensor(this, `${node}:${index}`, spec));
  }

  #add(
    name: string,
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, NodeAttribute>>,
  ): string {
    const unique = this.#unique([...this.#path, name].join('/'));
    this.#nodes.push({ name: unique, op, inputs, attributes, device: this.#device });
    return unique;
  }

  #unique(name: string): string {
    const valid = name.replace(/[^A-Za-z0-9_.\\/-]/g, '_');
    const count = this.#names.get(valid) ?? 0;
    this.#names.set(valid, count + 1);
    return count === 0 ? valid : this.#unique(`${valid}_${count}`);
  }

  #handle(variable: Variable): string {
    const known = this.#handles.get(variable);
    if (known !== undefined) return known;
    const name = this.#unique(`variables/${variable.name}`);
    this.#nodes.push({
      name,
      op: 'VarHandleOp',
      inputs: [],
      device: this.#deviceOf(variable),
      attributes: {
        dtype: { type: variable.dtype },
        shape: { shape: variable.shape },
        shared_name: { string: variable.name },
      },
    });
    this.#handles.set(variable, `${name}:0`);
    return `${name}:0`;
  }

  #accessesOf(variable: Variable): Accesses {
    let accesses = this.#accesses.get(variable);
    if (accesses === undefined) {
      accesses = { lastWrite: undefined, reads: [] };
      this.#accesses.set(variable, accesses);
    }
    return accesses;
  }

  #reference(tensor: Tensor): string {
    if (!(tensor instanceof GraphTensor) || tensor.owner !== this) {
      throw new TypeError('the tensor belongs to another graph');
    }
    return tensor.name;
  }
}

function nodeOf(tensorName: string): string {
  return tensorName.slice(0, tensorName.lastIndexOf(':'));
}

function endpoint({ name, dtype, shape }: GraphTensor): Endpoint {
  return { name, dtype, shape };
}
