import { allocate, type DType, type NdArray, ndarray } from '../lib/numpy/ndarray.ts';
import type { Attributes } from './attributes.ts';
import type { ElementType } from './element_type.ts';
import type { Executor, Tensor, TensorSpec } from './executor.ts';
import { type ChooseKernels, usualKernels } from './kernels.ts';
import type { Precision } from './precision.ts';
import { Tape } from './tape.ts';
import type { Variable } from './variable.ts';

/**
 * Teacher forcing layer by layer: every layer gets the given outputs of the layers before it as its inputs, not those that the model computed.
 * This finds the first layer that differs from another implementation.
 */
export interface TeacherForcing {
  /** The output to pass on in place of each layer's own, by path. */
  readonly outputs: ReadonlyMap<string, NdArray>;
  /** Folder of the model's source. */
  readonly source: string;
  /** Receives the place in it, `file:line`, where each layer is applied, by path. */
  readonly places: Map<string, string>;
}

/** How a model is applied. */
export interface ContextOptions {
  /** Training mode: batch statistics, dropout, updates of moving averages. Inference otherwise. */
  readonly training: boolean;
  readonly precision: Precision;
  /** Whether training mode also writes the moving averages of batch normalisation (default: yes). */
  readonly updatesStatistics?: boolean;
  /** Seed of random operations (dropout). */
  readonly seed?: number;
  /** Counter that changes from step to step, so that random operations do (int64 scalar). */
  readonly step?: Variable;
  /** Number of the replica, so that each has random operations of its own (default 0). */
  readonly replica?: number;
  /** Whether gradients with respect to trainable variables can be asked for (default: yes). */
  readonly watchesVariables?: boolean;
  /** Variables that a step does not train. Batch normalisation with such a gain normalises as in inference mode. Default: none. */
  readonly frozen?: ReadonlySet<Variable>;
  readonly teacherForcing?: TeacherForcing;
  /** How convolutions are computed. Default: {@link usualKernels}. */
  readonly kernelsOf?: ChooseKernels;
}

/** One application of a model: the executor it goes to, its mode, and the tape of its differentiable operations. */
export class Context {
  readonly executor: Executor;
  readonly training: boolean;
  readonly precision: Precision;
  readonly updatesStatistics: boolean;
  readonly seed: number;
  readonly step: Variable | undefined;
  readonly replica: number;
  readonly watchesVariables: boolean;
  readonly frozen: ReadonlySet<Variable> | undefined;
  readonly teacherForcing: TeacherForcing | undefined;
  readonly kernelsOf: ChooseKernels;
  readonly tape = new Tape();
  /** Outputs of layers by layer path, in the order in which they were computed. */
  readonly activations = new Map<string, Tensor>();
  readonly #values = new Map<Variable, Tensor>();
  #randomOperations = 0;

  constructor(executor: Executor, options: ContextOptions) {
    this.executor = executor;
    this.training = options.training;
    this.precision = options.precision;
    this.updatesStatistics = options.updatesStatistics ?? true;
    this.seed = options.seed ?? 0;
    this.step = options.step;
    this.replica = options.replica ?? 0;
    this.watchesVariables = options.watchesVariables ?? true;
    this.frozen = options.frozen;
    this.teacherForcing = options.teacherForcing;
    this.kernelsOf = options.kernelsOf ?? usualKernels;
  }

  /** Value of a variable at the start of the step; gradients with respect to trainable ones are recorded (see `watchesVariables`). */
  value(variable: Variable): Tensor {
    let value = this.#values.get(variable);
    if (value === undefined) {
      value = this.executor.read(variable);
      if (variable.trainable && this.watchesVariables && !this.frozen?.has(variable)) this.tape.watch(value);
      this.#values.set(variable, value);
    }
    return value;
  }

  /** Number of the next random operation: each has a stream of its own. */
  nextRandomStream(): number {
    return this.#randomOperations++;
  }

  /** One operation with one result. */
  apply(op: string, inputs: readonly Tensor[], attributes: Attributes, output: TensorSpec): Tensor {
    return this.executor.op(op, inputs, attributes, [output])[0];
  }

  /** Scalar constant. bfloat16 has no array twin and is cast from float32. */
  scalar(value: number, dtype: ElementType): Tensor {
    if (dtype === 'bfloat16') {
      const attributes: Attributes = { SrcT: { type: 'float32' }, DstT: { type: dtype }, Truncate: { bool: false } };
      return this.apply('Cast', [this.scalar(value, 'float32')], attributes, { dtype, shape: [] });
    }
    return this.executor.constant(scalarArray(value, dtype as DType));
  }

  /** int32 vector constant, as shape arguments of operations are. */
  ints(values: readonly number[]): Tensor {
    return this.executor.constant(ndarray('int32', [values.length], Int32Array.from(values)));
  }
}

function scalarArray(value: number, dtype: DType): NdArray {
  const data = allocate(dtype, 1);
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) data[0] = BigInt(value);
  else data[0] = value;
  return ndarray(dtype, [], data);
}
