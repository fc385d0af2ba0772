/** TensorFlow's graph messages (`GraphDef`, `SavedModel`) from plain nodes, through the protobuf classes of the binding's package. */
import { bytesOf, type NdArray } from '../lib/numpy/ndarray.ts';
import type { Attribute } from './attributes.ts';
import { dataType, type ElementType } from './element_type.ts';
import { loadProtobuf } from './runtime.ts';

/** Value of a `Const` node, or another attribute. */
export type NodeAttribute = Attribute | { readonly tensor: NdArray };

/** One node: `inputs` are `node:output` names and `^node` control dependencies, data before control. */
export interface GraphNode {
  readonly name: string;
  readonly op: string;
  readonly inputs: readonly string[];
  readonly attributes: Readonly<Record<string, NodeAttribute>>;
  /** The device that runs it, such as `/device:GPU:1`. Default: TensorFlow decides. */
  readonly device?: string;
}

/** Where a signature's input or output lies in the graph. */
export interface Endpoint {
  /** Tensor name, e.g. `train/x:0`. */
  readonly name: string;
  readonly dtype: ElementType;
  /** -1 marks an unknown extent. */
  readonly shape: readonly number[];
}

/** Named inputs and outputs of one entry point of a SavedModel. */
export interface SignatureEndpoints {
  readonly inputs: Readonly<Record<string, Endpoint>>;
  readonly outputs: Readonly<Record<string, Endpoint>>;
}

interface MessageMap<V> {
  set(key: string, value: V): void;
}
interface ShapeMessage {
  addDim(dim: { setSize(size: number): void }): void;
}
interface TensorMessage {
  setDtype(dtype: number): void;
  setTensorShape(shape: ShapeMessage): void;
  setTensorContent(bytes: Uint8Array): void;
}
interface ListMessage {
  setIList(values: readonly number[]): void;
}
interface AttrMessage {
  setType(type: number): void;
  setI(value: number): void;
  setF(value: number): void;
  setB(value: boolean): void;
  setS(value: Uint8Array): void;
  setShape(shape: ShapeMessage): void;
  setTensor(tensor: TensorMessage): void;
  setList(list: ListMessage): void;
}
interface NodeMessage {
  setName(name: string): void;
  setOp(op: string): void;
  setInputList(inputs: readonly string[]): void;
  setDevice(device: string): void;
  getAttrMap(): MessageMap<AttrMessage>;
}
interface GraphMessage {
  setVersions(versions: { setProducer(version: number): void; setMinConsumer(version: number): void }): void;
  setNodeList(nodes: readonly NodeMessage[]): void;
}
interface TensorInfoMessage {
  setName(name: string): void;
  setDtype(dtype: number): void;
  setTensorShape(shape: ShapeMessage): void;
}
interface SignatureMessage {
  setMethodName(name: string): void;
  getInputsMap(): MessageMap<TensorInfoMessage>;
  getOutputsMap(): MessageMap<TensorInfoMessage>;
}
interface MetaGraphMessage {
  setMetaInfoDef(info: { setTagsList(tags: readonly string[]): void }): void;
  setGraphDef(graph: GraphMessage): void;
  getSignatureDefMap(): MessageMap<SignatureMessage>;
}
interface SavedModelMessage {
  setSavedModelSchemaVersion(version: number): void;
  addMetaGraphs(graph: MetaGraphMessage): void;
  serializeBinary(): Uint8Array;
}

/** The parts of `api_pb.js` that are used. */
interface Protobuf {
  TensorShape: (new () => ShapeMessage) & { Dim: new () => { setSize(size: number): void } };
  Tensor: new () => TensorMessage;
  AttrValue: (new () => AttrMessage) & { ListValue: new () => ListMessage };
  NodeDef: new () => NodeMessage;
  GraphDef: new () => GraphMessage;
  VersionDef: new () => { setProducer(version: number): void; setMinConsumer(version: number): void };
  MetaGraphDef: (new () => MetaGraphMessage) & {
    MetaInfoDef: new () => { setTagsList(tags: readonly string[]): void };
  };
  SignatureDef: new () => SignatureMessage;
  TensorInfo: new () => TensorInfoMessage;
  SavedModel: new () => SavedModelMessage;
}

// Version of the graph format that TensorFlow 2.1 to 2.16 accept (`TF_GRAPH_DEF_VERSION` of 2.11).
const graphVersion = { producer: 1087, minConsumer: 12 };

/** Bytes of `saved_model.pb` with the tag `serve`; `producer` may raise the graph version. */
export function encodeSavedModel(
  nodes: readonly GraphNode[],
  signatures: Readonly<Record<string, SignatureEndpoints>>,
): Uint8Array {
  const pb = loadProtobuf() as Protobuf;
  const graph = new pb.GraphDef();
  const versions = new pb.VersionDef();
  versions.setProducer(graphVersion.producer);
  versions.setMinConsumer(graphVersion.minConsumer);
  graph.setVersions(versions);
  graph.setNodeList(nodes.map((node) => encodeNode(pb, node)));

  const info = new pb.MetaGraphDef.MetaInfoDef();
  info.setTagsList(['serve']);
  const meta = new pb.MetaGraphDef();
  meta.setMetaInfoDef(info);
  meta.setGraphDef(graph);
  for (const [name, { inputs, outputs }] of Object.entries(signatures)) {
    const signature = new pb.SignatureDef();
    signature.setMethodName('tensorflow/serving/predict');
    for (const [key, endpoint] of Object.entries(inputs)) {
      signature.getInputsMap().set(key, encodeEndpoint(pb, endpoint));
    }
    for (const [key, endpoint] of Object.entries(outputs)) {
      signature.getOutputsMap().set(key, encodeEndpoint(pb, endpoint));
    }
    meta.getSignatureDefMap().set(name, signature);
  }
  const savedModel = new pb.SavedModel();
  savedModel.setSavedModelSchemaVersion(1);
  savedModel.addMetaGraphs(meta);
  return savedModel.serializeBinary();
}

function encodeEndpoint(pb: Protobuf, { name, dtype, shape }: Endpoint): TensorInfoMessage {
  const info = new pb.TensorInfo();
  info.setName(name);
  info.setDtype(dataType[dtype]);
  info.setTensorShape(encodeShape(pb, shape));
  return info;
}

function encodeNode(pb: Protobuf, { name, op, inputs, attributes, device }: GraphNode): NodeMessage {
  const node = new pb.NodeDef();
  node.setName(name);
  node.setOp(op);
  node.setInputList(inputs);
  if (device) node.setDevice(device);
  for (const [key, attribute] of Object.entries(attributes)) {
    node.getAttrMap().set(key, encodeAttribute(pb, attribute));
  }
  return node;
}

function encodeAttribute(pb: Protobuf, attribute: NodeAttribute): AttrMessage {
  const message = new pb.AttrValue();
  if ('type' in attribute) message.setType(dataType[attribute.type]);
  else if ('int' in attribute) message.setI(attribute.int);
  else if ('float' in attribute) message.setF(attribute.float);
  else if ('bool' in attribute) message.setB(attribute.bool);
  else if ('string' in attribute) message.setS(new TextEncoder().encode(attribute.string));
  else if ('tensor' in attribute) message.setTensor(encodeTensor(pb, attribute.tensor));
  else if ('shape' in attribute) message.setShape(encodeShape(pb, attribute.shape));
  else {
    const list = new pb.AttrValue.ListValue();
    list.setIList(attribute.ints);
    message.setList(list);
  }
  return message;
}

function encodeShape(pb: Protobuf, shape: readonly number[]): ShapeMessage {
  const message = new pb.TensorShape();
  for (const extent of shape) {
    const dim = new pb.TensorShape.Dim();
    dim.setSize(extent);
    message.addDim(dim);
  }
  return message;
}

function encodeTensor(pb: Protobuf, array: NdArray): TensorMessage {
  const message = new pb.Tensor();
  message.setDtype(dataType[array.dtype]);
  message.setTensorShape(encodeShape(pb, array.shape));
  message.setTensorContent(bytesOf(array));
  return message;
}
