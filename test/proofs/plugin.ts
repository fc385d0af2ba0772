import { join } from 'node:path';
import { isNode, nodesOf, type SyntaxNode } from '../../src/compare/sabotage/syntax.ts';

const twins = join(import.meta.dirname, '..', '..', 'src', 'port', '/');

/** A plugin of Vite: twins tell which of their functions, classes and methods run. */
export const watchTwins = {
  name: 'watch-twins',
  enforce: 'pre' as const,
  transform: (source: string, id: string) => (id.startsWith(twins) ? { code: watched(source), map: null } : undefined),
};

/** The source of a module with a note at the start of each of its functions and methods. Lines keep their numbers. */
export function watched(source: string): string {
  const inserts = [...nodesOf(source)].flatMap(({ node, around }) => notesOf(node, around)).sort((a, b) => b.at - a.at);
  return inserts.reduce((text, { at, note }) => text.slice(0, at) + note + text.slice(at), source) + watchedValue;
}

/** For constants that a call makes: they may be functions. */
const watchedValue = `
function $watched(value, self) {
  if (typeof value !== 'function') return value;
  return new Proxy(value, {
    apply: (target, that, args) => (globalThis.$entered?.(self()), Reflect.apply(target, that, args)),
  });
}
`;

/** What to insert, and where. A note is given a function, a class, or the class of an object and the name of the method. */
function notesOf(node: SyntaxNode, around: readonly SyntaxNode[]): { readonly at: number; readonly note: string }[] {
  const inBody = (what: string) => [
    { at: (node.body as SyntaxNode).start + 1, note: `globalThis.$entered?.(${what});` },
  ];
  const [, owner] = around;
  if (node.type === 'FunctionDeclaration') return around.every(isTop) ? inBody(nameOf(node.id)) : [];
  if (node.type === 'VariableDeclarator' && isNode(node.init) && owner.type === 'ExportNamedDeclaration') {
    const { start, end } = node.init;
    return [
      { at: start, note: '$watched(' },
      { at: end, note: `, () => ${nameOf(node.id)})` },
    ];
  }
  if (node.type !== 'ClassMethod' || node.computed || owner.type !== 'ClassDeclaration') return [];
  return inBody(
    node.kind === 'constructor' ? nameOf(owner.id) : `this.constructor, ${JSON.stringify(nameOf(node.key))}`,
  );
}

function isTop({ type }: SyntaxNode): boolean {
  return type === 'Program' || type === 'ExportNamedDeclaration';
}

function nameOf(identifier: unknown): string {
  return (identifier as { readonly name: string }).name;
}
