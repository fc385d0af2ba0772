import type { Attributes } from './attributes.ts';
import { Context, type ContextOptions } from './context.ts';
import type { ElementType } from './element_type.ts';
import { type Executor, type Tensor, type TensorSpec, unknown } from './executor.ts';
import type { Model } from './model.ts';
import { binaryRaw, sumOfRaw } from './ops/elementwise.ts';
import { castRaw, concatRaw, shapeOf } from './ops/shape.ts';
import type { Variable } from './variable.ts';

/** Tensors by the names of a signature's inputs; all but scalars have the batch axis first. */
type Feeds = Readonly<Record<string, Tensor>>;

/** Results of a pass over a batch. */
export type Pass = {
  /** Outputs of the model, batch first. */
  readonly outputs: Tensor;
  /** Mean loss over the samples. */
  readonly loss: Tensor;
  /** Sum of the samples' accuracies. */
  readonly correct: Tensor;
};

/**
 * A pass over a batch or, with several devices, over a part of it. `weight` is the factor of the part's mean loss in the loss whose gradient
 * is applied.
 */
type Body<K extends keyof Pass> = (c: Context, feeds: Feeds, weight: (dtype: ElementType) => Tensor) => Pick<Pass, K>;

/** Which devices compute a model, and how they share a batch. */
export interface Strategy {
  /** Variables beside those of the model and the optimiser. */
  readonly variables: readonly Variable[];
  /** The device of a variable; empty: TensorFlow decides. */
  deviceOf(variable: Variable): string;
  /** A variable and its copies, in the order of the devices. */
  copiesOf(variable: Variable): readonly Variable[];
  /** Runs `body` on a batch and joins what the parts give. */
  run<K extends keyof Pass>(executor: Executor, feeds: Feeds, options: ContextOptions, body: Body<K>): Pick<Pass, K>;
  /** Passes the gradients of all parts together to `use`, on the device that updates the weights. */
  reduce(
    executor: Executor,
    options: ContextOptions,
    gradients: readonly (readonly Tensor[])[],
    use: (c: Context, sums: readonly Tensor[]) => void,
  ): void;
}

/** One device, which TensorFlow chooses. */
export const oneDevice: Strategy = {
  variables: [],
  deviceOf: () => '',
  copiesOf: (variable) => [variable],
  run: (executor, feeds, options, body) => {
    const c = new Context(executor, options);
    return body(c, feeds, (dtype) => c.scalar(1, dtype));
  },
  reduce: (executor, options, [gradients], use) => use(new Context(executor, options), gradients),
};

/** Device of the work on the batch as a whole. */
const host = '/device:CPU:0';

/**
 * Several devices, each with a part of every batch: R devices take ⌈n / R⌉ consecutive samples each until none are left, so the last parts may
 * be short or empty. Twin of `tf.distribute.MirroredStrategy` as tf_keras 2.16 uses it:
 *
 * - the gradient is the sum over devices of that of the mean loss of the part, divided by R. An empty part adds nothing;
 * - batch normalisation uses the moments of the part. Every device has moving statistics of its own, which an empty part does not change;
 * - in inference mode, every device normalises with its own statistics;
 * - dropout differs between devices;
 * - loss, accuracy and outputs are those of all samples.
 *
 * Trainable variables and the state of the optimiser are on the first device. Gradients are added in a fixed order, so results are repeatable.
 */
export class MirroredStrategy implements Strategy {
  readonly #devices: readonly string[];
  readonly #copies = new Map<Variable, readonly Variable[]>();
  readonly #places = new Map<Variable, string>();

  /** `devices` are TensorFlow's names, such as `/device:GPU:0`; one may occur several times. */
  constructor(model: Pick<Model, 'variables'>, devices: readonly string[]) {
    if (devices.length < 2) throw new RangeError(`devices: got ${devices.length}, expected at least 2`);
    this.#devices = devices;
    for (const variable of model.variables.filter(({ trainable }) => !trainable)) {
      const copies = devices.map((_, replica) => (replica === 0 ? variable : copyFor(replica, variable)));
      this.#copies.set(variable, copies);
      for (const [replica, copy] of copies.entries()) this.#places.set(copy, devices[replica]);
    }
  }

  get variables(): readonly Variable[] {
    const copies = [...this.#copies.values()];
    return this.#devices.slice(1).flatMap((_, i) => copies.map((ofOne) => ofOne[i + 1]));
  }

  deviceOf(variable: Variable): string {
    return this.#places.get(variable) ?? this.#devices[0];
  }

  copiesOf(variable: Variable): readonly Variable[] {
    return this.#copies.get(variable) ?? [variable];
  }

  run<K extends keyof Pass>(executor: Executor, feeds: Feeds, options: ContextOptions, body: Body<K>): Pick<Pass, K> {
    const c = new Context(executor, options);
    const batched = Object.entries(feeds).filter(([, { shape }]) => shape.length > 0);
    const { size, parts } = executor.onDevice(host, () => partsOf(c, batched[0][1], this.#devices.length));
    const results = parts.map((part, replica) => {
      const rows = executor.onDevice(host, () =>
        batched.map(([name, tensor]) => [name, rowsOf(c, tensor, part.begin, part.rows)] as const),
      );
      return executor.scope(`replica_${replica}`, () =>
        executor.onDevice(this.#devices[replica], () =>
          this.#runPart(executor, { ...feeds, ...Object.fromEntries(rows) }, { ...options, replica }, part, body),
        ),
      );
    });
    return executor.onDevice(host, () => joined(c, size, parts, results));
  }

  reduce(
    executor: Executor,
    options: ContextOptions,
    gradients: readonly (readonly Tensor[])[],
    use: (c: Context, sums: readonly Tensor[]) => void,
  ): void {
    executor.onDevice(this.#devices[0], () => {
      const c = new Context(executor, options);
      const sums = gradients[0].map((_, i) => {
        const parts = gradients.map((ofPart) => ofPart[i]);
        return sumOfRaw(c, parts);
      });
      use(c, sums);
    });
  }

  #runPart<K extends keyof Pass>(
    executor: Executor,
    feeds: Feeds,
    options: ContextOptions & { readonly replica: number },
    { filled }: Part,
    body: Body<K>,
  ): Pick<Pass, K> {
    const copyOf = (variable: Variable): Variable => this.copiesOf(variable)[options.replica] ?? variable;
    const c = new Context(new ReplicaExecutor(executor, copyOf, filled), options);
    const share = 1 / this.#devices.length;
    return body(c, feeds, (dtype) => binaryRaw(c, 'Mul', castRaw(c, filled, dtype), c.scalar(share, dtype)));
  }
}

function copyFor(replica: number, variable: Variable): Variable {
  return { ...variable, name: `replica_${replica}/${variable.name}` };
}

/** The executor of one replica: it uses the replica's copies of variables, and writes them only if the part has samples. */
class ReplicaExecutor implements Executor {
  readonly #inner: Executor;
  readonly #copyOf: (variable: Variable) => Variable;
  readonly #filled: Tensor;

  constructor(inner: Executor, copyOf: (variable: Variable) => Variable, filled: Tensor) {
    this.#inner = inner;
    this.#copyOf = copyOf;
    this.#filled = filled;
  }

  op(name: string, inputs: readonly Tensor[], attributes: Attributes, outputs: readonly TensorSpec[]): Tensor[] {
    const run = (): Tensor[] => this.#inner.op(name, inputs, attributes, outputs);
    return hasGpuKernel(name, inputs) ? run() : this.#inner.onDevice(host, run);
  }

  constant(...args: Parameters<Executor['constant']>): Tensor {
    return this.#inner.constant(...args);
  }

  read(variable: Variable): Tensor {
    return this.#inner.read(this.#copyOf(variable));
  }

  write(name: string, variables: readonly Variable[], inputs: readonly Tensor[], attributes: Attributes): void {
    if (name !== 'AssignVariableOp') throw new Error(`${name}: the layers of a replica can only assign variables`);
    const copy = this.#copyOf(variables[0]);
    const old = this.#inner.read(copy);
    const value = this.#inner.op('SelectV2', [this.#filled, inputs[0], old], { T: { type: old.dtype } }, [old]);
    this.#inner.write(name, [copy], value, attributes);
  }

  onDevice<T>(device: string, body: () => T): T {
    return this.#inner.onDevice(device, body);
  }

  scope<T>(name: string, body: () => T): T {
    return this.#inner.scope(name, body);
  }
}

/** Whether a GPU can run an operation of our layers. Where devices are named, TensorFlow does not move an operation to the CPU by itself. */
function hasGpuKernel(op: string, [{ dtype }]: readonly Tensor[]): boolean {
  return op !== 'SparseSoftmaxCrossEntropyWithLogits' || dtype !== 'float64';
}

/** A replica's part of a batch. An empty part computes one sample, which does not count: some kernels do not take an empty batch. */
interface Part {
  /** The first sample, and the number of those to compute. int32 scalars. */
  readonly begin: Tensor;
  readonly rows: Tensor;
  /** The number of samples that count. int32 scalar. */
  readonly count: Tensor;
  /** Whether there are any. */
  readonly filled: Tensor;
}

/** Number of samples of the batch of `like`, and its parts: ⌈size / replicas⌉ samples each, until none are left. */
function partsOf(c: Context, like: Tensor, replicas: number): { readonly size: Tensor; readonly parts: Part[] } {
  const int = (value: number): Tensor => c.scalar(value, 'int32');
  const on = (op: string, a: Tensor, b: Tensor): Tensor => {
    return c.apply(op, [a, b], { T: { type: 'int32' } }, { dtype: 'int32', shape: [] });
  };
  const gather: Attributes = { Tparams: { type: 'int32' }, Tindices: { type: 'int32' }, Taxis: { type: 'int32' } };
  const size = c.apply('GatherV2', [shapeOf(c, like), int(0), int(0)], gather, { dtype: 'int32', shape: [] });
  const share = on('FloorDiv', on('AddV2', size, int(replicas - 1)), int(replicas));
  const parts = Array.from({ length: replicas }, (_, replica): Part => {
    const start = on('Mul', share, int(replica));
    const count = on('Maximum', on('Minimum', share, on('Sub', size, start)), int(0));
    return {
      begin: on('Minimum', start, on('Sub', size, int(1))),
      rows: on('Maximum', count, int(1)),
      count,
      filled: c.apply('Greater', [count, int(0)], { T: { type: 'int32' } }, { dtype: 'bool', shape: [] }),
    };
  });
  return { size, parts };
}

/** `rows` samples of a tensor from `begin` on. */
function rowsOf(c: Context, x: Tensor, begin: Tensor, rows: Tensor): Tensor {
  const vector = (first: Tensor, rest: number): Tensor => {
    const inputs = [first, ...x.shape.slice(1).map(() => c.scalar(rest, 'int32'))];
    const pack: Attributes = { N: { int: inputs.length }, T: { type: 'int32' }, axis: { int: 0 } };
    return c.apply('Pack', inputs, pack, { dtype: 'int32', shape: [inputs.length] });
  };
  const attributes: Attributes = { T: { type: x.dtype }, Index: { type: 'int32' } };
  const shape = [unknown, ...x.shape.slice(1)];
  return c.apply('Slice', [x, vector(begin, 0), vector(rows, -1)], attributes, { dtype: x.dtype, shape });
}

/** The results of all parts together, without the samples that do not count. */
function joined<K extends keyof Pass>(
  c: Context,
  size: Tensor,
  parts: readonly Part[],
  results: readonly Pick<Pass, K>[],
): Pick<Pass, K> {
  const zero = (dtype: ElementType): Tensor => c.scalar(0, dtype);
  const counted = ({ filled }: Part, value: Tensor): Tensor =>
    c.apply('SelectV2', [filled, value, zero(value.dtype)], { T: { type: value.dtype } }, value);
  const join: { readonly [N in keyof Pass]: (values: readonly Tensor[]) => Tensor } = {
    outputs: (values) => {
      const own = values.map((value, i) => rowsOf(c, value, zero('int32'), parts[i].count));
      return concatRaw(c, own, 0);
    },
    loss: (values) => {
      const sums = values.map((value, i) =>
        binaryRaw(c, 'Mul', counted(parts[i], value), castRaw(c, parts[i].count, value.dtype)),
      );
      const sum = sumOfRaw(c, sums);
      return binaryRaw(c, 'RealDiv', sum, castRaw(c, size, sum.dtype));
    },
    correct: (values) => {
      const sums = values.map((value, i) => counted(parts[i], value));
      return sumOfRaw(c, sums);
    },
  };
  const names = Object.keys(results[0]) as K[];
  return Object.fromEntries(names.map((name) => [name, join[name](results.map((result) => result[name]))])) as Pick<
    Pass,
    K
  >;
}
