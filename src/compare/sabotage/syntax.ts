import { parse } from '@babel/parser';

/** A node of the syntax tree, as Babel names them. */
export interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly loc: { readonly start: { readonly line: number } };
  readonly [field: string]: unknown;
}

/** A node with the nodes around it, the nearest first. */
export interface Place {
  readonly node: SyntaxNode;
  readonly around: readonly SyntaxNode[];
}

/** Fields that hold types or names, which do not run. */
const still = new Set([
  'typeAnnotation',
  'typeParameters',
  'typeArguments',
  'returnType',
  'superTypeParameters',
  'implements',
  'loc',
  'leadingComments',
  'trailingComments',
  'innerComments',
]);

/** Nodes of TypeScript around an expression that runs. */
const wrappers = new Set(['TSNonNullExpression', 'TSAsExpression', 'TSSatisfiesExpression']);

/** Every node of a TypeScript source that runs, parents first. Throws a SyntaxError with the position if it cannot be parsed. */
export function nodesOf(source: string): Generator<Place> {
  return placesIn(parseSource(source));
}

/** Parses a TypeScript source. Throws a SyntaxError with the position if it cannot be parsed. */
export function parseSource(source: string): ReturnType<typeof parse> {
  return parse(source, { sourceType: 'module', plugins: ['typescript'] });
}

/** Every node of a parsed source that runs, parents first. */
export function placesIn({ program }: { readonly program: unknown }): Generator<Place> {
  return walk(asNode(program), []);
}

/** A node of Babel's under the type that is used here. Throws if it is not a node. */
export function asNode(node: unknown): SyntaxNode {
  if (!isNode(node)) throw new TypeError('not a node of a syntax tree');
  return node;
}

function* walk(node: SyntaxNode, around: readonly SyntaxNode[]): Generator<Place> {
  if (node.type.startsWith('TS') && !wrappers.has(node.type)) return;
  yield { node, around };
  const inside = [node, ...around];
  for (const [field, value] of Object.entries(node)) {
    if (still.has(field) || isName(node, field)) continue;
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) yield* walk(child, inside);
  }
}

/** The name of a property or method (`{ name: … }`), unless it is computed. */
function isName(node: SyntaxNode, field: string): boolean {
  return field === 'key' && node.computed !== true;
}

export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && typeof (value as SyntaxNode).type === 'string';
}

/** The child node in a field; undefined if there is none. */
export function child(node: SyntaxNode, field: string): SyntaxNode | undefined {
  const value = node[field];
  return isNode(value) ? value : undefined;
}

/** The nodes in a field that holds a list. */
export function children(node: SyntaxNode, field: string): readonly SyntaxNode[] {
  const value = node[field];
  return Array.isArray(value) ? value.filter(isNode) : [];
}

/** Last part of the name of what a call calls: `join` for `path.join(…)`; empty if it has none. */
export function calleeName(call: SyntaxNode): string {
  let callee = child(call, 'callee');
  if (callee?.type === 'MemberExpression' || callee?.type === 'OptionalMemberExpression') {
    callee = child(callee, 'property');
  }
  if (callee?.type === 'PrivateName') callee = child(callee, 'id');
  return callee?.type === 'Identifier' ? String(callee.name) : '';
}
