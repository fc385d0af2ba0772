import { isAside, isError, onlyRefuses, refuses } from './aside.ts';
import type { Binding } from './bindings.ts';
import type { SourceModule } from './modules.ts';
import { child, children, type Place, type SyntaxNode } from './syntax.ts';

/**
 * Whether a change at this place could not show in a comparison: refusals of bad input, messages, progress, paths, the freeing of memory. Decided by syntax
 * and by where a name is imported from or declared, never by how a name is spelt.
 */
export function leftOut({ node, around }: Place, module: SourceModule): boolean {
  let inner = node;
  let direct = true;
  for (let i = -1; i < around.length; i++) {
    const outer = i < 0 ? node : around[i];
    if (isSilent(outer, inner) || isError(outer, module) || onlyRefuses(outer, module)) return true;
    if (isCheck(outer, module) && (outer === node || child(outer, 'test') === inner)) return true;
    if (direct && (isAside(outer, around, module) || isForRefusals(outer, inner, module))) return true;
    if (/Function|Method|Class/.test(outer.type)) direct = false;
    inner = outer;
  }
  return false;
}

/** Throws, imports, template strings (names and messages), and what is done `finally` (closing and freeing). */
function isSilent(outer: SyntaxNode, inner: SyntaxNode): boolean {
  if (outer.type === 'TryStatement') return child(outer, 'finalizer') === inner;
  return outer.type === 'ThrowStatement' || outer.type === 'TemplateLiteral' || outer.type === 'ImportDeclaration';
}

/** `if (…) throw …`, or with a function that always throws: `if (…) return fail(…)`. */
function isCheck(node: SyntaxNode, module: SourceModule): boolean {
  if (node.type !== 'IfStatement' || child(node, 'alternate')) return false;
  const consequent = child(node, 'consequent')!;
  const last = consequent.type === 'BlockStatement' ? children(consequent, 'body').at(-1) : consequent;
  return last !== undefined && refuses(last, module);
}

/** The value of a variable or the default of a parameter that is only read in places which are left out themselves. */
function isForRefusals(outer: SyntaxNode, inner: SyntaxNode, module: SourceModule): boolean {
  const [name, value] =
    outer.type === 'VariableDeclarator' ? ['id', 'init'] : outer.type === 'AssignmentPattern' ? ['left', 'right'] : [];
  if (name === undefined || value === undefined || child(outer, value) !== inner) return false;
  const named = child(outer, name);
  const binding = named && module.bindingOf(named);
  return binding !== undefined && isReadForRefusals(binding, module);
}

const asked = new WeakMap<Binding, boolean>();

function isReadForRefusals(binding: Binding, module: SourceModule): boolean {
  const known = asked.get(binding);
  if (known !== undefined) return known;
  // Of two variables that depend on each other, neither is.
  asked.set(binding, false);
  const read = binding.references.flatMap((one) => module.placeOf(one) ?? []);
  const result = read.length > 0 && read.every((one) => one.node.type === 'Identifier' && leftOut(one, module));
  asked.set(binding, result);
  return result;
}
