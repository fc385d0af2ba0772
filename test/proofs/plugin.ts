import { join } from 'node:path';
import { nodesOf, type SyntaxNode } from '../../src/compare/sabotage/syntax.ts';

const twins = join(import.meta.dirname, '..', '..', 'src', 'port', '/');

/** A plugin of Vite: twins tell which of their functions, classes and methods run. */
export const watchTwins = {
  name: 'watch-twins',
  enforce: 'pre' as const,
  transform: (source: string, id: string) => (id.startsWith(twins) ? { code: watched(source), map: null } : undefined),
};

/** The source of a module with a note at the start of each of its functions and methods. Lines keep their numbers. */
export function watched(source: string): string {
  let result = source;
  for (const { node, around } of [...nodesOf(source)].reverse()) {
    const what = noteOf(node, around);
    const at = (node.body as SyntaxNode | undefined)?.start ?? 0;
    if (what !== undefined) result = `${result.slice(0, at + 1)}globalThis.$entered?.(${what});${result.slice(at + 1)}`;
  }
  return result;
}

/** Arguments of the note: a function, a class, or the class of an object and the name of the method. */
function noteOf(node: SyntaxNode, around: readonly SyntaxNode[]): string | undefined {
  if (node.type === 'FunctionDeclaration') return around.every(isTop) ? nameOf(node.id) : undefined;
  const [, owner] = around;
  if (node.type !== 'ClassMethod' || node.computed || owner.type !== 'ClassDeclaration') return undefined;
  return node.kind === 'constructor' ? nameOf(owner.id) : `this.constructor, ${JSON.stringify(nameOf(node.key))}`;
}

function isTop({ type }: SyntaxNode): boolean {
  return type === 'Program' || type === 'ExportNamedDeclaration';
}

function nameOf(identifier: unknown): string {
  return (identifier as { readonly name: string }).name;
}
