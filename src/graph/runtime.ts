/**
 * The TensorFlow shared library, through the binding of `@tensorflow/tfjs-node-gpu`. This file alone touches what that package keeps
 * private: its native module, its tensor handles and its protobuf classes.
 *
 * The code never names a device: TensorFlow places each operation, on a GPU if there is one.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import util from 'node:util';
import { InputError } from '../errors.ts';
import { bytesOf, type DType, fromBytes, type NdArray, ndarray, type Storage } from '../lib/numpy/ndarray.ts';
import { ownCommand } from '../text.ts';
import type { Attribute, Attributes } from './attributes.ts';
import { dataType, type ElementType, elementType } from './element_type.ts';

/** A tensor that lives in TensorFlow until `deleteTensor`. */
export interface TensorHandle {
  readonly id: number;
  readonly shape: readonly number[];
  readonly dtype: ElementType;
}

/** A loaded SavedModel: one TensorFlow session with its graph. */
export interface ModelHandle {
  readonly id: number;
}

interface Metadata {
  readonly id: number;
  readonly shape: number[];
  readonly dtype: number;
}

interface BindingAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}

/** The native module's functions. */
interface Binding {
  readonly TF_Version: string;
  readonly TF_ATTR_STRING: number;
  readonly TF_ATTR_INT: number;
  readonly TF_ATTR_FLOAT: number;
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_TYPE: number;
  readonly TF_ATTR_SHAPE: number;
  createTensor(shape: number[], dtype: number, values: ArrayBufferView | Uint8Array[]): number;
  deleteTensor(id: number): void;
  tensorDataSync(id: number): ArrayBufferView | Uint8Array[];
  executeOp(op: string, attributes: BindingAttribute[], inputs: number[], outputs: number): Metadata[];
  loadSavedModel(directory: string, tags: string): number;
  deleteSavedModel(id: number): void;
  runSavedModel(id: number, inputs: number[], inputNames: string, outputNames: string): Metadata[];
  getNumOfSavedModels(): number;
  getNumOfTensors(): number;
  isUsingGpuDevice(): boolean;
}

const bindingPackage = '@tensorflow/tfjs-node-gpu';
const require = createRequire(import.meta.url);

// tfjs-node-gpu calls two functions of `util` that Node 23 removed. They are restored here, so that code that imports
// that package after this module works on every Node version. The native module itself does not need them.
const oldUtil = util as unknown as { isNullOrUndefined?: unknown; isArray?: unknown };
oldUtil.isNullOrUndefined ??= (value: unknown): boolean => value === null || value === undefined;
oldUtil.isArray ??= Array.isArray;

/** Path of the native module inside the installed `@tensorflow/tfjs-node-gpu`; the file exists only after `npm run setup`. */
export function bindingPath(): string {
  const folder = dirname(require.resolve(`${bindingPackage}/package.json`));
  return join(folder, 'lib', 'napi-v8', 'tfjs_binding.node');
}

/** The package's protobuf classes (`tensorflow.SavedModel`, `tensorflow.GraphDef`, …); `graph_def.ts` gives them types. */
export function loadProtobuf(): unknown {
  return require(`${bindingPackage}/dist/proto/api_pb.js`);
}

let loaded: Runtime | undefined;

/**
 * The runtime of this process, loaded by the first call (about 0.3 s). TensorFlow's own log shows errors only, unless
 * `TF_CPP_MIN_LOG_LEVEL` says otherwise. Throws an InputError if the binding is not built or cannot be loaded.
 */
export function runtime(): Runtime {
  loaded ??= new Runtime(loadBinding());
  return loaded;
}

function loadBinding(): Binding {
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  const path = bindingPath();
  const next = `Build it with: ${ownCommand('setup')}`;
  if (!existsSync(path)) throw new InputError('the TensorFlow binding is not built', { file: path, next });
  try {
    return require(path) as Binding;
  } catch (error) {
    throw new InputError('the TensorFlow binding cannot be loaded', { file: path, got: String(error), next });
  }
}

/** A small typed interface to the native module. Every handle it returns must be passed to `deleteTensor` or `deleteSavedModel` once. */
export class Runtime {
  readonly #binding: Binding;

  constructor(binding: Binding) {
    this.#binding = binding;
  }

  /** Version of the TensorFlow library, e.g. `2.16.1`. */
  get tensorflowVersion(): string {
    return this.#binding.TF_Version;
  }

  /** Whether TensorFlow found a GPU. */
  get usesGpu(): boolean {
    return this.#binding.isUsingGpuDevice();
  }

  /** Number of tensor handles that are not deleted, for leak tests. */
  get tensorCount(): number {
    return this.#binding.getNumOfTensors();
  }

  /** Number of loaded SavedModels, for leak tests. */
  get modelCount(): number {
    return this.#binding.getNumOfSavedModels();
  }

  /**
   * Tensor with the bits of `array`, every dtype of NdArray. The tensor may share the array's memory, so do not change the array
   * before the handle is deleted. A variable assigned from the tensor keeps sharing it: copy (`DeepCopy`) before assigning.
   */
  createTensor(array: NdArray): TensorHandle {
    const { dtype, shape } = array;
    switch (dtype) {
      case 'float32':
      case 'int32':
      case 'uint8':
      case 'bool':
        return this.#create(dtype, shape, array.data);
      case 'int64':
        return this.#create('int64', shape, halves(array.data));
      // The binding takes no other types: the bits are passed as a type of the same size, or as pairs of bytes.
      case 'float64':
      case 'uint64':
        return this.#reinterpret(this.#create('int64', shape, halves(array.data)), dtype);
      case 'uint32':
        return this.#reinterpret(
          this.#create('int32', shape, fromBytes('int32', shape, bytesOf(array)).data as Int32Array),
          dtype,
        );
      case 'int8':
        return this.#reinterpret(this.#create('uint8', shape, bytesOf(array)), dtype);
      case 'int16':
      case 'uint16':
      case 'float16':
        return this.#reinterpret(this.#create('uint8', [...shape, 2], bytesOf(array)), dtype);
    }
  }

  /** Copy of a tensor's value, bit for bit. Throws a TypeError for types that NumPy does not have (cast bfloat16 first). */
  readTensor(tensor: TensorHandle): NdArray {
    const { dtype, shape } = tensor;
    switch (dtype) {
      case 'float32':
      case 'int32':
      case 'int64':
      case 'bool':
        return ndarray(dtype, shape, this.#binding.tensorDataSync(tensor.id) as Storage[typeof dtype]);
      case 'float64':
      case 'uint64':
        return this.#readAs(tensor, 'int64', dtype);
      case 'uint32':
        return this.#readAs(tensor, 'int32', dtype);
      case 'uint8':
      case 'int8':
      case 'int16':
      case 'uint16':
        return this.#readWidened(tensor, dtype);
      case 'float16': {
        const bits = this.executeOp('Bitcast', [tensor], { T: { type: dtype }, type: { type: 'uint16' } }, 1)[0];
        try {
          return { ...this.#readWidened(bits, 'uint16'), dtype };
        } finally {
          this.deleteTensor(bits);
        }
      }
      default:
        throw new TypeError(`a ${dtype} tensor cannot be read into an array`);
    }
  }

  /** Frees a tensor. */
  deleteTensor(tensor: TensorHandle): void {
    this.#binding.deleteTensor(tensor.id);
  }

  /**
   * Runs one operation now. `outputs` must be the exact number of its results.
   */
  executeOp(op: string, inputs: readonly TensorHandle[], attributes: Attributes, outputs: number): TensorHandle[] {
    const list = Object.entries(attributes).map(([name, attribute]) => this.#attribute(name, attribute));
    const ids = inputs.map(({ id }) => id);
    return attempt(`TensorFlow operation ${op}`, () => this.#binding.executeOp(op, list, ids, outputs)).map(toHandle);
  }

  /** Loads the SavedModel (tag `serve`) in `directory`. TensorFlow remembers paths: use a fresh directory for every graph. */
  loadSavedModel(directory: string): ModelHandle {
    return { id: attempt(`SavedModel ${directory}`, () => this.#binding.loadSavedModel(directory, 'serve')) };
  }

  /**
   * Runs a session once. Feeds and fetches are tensor names of the graph such as `train/x:0`; at least one fetch is needed.
   * Results come in the order of `fetches`.
   */
  runSavedModel(
    model: ModelHandle,
    feeds: ReadonlyMap<string, TensorHandle>,
    fetches: readonly string[],
  ): TensorHandle[] {
    const ids = [...feeds.values()].map(({ id }) => id);
    const names = [...feeds.keys()].join(',');
    return attempt(`TensorFlow session, fetching ${fetches.slice(0, 3).join(', ')}`, () =>
      this.#binding.runSavedModel(model.id, ids, names, fetches.join(',')),
    ).map(toHandle);
  }

  /** Closes a session and frees its variables. */
  deleteSavedModel(model: ModelHandle): void {
    this.#binding.deleteSavedModel(model.id);
  }

  #create(dtype: ElementType, shape: readonly number[], data: ArrayBufferView | Uint8Array[]): TensorHandle {
    const id = attempt('TensorFlow tensor', () => this.#binding.createTensor([...shape], dataType[dtype], data));
    return { id, shape: [...shape], dtype };
  }

  /** The same bits as another type; frees the given tensor. */
  #reinterpret(tensor: TensorHandle, type: DType): TensorHandle {
    try {
      return this.executeOp('Bitcast', [tensor], { T: { type: tensor.dtype }, type: { type } }, 1)[0];
    } finally {
      this.deleteTensor(tensor);
    }
  }

  #readAs<D extends DType>(tensor: TensorHandle, carrier: 'int32' | 'int64', dtype: D): NdArray<D> {
    const type = { type: carrier } as const;
    const bits = this.executeOp('Bitcast', [tensor], { T: { type: tensor.dtype }, type }, 1)[0];
    try {
      const data = this.#binding.tensorDataSync(bits.id) as Int32Array | BigInt64Array;
      return fromBytes(dtype, tensor.shape, new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    } finally {
      this.deleteTensor(bits);
    }
  }

  #readWidened<D extends 'uint8' | 'int8' | 'int16' | 'uint16'>(tensor: TensorHandle, dtype: D): NdArray<D> {
    const attributes: Attributes = { SrcT: { type: tensor.dtype }, DstT: { type: 'int32' }, Truncate: { bool: false } };
    const wide = this.executeOp('Cast', [tensor], attributes, 1)[0];
    try {
      const make = { uint8: Uint8Array, int8: Int8Array, int16: Int16Array, uint16: Uint16Array }[dtype];
      return ndarray(dtype, tensor.shape, make.from(this.#binding.tensorDataSync(wide.id) as Int32Array) as Storage[D]);
    } finally {
      this.deleteTensor(wide);
    }
  }

  #attribute(name: string, attribute: Attribute): BindingAttribute {
    const b = this.#binding;
    if ('type' in attribute) return { name, type: b.TF_ATTR_TYPE, value: dataType[attribute.type] };
    if ('int' in attribute) return { name, type: b.TF_ATTR_INT, value: attribute.int };
    if ('ints' in attribute) return { name, type: b.TF_ATTR_INT, value: attribute.ints };
    if ('float' in attribute) return { name, type: b.TF_ATTR_FLOAT, value: attribute.float };
    if ('bool' in attribute) return { name, type: b.TF_ATTR_BOOL, value: attribute.bool };
    if ('string' in attribute) return { name, type: b.TF_ATTR_STRING, value: attribute.string };
    return { name, type: b.TF_ATTR_SHAPE, value: attribute.shape };
  }
}

/** 64-bit elements as pairs of int32, which is what the binding takes. */
function halves(data: ArrayBufferView): Int32Array {
  return new Int32Array(data.buffer, data.byteOffset, data.byteLength / 4);
}

function toHandle({ id, shape, dtype }: Metadata): TensorHandle {
  return { id, shape, dtype: elementType(dtype) };
}

function attempt<T>(what: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw new Error(`${what}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
