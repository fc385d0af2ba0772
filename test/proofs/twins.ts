import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { calleeName, children, nodesOf } from '../../src/compare/sabotage/syntax.ts';
import { root } from '../shared_data.ts';

/** Where the port has the twin of a name of the original. */
export interface Twin {
  /** Path of its module, from the project's folder. */
  readonly file: string;
  /** Name under which the module exports it, and of the method if it is one. */
  readonly exported: string;
  readonly method?: string;
  /** What the module exports under its name; undefined if it has no such export or method. */
  readonly value: unknown;
}

/**
 * Finds the twin of a name such as `transplant.evaluation.f1` or `transplant.modules.resnet1d.ResNet.call`. Throws an Error if no module of
 * the port has its path.
 */
export async function twinOf(name: string): Promise<Twin> {
  const parts = name.split('.');
  for (let length = parts.length - 1; length > 0; length--) {
    const file = `src/port/${parts.slice(0, length).join('/')}.ts`;
    if (!existsSync(join(root, file))) continue;
    const [symbol, method] = parts.slice(length).map(toCamelCase);
    const module = (await import(join(root, file))) as Record<string, unknown>;
    const exported = Object.keys(module).find((key) => key.toLowerCase() === symbol.toLowerCase()) ?? symbol;
    const value = module[exported];
    if (method === undefined) return { file, exported, value };
    const isThere = typeof value === 'function' && method in value.prototype;
    return { file, exported, method, value: isThere ? value : undefined };
  }
  throw new Error(`${name}: src/port has no module of this path. Expected a name such as transplant.evaluation.f1`);
}

/** What the twin is called in TypeScript. */
export function shownTwin({ exported, method }: Twin): string {
  return method === undefined ? exported : `${exported}.${method}`;
}

function toCamelCase(name: string): string {
  return name.includes('_') ? name.toLowerCase().replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase()) : name;
}

/** The names that the source of a test declares with `proves('…')`, each once, sorted. */
export function declaredIn(source: string): string[] {
  const names = new Set<string>();
  if (!source.includes('proves(')) return [];
  for (const { node } of nodesOf(source)) {
    if (node.type !== 'CallExpression' || calleeName(node) !== 'proves') continue;
    for (const argument of children(node, 'arguments')) {
      if (argument.type === 'StringLiteral') names.add(String(argument.value));
    }
  }
  return [...names].sort();
}
