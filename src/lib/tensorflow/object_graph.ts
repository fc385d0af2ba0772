import { InputError } from '../../errors.ts';
import { Budget } from '../budget.ts';
import { bytesField, concat, type Field, readMessage, varintField } from './protobuf.ts';

/** A layer or model in the object graph of a checkpoint. */
export interface GraphObject {
  /** Names of the attributes on the path from the root, joined by slashes. The path of the root is the empty string. */
  readonly path: string;
  /** Another path to the same object. */
  readonly alias?: string;
}

/** Key under which a checkpoint stores its object graph. */
export const objectGraphKey = '_CHECKPOINTABLE_OBJECT_GRAPH';

const maxNodes = 200_000;
const maxPathLength = 4096;
/** Attributes of a compiled model that are not layers. */
const notLayers = /^(root|optimizer|save_counter|keras_api|.*_function|loss.*|.*_metrics)$/;

/** Key of the variable at an object path. */
export function variableKey(path: string): string {
  return `${path}/.ATTRIBUTES/VARIABLE_VALUE`;
}

interface Node {
  readonly children: readonly { readonly name: string; readonly node: number }[];
  readonly keys: readonly string[];
}

/**
 * Keys of a model's tensors by object path, from the serialised graph of a checkpoint. Leaves out optimisers and their slots. If an object has
 * several names, the name of an attribute (`blocks/0`) is preferred to `layer_with_weights-0`, and that to `layer-0`. A damaged graph is an
 * InputError that names `file`.
 */
export function readObjectGraph(file: string, bytes: Uint8Array): Map<string, string> {
  const budget = new Budget(file, bytes.byteLength);
  const nodes = parseNodes(file, bytes, budget);
  const variables = new Map<string, string>();
  const visited = new Set<number>();
  const queues: { path: string; node: number }[][] = [[{ path: '', node: 0 }], [], []];
  const heads = [0, 0, 0];
  for (;;) {
    const rank = queues.findIndex((queue, index) => heads[index] < queue.length);
    if (rank < 0) return variables;
    const { path, node } = queues[rank][heads[rank]++];
    if (visited.has(node)) continue;
    visited.add(node);
    const content = nodes[node];
    if (content === undefined) throw fault(file, `${path} leads to node ${node} of ${nodes.length}`);
    if (path.length > maxPathLength) throw fault(file, `a path of ${path.length} characters`);
    budget.spend(2 * path.length, 'paths of its objects');
    if (content.keys[0] !== undefined) variables.set(path, content.keys[0]);
    for (const child of content.children) {
      if (path === '' && notLayers.test(child.name)) continue;
      const childRank = /^layer-\d+$/.test(child.name) ? 2 : /^layer_with_weights-\d+$/.test(child.name) ? 1 : 0;
      queues[childRank].push({ path: path === '' ? child.name : `${path}/${child.name}`, node: child.node });
    }
  }
}

function parseNodes(file: string, bytes: Uint8Array, budget: Budget): Node[] {
  try {
    const nodes: Node[] = [];
    for (const field of nested(readMessage(bytes, budget), 1)) {
      if (nodes.length >= maxNodes) throw fault(file, `more than ${maxNodes} nodes`);
      const fields = readMessage(field, budget);
      nodes.push({
        children: nested(fields, 1).map((child) => {
          const parts = readMessage(child, budget);
          return { name: text(parts, 2), node: parts.find(({ number }) => number === 1)?.value ?? 0 };
        }),
        keys: nested(fields, 2)
          .map((attribute) => readMessage(attribute, budget))
          .filter((parts) => text(parts, 1) === 'VARIABLE_VALUE')
          .map((parts) => text(parts, 3)),
      });
    }
    if (nodes.length === 0) throw fault(file, 'no nodes');
    return nodes;
  } catch (cause) {
    if (cause instanceof RangeError) throw fault(file, cause.message);
    throw cause;
  }
}

function nested(fields: readonly Field[], number: number): Uint8Array[] {
  return fields.flatMap((field) => (field.number === number && field.bytes !== undefined ? [field.bytes] : []));
}

function text(fields: readonly Field[], number: number): string {
  return Buffer.from(nested(fields, number)[0] ?? []).toString('utf8');
}

function fault(file: string, got: string): InputError {
  return new InputError('the object graph is damaged', { file, where: objectGraphKey, got });
}

/**
 * Serialised object graph of these objects and variables, in which tf_keras's `load_weights` finds every variable. Creates the containers on the path
 * to an object (`blocks`).
 */
export function writeObjectGraph(objects: readonly GraphObject[], variables: readonly string[]): Uint8Array {
  const nodes: { children: { name: string; node: number }[]; variable?: string; hasValues: boolean }[] = [
    { children: [], hasValues: false },
  ];
  const byPath = new Map<string, number>([['', 0]]);
  const nodeAt = (path: string): number => {
    const known = byPath.get(path);
    if (known !== undefined) return known;
    const [parent, name] = split(path);
    const parentNode = nodeAt(parent);
    const node = nodes.push({ children: [], hasValues: false }) - 1;
    byPath.set(path, node);
    nodes[parentNode].children.push({ name, node });
    return node;
  };
  for (const { path, alias } of objects) {
    const node = nodeAt(path);
    if (alias === undefined) continue;
    const [parent, name] = split(alias);
    nodes[nodeAt(parent)].children.push({ name, node });
  }
  for (const path of variables) {
    nodes[nodeAt(path)].variable = path;
    for (let owner = path; ; [owner] = split(owner)) {
      nodes[nodeAt(owner)].hasValues = true;
      if (owner === '') break;
    }
  }
  return concat(
    nodes.map(({ children, variable, hasValues }) => {
      const references = children.map(({ name, node }) =>
        bytesField(1, concat([varintField(1, node), bytesField(2, name)])),
      );
      const attributes =
        variable === undefined
          ? []
          : [
              bytesField(
                2,
                concat([
                  bytesField(1, 'VARIABLE_VALUE'),
                  bytesField(2, variable),
                  bytesField(3, variableKey(variable)),
                ]),
              ),
            ];
      return bytesField(1, concat([...references, ...attributes, bytesField(5, varintField(1, hasValues ? 1 : 0))]));
    }),
  );
}

function split(path: string): [parent: string, name: string] {
  const slash = path.lastIndexOf('/');
  return [path.slice(0, Math.max(slash, 0)), path.slice(slash + 1)];
}
