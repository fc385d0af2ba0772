import { createRequire } from 'node:module';
import { asNode, type parseSource, type SyntaxNode } from './syntax.ts';

// A CommonJS module: how `import` shows its default export depends on who loads it.
const { default: traverse } = createRequire(import.meta.url)('@babel/traverse') as typeof import('@babel/traverse');

/** A variable, parameter, function, class or import, and everywhere that it is read. */
export interface Binding {
  /** The identifier that declares it. */
  readonly identifier: SyntaxNode;
  /** What declares it: a declarator, a function, an import specifier, a parameter. */
  readonly declaration: SyntaxNode;
  readonly references: readonly SyntaxNode[];
}

/** What the identifiers of a parsed source are bound to: those that declare and those that read. An identifier that is missing is global. */
export function bindingsIn(file: ReturnType<typeof parseSource>): ReadonlyMap<SyntaxNode, Binding> {
  const bindings = new Map<SyntaxNode, Binding>();
  traverse(file, {
    Scopable({ scope }) {
      for (const { identifier, path, referencePaths, constantViolations } of Object.values(scope.bindings)) {
        const binding: Binding = {
          identifier: asNode(identifier),
          declaration: asNode(path.node),
          references: referencePaths.map(({ node }) => asNode(node)),
        };
        const assigned = constantViolations.flatMap((one) => Object.values(one.getBindingIdentifiers()).map(asNode));
        for (const node of [binding.identifier, ...binding.references, ...assigned]) bindings.set(node, binding);
      }
    },
  });
  return bindings;
}
