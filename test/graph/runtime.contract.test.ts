/**
 * What `src/graph/runtime.ts` relies on inside `@tensorflow/tfjs-node-gpu`, which promises none of it: an upgrade of that package fails
 * here first and says which part has changed. Everything goes to the native module itself.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { encodeSavedModel } from '../../src/graph/graph_def.ts';
import { bindingPath, loadProtobuf } from '../../src/graph/runtime.ts';
import { bindingPackage, tensorflowVersion } from '../../src/setup/environment.mjs';

interface Result {
  readonly id: number;
  readonly shape: number[];
  readonly dtype: number;
}

interface Attribute {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}

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
  executeOp(op: string, attributes: Attribute[], inputs: number[], outputs: number): Result[];
  loadSavedModel(directory: string, tags: string): number;
  deleteSavedModel(id: number): void;
  runSavedModel(id: number, inputs: number[], inputNames: string, outputNames: string): Result[];
  getNumOfSavedModels(): number;
  getNumOfTensors(): number;
  isUsingGpuDevice(): boolean;
}

process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
const require = createRequire(import.meta.url);
const binding = require(bindingPath()) as Binding;
const float32 = 1;
const int32 = 3;
const uint8 = 4;
const string = 7;
const int64 = 9;
const bool = 10;

describe('the package', () => {
  test('is the version that the other tests of this file were written for', () => {
    expect(require('@tensorflow/tfjs-node-gpu/package.json').version).toBe('4.22.0');
  });

  test('keeps its sources where set-up compiles them', () => {
    const gyp = readFileSync(join(bindingPackage()!, 'binding.gyp'), 'utf8');
    expect(gyp).toContain("'binding/tfjs_backend.cc'");
    expect(gyp).toContain('<(module_root_dir)/deps/include');
    expect(gyp).toContain("'-Wl,-rpath,\\$$ORIGIN/../../deps/lib'");
    expect(dirname(dirname(bindingPath()))).toBe(join(bindingPackage()!, 'lib'));
  });

  test('has the protobuf classes of a SavedModel', () => {
    const classes = loadProtobuf() as Record<string, unknown>;
    const names = ['SavedModel', 'MetaGraphDef', 'GraphDef', 'NodeDef', 'AttrValue', 'SignatureDef', 'TensorInfo'];
    for (const name of [...names, 'TensorShape', 'Tensor', 'VersionDef'])
      expect(classes[name], name).toBeTypeOf('function');
  });
});

describe('the native module', () => {
  test('names the version of the library it has loaded', () => {
    expect(binding.TF_Version).toBe(tensorflowVersion);
  });

  test('numbers the attribute kinds', () => {
    const kinds = ['STRING', 'INT', 'FLOAT', 'BOOL', 'TYPE', 'SHAPE'] as const;
    expect(kinds.map((kind) => binding[`TF_ATTR_${kind}`])).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test('tells whether a GPU is used', () => {
    expect(binding.isUsingGpuDevice()).toBeTypeOf('boolean');
  });
});

describe('createTensor, tensorDataSync, deleteTensor', () => {
  test.each([
    { name: 'float32', dtype: float32, data: new Float32Array([1.5, -0, Number.NaN]) },
    { name: 'int32', dtype: int32, data: new Int32Array([1, -2, 2 ** 31 - 1]) },
    { name: 'bool', dtype: bool, data: new Uint8Array([1, 0, 1]) },
  ])('$name comes back with its bits', ({ dtype, data }) => {
    const id = binding.createTensor([3], dtype, data);
    const back = binding.tensorDataSync(id) as ArrayBufferView;
    expect(bytes(back)).toEqual(bytes(data));
    binding.deleteTensor(id);
  });

  test('int64 goes in as pairs of int32 and comes out as BigInt64Array', () => {
    const values = new BigInt64Array([1n, -2n, 2n ** 62n + 1n]);
    const id = binding.createTensor([3], int64, new Int32Array(values.buffer));
    expect(binding.tensorDataSync(id)).toEqual(values);
    binding.deleteTensor(id);
  });

  test('uint8 goes in', () => {
    const id = binding.createTensor([2], uint8, new Uint8Array([7, 255]));
    const [wide] = run('Cast', [type('SrcT', uint8), type('DstT', int32), flag('Truncate', false)], [id]);
    expect(Array.from(binding.tensorDataSync(wide.id) as Int32Array)).toEqual([7, 255]);
    for (const tensor of [id, wide.id]) binding.deleteTensor(tensor);
  });

  test('strings are arrays of bytes', () => {
    const id = binding.createTensor([2], string, [new Uint8Array([65]), new Uint8Array([])]);
    const back = binding.tensorDataSync(id) as Uint8Array[];
    expect(back.map((value) => Array.from(value))).toEqual([[65], []]);
    binding.deleteTensor(id);
  });

  test('getNumOfTensors counts the tensors that are not deleted', () => {
    const before = binding.getNumOfTensors();
    const id = binding.createTensor([1], float32, new Float32Array(1));
    expect(binding.getNumOfTensors()).toBe(before + 1);
    binding.deleteTensor(id);
    expect(binding.getNumOfTensors()).toBe(before);
  });

  test('a deleted tensor is refused, not read', () => {
    const id = binding.createTensor([1], float32, new Float32Array(1));
    binding.deleteTensor(id);
    expect(() => binding.tensorDataSync(id)).toThrow(/not referenced/);
    expect(() => binding.deleteTensor(id)).toThrow(/not referenced/);
  });

  test('refuses more or fewer elements than the shape has', () => {
    expect(() => binding.createTensor([3], float32, new Float32Array(2))).toThrow(/Shape does not match/);
  });
});

describe('executeOp', () => {
  test('returns id, shape and dtype of every output', () => {
    const id = binding.createTensor([2, 3], float32, new Float32Array([1, 2, 3, 4, 5, 6]));
    const axis = binding.createTensor([1], int32, new Int32Array([1]));
    const [sum] = run('Sum', [type('T', float32), type('Tidx', int32), flag('keep_dims', false)], [id, axis]);
    expect(sum).toMatchObject({ shape: [2], dtype: float32 });
    expect(binding.tensorDataSync(sum.id)).toEqual(new Float32Array([6, 15]));
    for (const tensor of [id, axis, sum.id]) binding.deleteTensor(tensor);
  });

  test('Bitcast turns pairs of int32 into float64, the only way in', () => {
    const id = binding.createTensor([1, 2], int32, new Int32Array(new Float64Array([Math.PI]).buffer));
    const [double] = run('Bitcast', [type('T', int32), type('type', 2)], [id]);
    const [back] = run('Bitcast', [type('T', 2), type('type', int32)], [double.id]);
    expect(new Float64Array((binding.tensorDataSync(back.id) as Int32Array).slice().buffer)[0]).toBe(Math.PI);
    for (const tensor of [id, double.id, back.id]) binding.deleteTensor(tensor);
  });

  test('takes shapes and lists of integers', () => {
    const attributes = [type('dtype', float32), { name: 'shape', type: binding.TF_ATTR_SHAPE, value: [2, 3] }];
    const [variable] = run('VarHandleOp', [...attributes, text('container', ''), text('shared_name', 'contract')], []);
    expect(variable.dtype).toBe(20);
    const x = binding.createTensor([1, 1, 4, 1], float32, new Float32Array([1, 2, 3, 4]));
    const window = [1, 1, 2, 1];
    const [pooled] = run(
      'MaxPool',
      [
        type('T', float32),
        list('ksize', window),
        list('strides', window),
        text('padding', 'SAME'),
        text('data_format', 'NHWC'),
      ],
      [x],
    );
    expect(binding.tensorDataSync(pooled.id)).toEqual(new Float32Array([2, 4]));
    for (const tensor of [variable.id, x, pooled.id]) binding.deleteTensor(tensor);
  });

  test('throws on an unknown operation and on wrong shapes, with TensorFlow’s own message', () => {
    expect(() => run('NoSuchOp', [], [])).toThrow(/NoSuchOp/);
    const id = binding.createTensor([1, 2], float32, new Float32Array(2));
    const attributes = [type('T', float32), flag('transpose_a', false), flag('transpose_b', false)];
    expect(() => run('MatMul', attributes, [id, id])).toThrow(/Matrix size-incompatible/);
    binding.deleteTensor(id);
  });
});

describe('loadSavedModel, runSavedModel, deleteSavedModel', () => {
  test('a SavedModel written with the package’s protobuf classes runs with fed tensors', () => {
    const folder = mkdtempSync(join(tmpdir(), 'ecg-transplant-contract-'));
    try {
      writeFileSync(join(folder, 'saved_model.pb'), squareModel());
      const before = binding.getNumOfSavedModels();
      const model = binding.loadSavedModel(folder, 'serve');
      expect(binding.getNumOfSavedModels()).toBe(before + 1);
      const x = binding.createTensor([2], float32, new Float32Array([3, 4]));
      const [y] = binding.runSavedModel(model, [x], 'x:0', 'y:0');
      expect(y).toMatchObject({ shape: [2], dtype: float32 });
      expect(binding.tensorDataSync(y.id)).toEqual(new Float32Array([9, 16]));
      expect(() => binding.runSavedModel(model, [x], 'x:0', 'nowhere:0')).toThrow(/can not be found in the graph/);
      for (const tensor of [x, y.id]) binding.deleteTensor(tensor);
      binding.deleteSavedModel(model);
      expect(binding.getNumOfSavedModels()).toBe(before);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('a folder without a model is refused', () => {
    expect(() => binding.loadSavedModel(join(tmpdir(), 'no-such-model'), 'serve')).toThrow(/SavedModel/);
  });
});

/** y = x · x over a placeholder of unknown length. */
function squareModel(): Uint8Array {
  const type = { type: 'float32' } as const;
  return encodeSavedModel(
    [
      { name: 'x', op: 'Placeholder', inputs: [], attributes: { dtype: type, shape: { shape: [-1] } } },
      { name: 'y', op: 'Mul', inputs: ['x', 'x'], attributes: { T: type } },
    ],
    {},
  );
}

function run(op: string, attributes: Attribute[], inputs: number[]): Result[] {
  return binding.executeOp(op, attributes, inputs, 1);
}

function type(name: string, value: number): Attribute {
  return { name, type: binding.TF_ATTR_TYPE, value };
}

function flag(name: string, value: boolean): Attribute {
  return { name, type: binding.TF_ATTR_BOOL, value };
}

function text(name: string, value: string): Attribute {
  return { name, type: binding.TF_ATTR_STRING, value };
}

function list(name: string, value: number[]): Attribute {
  return { name, type: binding.TF_ATTR_INT, value };
}

function bytes(view: ArrayBufferView): number[] {
  return Array.from(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
}
