/** ONNX models as bytes: the messages of `onnx.proto` (IR version 8) that a network of plain operators needs. */
import { bytesOf, type NdArray } from '../numpy/ndarray.ts';
import { bytesField, concat, fixed32Field, varintField } from '../tensorflow/protobuf.ts';

/** Value of an operator's attribute. */
export type OnnxAttribute =
  | { readonly int: number }
  | { readonly ints: readonly number[] }
  | { readonly float: number };

/** One operator of the default domain, by ONNX's name, with the names of its inputs and outputs. */
export interface OnnxNode {
  readonly name: string;
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
}

/** An input or output: element type and shape. A name in place of a number is an extent that is only known when the model runs. */
export interface OnnxValue {
  readonly name: string;
  readonly dtype: OnnxType;
  readonly shape: readonly (number | string)[];
}

/** Element types, by the numbers of `TensorProto.DataType`. */
const dataTypes = { float32: 1, int64: 7 } as const;
export type OnnxType = keyof typeof dataTypes;

/** A constant of the graph. */
export interface OnnxInitializer {
  readonly name: string;
  readonly value: NdArray<OnnxType>;
}

/** A model with one graph. */
export interface OnnxModel {
  /** Name and version of the program that writes it. */
  readonly producer: { readonly name: string; readonly version: string };
  readonly name: string;
  readonly description: string;
  /** Version of the operator set. */
  readonly opset: number;
  /** In an order in which every input was computed before. */
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxInitializer[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly metadata: Readonly<Record<string, string>>;
}

const irVersion = 8;
const attributeTypes = { float: 1, int: 2, ints: 7 } as const;

/** Bytes of a `.onnx` file. Whole numbers of attributes must not be negative. */
export function encodeOnnx(model: OnnxModel): Uint8Array {
  const graph = concat([
    ...model.nodes.map((node) => bytesField(1, encodeNode(node))),
    bytesField(2, model.name),
    ...model.initializers.map((constant) => bytesField(5, encodeTensor(constant))),
    bytesField(10, model.description),
    ...model.inputs.map((value) => bytesField(11, encodeValue(value))),
    ...model.outputs.map((value) => bytesField(12, encodeValue(value))),
  ]);
  const entries = Object.entries(model.metadata).map(([key, value]) =>
    bytesField(14, concat([bytesField(1, key), bytesField(2, value)])),
  );
  return concat([
    varintField(1, irVersion),
    bytesField(2, model.producer.name),
    bytesField(3, model.producer.version),
    bytesField(6, model.description),
    bytesField(7, graph),
    bytesField(8, concat([bytesField(1, ''), varintField(2, model.opset)])),
    ...entries,
  ]);
}

function encodeNode({ name, op, inputs, outputs, attributes = {} }: OnnxNode): Uint8Array {
  return concat([
    ...inputs.map((input) => bytesField(1, input)),
    ...outputs.map((output) => bytesField(2, output)),
    bytesField(3, name),
    bytesField(4, op),
    ...Object.entries(attributes).map(([key, value]) => bytesField(5, encodeAttribute(key, value))),
  ]);
}

function encodeAttribute(name: string, attribute: OnnxAttribute): Uint8Array {
  if ('float' in attribute) {
    const bits = new DataView(new ArrayBuffer(4));
    bits.setFloat32(0, attribute.float);
    return concat([bytesField(1, name), fixed32Field(2, bits.getUint32(0)), varintField(20, attributeTypes.float)]);
  }
  if ('int' in attribute) {
    return concat([bytesField(1, name), varintField(3, attribute.int, true), varintField(20, attributeTypes.int)]);
  }
  const values = attribute.ints.map((value) => varintField(8, value, true));
  return concat([bytesField(1, name), ...values, varintField(20, attributeTypes.ints)]);
}

function encodeTensor({ name, value }: OnnxInitializer): Uint8Array {
  return concat([
    ...value.shape.map((extent) => varintField(1, extent, true)),
    varintField(2, dataTypes[value.dtype]),
    bytesField(8, name),
    bytesField(9, bytesOf(value)),
  ]);
}

function encodeValue({ name, dtype, shape }: OnnxValue): Uint8Array {
  const dims = shape.map((extent) =>
    bytesField(1, typeof extent === 'number' ? varintField(1, extent, true) : bytesField(2, extent)),
  );
  const tensor = concat([varintField(1, dataTypes[dtype]), bytesField(2, concat(dims))]);
  return concat([bytesField(1, name), bytesField(2, bytesField(1, tensor))]);
}
