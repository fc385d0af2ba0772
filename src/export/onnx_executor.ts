import type { Attribute, Attributes } from '../graph/attributes.ts';
import type { Executor, Tensor, TensorSpec } from '../graph/executor.ts';
import type { NdArray } from '../lib/numpy/ndarray.ts';
import { ndarray } from '../lib/numpy/ndarray.ts';
import type { OnnxAttribute, OnnxInitializer, OnnxNode } from '../lib/onnx/model.ts';

/** Where the channels of a signal `(batch, time, channels)` lie in the ONNX tensor. ONNX convolves signals with channels before time. */
type Layout = 'channels last' | 'channels first';

/** A value of the ONNX graph under the shape that the operation of TensorFlow has. Images of height 1 are stored as signals. */
class OnnxTensor implements Tensor {
  readonly owner: OnnxExecutor;
  readonly name: string;
  readonly dtype: Tensor['dtype'];
  readonly shape: readonly number[];
  readonly layout: Layout;
  /** Of a constant. */
  readonly value: NdArray | undefined;

  constructor(owner: OnnxExecutor, name: string, { dtype, shape }: TensorSpec, layout: Layout, value?: NdArray) {
    this.owner = owner;
    this.name = name;
    this.dtype = dtype;
    this.shape = shape;
    this.layout = layout;
    this.value = value;
  }
}

type Translation = (inputs: readonly OnnxTensor[], attributes: Attributes, output: TensorSpec) => OnnxTensor;

/** Version of the operator set: the first in which every operation here has its present form, so that old runtimes load the file. */
export const opset = 13;

/** The end of an axis, in slices. */
const toEnd = 2n ** 63n - 1n;

/**
 * Executor that writes the ONNX operators that compute what the operations of TensorFlow do, for float32 networks of convolutions in inference mode. Signals
 * are transposed once, before the first convolution.
 */
export class OnnxExecutor implements Executor {
  readonly nodes: OnnxNode[] = [];
  readonly #initializers = new Map<string, OnnxInitializer>();
  readonly #names = new Map<string, number>();
  #path: string[] = [];

  /** The constants of the graph. */
  get initializers(): readonly OnnxInitializer[] {
    return [...this.#initializers.values()];
  }

  /** An input of the graph. */
  input(name: string, spec: TensorSpec): Tensor {
    return new OnnxTensor(this, this.#unique(name), spec, 'channels last');
  }

  /** Gives a result its name as an output of the graph. */
  output(name: string, tensor: Tensor): void {
    const inputs = [this.#use(this.#own(tensor))];
    this.nodes.push({ name, op: 'Identity', inputs, outputs: [this.#unique(name)] });
  }

  /** Throws a TypeError for an operation without a translation. */
  op(name: string, inputs: readonly Tensor[], attributes: Attributes, outputs: readonly TensorSpec[]): Tensor[] {
    const translate = this.#translations[name];
    if (translate === undefined) throw new TypeError(`the operation ${name} cannot be written as ONNX`);
    if (outputs[0].dtype !== 'float32' && name !== 'Reshape') {
      throw new TypeError(`${name}: only float32 can be written as ONNX, got ${outputs[0].dtype}`);
    }
    const first = translate(
      inputs.map((tensor) => this.#own(tensor)),
      attributes,
      outputs[0],
    );
    // The further results serve gradients.
    return [first, ...outputs.slice(1).map((spec) => new OnnxTensor(this, '', spec, 'channels last'))];
  }

  constant(value: NdArray): Tensor {
    return new OnnxTensor(this, this.#unique('constant'), value, 'channels last', value);
  }

  read(): never {
    throw new Error('an ONNX model has no variables: freeze them');
  }

  write(name: string): never {
    throw new Error(`${name}: an ONNX model has no variables`);
  }

  onDevice<T>(_device: string, body: () => T): T {
    return body();
  }

  scope<T>(name: string, body: () => T): T {
    this.#path.push(name);
    try {
      return body();
    } finally {
      this.#path.pop();
    }
  }

  readonly #translations: Readonly<Record<string, Translation>> = {
    Reshape: ([x], _attributes, output) => this.#reshape(x, output),
    Conv2D: ([x, kernel], attributes, output) => {
      const stride = strideOf(attributes);
      const [, width] = kernel.shape as [number, number];
      const padded = samePadding(x.shape[2], width, stride);
      return this.#add('Conv', [this.#channelsFirst(x), this.#kernel(kernel)], output, 'channels first', {
        kernel_shape: { ints: [width] },
        strides: { ints: [stride] },
        pads: { ints: padded },
      });
    },
    MaxPool: ([x], attributes, output) => {
      const [stride, size] = [strideOf(attributes), alongTime(attributes.ksize)];
      return this.#add('MaxPool', [this.#channelsFirst(x)], output, 'channels first', {
        kernel_shape: { ints: [size] },
        strides: { ints: [stride] },
        pads: { ints: samePadding(x.shape[2], size, stride) },
      });
    },
    FusedBatchNormV3: ([x, ...parameters], { epsilon, is_training: training }, output) => {
      if (!('bool' in training) || training.bool) throw new TypeError('batch normalisation in training mode');
      const inputs = [this.#channelsFirst(x), ...parameters];
      return this.#add('BatchNormalization', inputs, output, 'channels first', { epsilon: epsilon as OnnxAttribute });
    },
    Relu: ([x], _attributes, output) => this.#add('Relu', [x], output, x.layout),
    AddV2: (inputs, _attributes, output) => this.#elementwise('Add', inputs, output),
    Sub: (inputs, _attributes, output) => this.#elementwise('Sub', inputs, output),
    RealDiv: (inputs, _attributes, output) => this.#elementwise('Div', inputs, output),
    Pad: ([x, amounts], _attributes, output) => {
      const [rows] = amounts.shape as [number];
      const values = numbersOf(amounts);
      const [before, after] = [0, 1].map((side) => Array.from({ length: rows }, (_, axis) => values[2 * axis + side]));
      return this.#add('Pad', [channelsLast(x), this.#ints([...before, ...after])], output, 'channels last');
    },
    StridedSlice: ([x, begin, _end, strides], attributes, output) => {
      const mask = (name: string): number => Number((attributes[name] as { readonly int: number }).int);
      const all = 2 ** x.shape.length - 1;
      const [starts, steps] = [numbersOf(begin), numbersOf(strides)];
      if (mask('end_mask') !== all || mask('new_axis_mask') + mask('shrink_axis_mask') + mask('ellipsis_mask') !== 0) {
        throw new TypeError('only slices to the end can be written as ONNX');
      }
      const axes = starts.map((_, axis) => axis).filter((axis) => (mask('begin_mask') & (1 << axis)) === 0);
      const inputs = [
        this.#ints(axes.map((axis) => starts[axis])),
        this.#ints(axes.map(() => toEnd)),
        this.#ints(axes),
        this.#ints(axes.map((axis) => steps[axis])),
      ];
      return this.#add('Slice', [channelsLast(x), ...inputs], output, 'channels last');
    },
    Mean: ([x, axes], { keep_dims: keep }, output) => {
      const reduced = numbersOf(axes).map((axis) => axisOf(x, axis));
      return this.#add('ReduceMean', [x], output, 'channels last', {
        axes: { ints: reduced },
        keepdims: { int: 'bool' in keep && keep.bool ? 1 : 0 },
      });
    },
    MatMul: ([a, b], { transpose_a: left, transpose_b: right }, output) => {
      if (isTrue(left) || isTrue(right)) throw new TypeError('a product of transposed matrices');
      return this.#add('MatMul', [a, b], output, 'channels last');
    },
    BiasAdd: ([x, bias], _attributes, output) => this.#add('Add', [channelsLast(x), bias], output, 'channels last'),
    Softmax: ([x], _attributes, output) =>
      this.#add('Softmax', [channelsLast(x)], output, 'channels last', { axis: { int: x.shape.length - 1 } }),
    Sigmoid: ([x], _attributes, output) => this.#add('Sigmoid', [x], output, x.layout),
  };

  #add(
    op: string,
    inputs: readonly OnnxTensor[],
    output: TensorSpec,
    layout: Layout,
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
  ): OnnxTensor {
    const name = this.#unique(op);
    this.nodes.push({ name, op, inputs: inputs.map((tensor) => this.#use(tensor)), outputs: [name], attributes });
    return new OnnxTensor(this, name, output, layout);
  }

  #elementwise(op: string, inputs: readonly OnnxTensor[], output: TensorSpec): OnnxTensor {
    const turned = inputs.some(({ layout }) => layout === 'channels first');
    const aligned = turned ? inputs.map((tensor) => this.#channelsFirst(tensor)) : inputs;
    return this.#add(op, aligned, output, turned ? 'channels first' : 'channels last');
  }

  /** Between a signal and an image of height 1 nothing changes. The shape of a constant changes without a node. */
  #reshape(x: OnnxTensor, output: TensorSpec): OnnxTensor {
    const { dtype } = x;
    if (x.value !== undefined) {
      const value = { ...x.value, shape: output.shape };
      return new OnnxTensor(this, x.name, value, x.layout, value);
    }
    const [image, signal] = x.shape.length > output.shape.length ? [x.shape, output.shape] : [output.shape, x.shape];
    if (image.length !== 4 || image[1] !== 1 || image.filter((_, axis) => axis !== 1).join() !== signal.join()) {
      throw new TypeError(`a change of shape from (${x.shape.join(', ')}) to (${output.shape.join(', ')})`);
    }
    return new OnnxTensor(this, x.name, { dtype, shape: output.shape }, x.layout);
  }

  #channelsFirst(x: OnnxTensor): OnnxTensor {
    if (x.layout === 'channels first') return x;
    if (x.value !== undefined || x.shape.length < 3) throw new TypeError('a value that is not a signal');
    return this.#add('Transpose', [x], x, 'channels first', { perm: { ints: [0, 2, 1] } });
  }

  /** `(1, width, in, out)` as ONNX wants it: `(out, in, width)`. */
  #kernel(kernel: OnnxTensor): OnnxTensor {
    if (kernel.value === undefined) throw new TypeError('a kernel that is not constant');
    const [, width, channels, filters] = kernel.shape as [number, number, number, number];
    const turned = new Float32Array(kernel.value.data.length);
    const source = kernel.value.data as Float32Array;
    let place = 0;
    for (let out = 0; out < filters; out++) {
      for (let channel = 0; channel < channels; channel++) {
        for (let at = 0; at < width; at++) turned[place++] = source[(at * channels + channel) * filters + out];
      }
    }
    const value = ndarray('float32', [filters, channels, width], turned);
    return new OnnxTensor(this, kernel.name, value, 'channels last', value);
  }

  #ints(values: readonly (number | bigint)[]): OnnxTensor {
    const value = ndarray('int64', [values.length], BigInt64Array.from(values, BigInt));
    return this.#own(this.constant(value));
  }

  /** The name of a value as the input of a node; constants become a part of the graph. */
  #use({ name, value }: OnnxTensor): string {
    if (value !== undefined && !this.#initializers.has(name)) {
      if (value.dtype !== 'float32' && value.dtype !== 'int64')
        throw new TypeError(`a constant of type ${value.dtype}`);
      this.#initializers.set(name, { name, value: value as NdArray<'float32' | 'int64'> });
    }
    return name;
  }

  #own(tensor: Tensor): OnnxTensor {
    if (!(tensor instanceof OnnxTensor) || tensor.owner !== this) {
      throw new TypeError('the tensor belongs to another graph');
    }
    return tensor;
  }

  #unique(name: string): string {
    const path = [...this.#path, name].join('/');
    const count = this.#names.get(path) ?? 0;
    this.#names.set(path, count + 1);
    return count === 0 ? path : `${path}_${count}`;
  }
}

/** Zeros before and after, as TensorFlow's `SAME` places them: the odd one comes last. */
function samePadding(samples: number, width: number, stride: number): [before: number, after: number] {
  const total = Math.max((Math.ceil(samples / stride) - 1) * stride + width - samples, 0);
  const before = Math.floor(total / 2);
  return [before, total - before];
}

function strideOf(attributes: Attributes): number {
  const { padding } = attributes;
  if (!('string' in padding) || padding.string !== 'SAME') throw new TypeError('padding other than SAME');
  return alongTime(attributes.strides);
}

/** The entry for time among four of an image. */
function alongTime(attribute: Attribute): number {
  if (!('ints' in attribute)) throw new TypeError('an attribute that is not a list');
  return attribute.ints[2];
}

function isTrue(attribute: Attribute): boolean {
  return 'bool' in attribute && attribute.bool;
}

function numbersOf({ value }: OnnxTensor): number[] {
  if (value === undefined) throw new TypeError('an argument that is not constant');
  return Array.from(value.data, Number);
}

/** Place of an axis of the signal in the ONNX tensor. */
function axisOf({ layout }: OnnxTensor, axis: number): number {
  return layout === 'channels first' ? [0, 2, 1][axis] : axis;
}

function channelsLast(x: OnnxTensor): OnnxTensor {
  if (x.layout !== 'channels last') throw new TypeError('a signal whose channels lie before its time');
  return x;
}
