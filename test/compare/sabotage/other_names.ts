import { type Binding, bindingsIn } from '../../../src/compare/sabotage/bindings.ts';
import { asNode, child, isNode, parseSource, type SyntaxNode } from '../../../src/compare/sabotage/syntax.ts';

interface Edit {
  readonly at: number;
  readonly length: number;
  readonly text: string;
}

/** A source in which every variable, parameter, function, import and private member has another name. Only exports keep theirs. */
export function withOtherNames(source: string): string {
  const file = parseSource(source);
  const bindings = bindingsIn(file);
  const all = [...new Set(bindings.values())].filter(({ references }) => references.every(isNoExport));
  const names = new Map(all.map((binding, i) => [binding, `$${i}`]));
  const imports = all.filter(({ declaration }) => declaration.type.startsWith('Import'));
  const edits: Edit[] = [];
  const visit = (node: SyntaxNode, around: readonly SyntaxNode[]): void => {
    if (node.type === 'PrivateName') {
      edits.push({ at: node.end, length: 0, text: '_' });
      return;
    }
    const binding =
      node.type === 'Identifier' ? (bindings.get(node) ?? importedType(node, around[0], imports)) : undefined;
    const name = binding && names.get(binding);
    if (name !== undefined) {
      const own = String(node.name);
      edits.push({ at: node.start, length: own.length, text: prefix(node, around) + name });
    }
    for (const value of Object.values(node).flat())
      if (isNode(value) && value !== around[0]) visit(value, [node, ...around]);
  };
  visit(asNode(file.program), []);
  return edits
    .sort((a, b) => b.at - a.at)
    .reduce((text, { at, length, text: put }) => text.slice(0, at) + put + text.slice(at + length), source);
}

function isNoExport({ type }: SyntaxNode): boolean {
  return !type.startsWith('Export');
}

/** A name in a type is not bound to anything. */
function importedType(node: SyntaxNode, parent: SyntaxNode, imports: readonly Binding[]): Binding | undefined {
  if (!/^TS(TypeReference|TypeQuery|ExpressionWithTypeArguments|InterfaceHeritage)$/.test(parent.type))
    return undefined;
  return imports.find(({ identifier }) => identifier.name === node.name);
}

/** What stays before a name that stands for a property or an export as well: `{ a }`, `import { a }`. */
function prefix(node: SyntaxNode, [parent, outer]: readonly SyntaxNode[]): string {
  const property = parent.type === 'AssignmentPattern' && child(parent, 'left') === node ? outer : parent;
  if (property.type === 'ObjectProperty' && property.shorthand === true) return `${String(node.name)}: `;
  const isSame = parent.type === 'ImportSpecifier' && child(parent, 'imported')?.start === node.start;
  return isSame ? `${String(node.name)} as ` : '';
}
