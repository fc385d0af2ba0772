import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { type Binding, bindingsIn } from './bindings.ts';
import { asNode, child, children, type Place, parseSource, placesIn, type SyntaxNode } from './syntax.ts';

/** What a name is imported from: a path below `src`, or the name of a package such as `node:fs`. */
export interface Imported {
  readonly from: string;
  /** The name that it is exported under; empty for a whole module. */
  readonly name: string;
}

/** A declaration and the module in which it stands. */
export interface Declared {
  readonly module: SourceModule;
  readonly node: SyntaxNode;
}

/** The modules of a source tree, each parsed when it is first asked for. */
export class Modules {
  readonly #src: string;
  readonly #known = new Map<string, SourceModule>();

  /** `src` is the folder of the sources. */
  constructor(src: string) {
    this.#src = src;
  }

  /** The module in a file; undefined for packages and for files that are not TypeScript. Throws if there is no such file. */
  at(file: string): SourceModule | undefined {
    return file.endsWith('.ts') ? this.in(file) : undefined;
  }

  /** The module in a TypeScript file. */
  in(file: string): SourceModule {
    const module = this.#known.get(file) ?? new SourceModule(file, readFileSync(join(this.#src, file), 'utf8'), this);
    this.#known.set(file, module);
    return module;
  }
}

/** One module: its syntax, and what the names in it mean. Nothing here depends on how local names are spelt. */
export class SourceModule {
  readonly file: string;
  readonly source: string;
  readonly #modules: Pick<Modules, 'at'>;
  /** Every node that runs, parents first. */
  readonly places: readonly Place[];
  readonly #bindings: ReadonlyMap<SyntaxNode, Binding>;
  readonly #declared = new Map<string, SyntaxNode>();
  readonly #imports = new Map<string, Imported>();
  readonly #places = new Map<SyntaxNode, Place>();

  /** `modules` finds what it imports. */
  constructor(file: string, source: string, modules: Pick<Modules, 'at'>) {
    this.file = file;
    this.source = source;
    this.#modules = modules;
    const parsed = parseSource(source);
    this.#bindings = bindingsIn(parsed);
    this.places = [...placesIn(parsed)];
    for (const place of this.places) this.#places.set(place.node, place);
    for (const statement of children(asNode(parsed.program), 'body')) this.#declare(statement);
  }

  /** A node with the nodes around it; undefined for nodes that do not run, such as types. */
  placeOf(node: SyntaxNode): Place | undefined {
    return this.#places.get(node);
  }

  /** The binding of an identifier; undefined if it is global. */
  bindingOf(identifier: SyntaxNode): Binding | undefined {
    return this.#bindings.get(identifier);
  }

  /** Whether a node is the name of something that the language or Node defines. */
  isGlobal(node: SyntaxNode | undefined): boolean {
    return node?.type === 'Identifier' && !this.bindingOf(node);
  }

  /** What a value is imported as; undefined if it is not an import. */
  importOf(identifier: SyntaxNode): Imported | undefined {
    const specifier = this.bindingOf(identifier)?.declaration;
    return specifier && /^Import.*Specifier$/.test(specifier.type)
      ? this.#imports.get(nameOf(child(specifier, 'local')))
      : undefined;
  }

  /** The type that a name stands for: an import, or a declaration at the top of this module. */
  typeNamed(name: string): { readonly imported?: Imported; readonly declared?: Declared } {
    const imported = this.#imports.get(name);
    if (imported) return { imported, declared: this.#exportedBy(imported) };
    const node = this.#declared.get(name);
    return node ? { declared: { module: this, node } } : {};
  }

  /** What declares the value of an expression: for a name its function, class or variable, here or in the module it comes from. */
  declarationOf(expression: SyntaxNode): Declared | undefined {
    const imported = this.importOf(expression);
    if (imported) return this.#exportedBy(imported);
    const node = this.bindingOf(expression)?.declaration;
    return node && { module: this, node };
  }

  #exportedBy({ from, name }: Imported): Declared | undefined {
    const module = this.#modules.at(from);
    if (!module) return undefined;
    const node = module.#declared.get(name);
    if (node) return { module, node };
    const again = module.#imports.get(`export ${name}`);
    return again && module.#exportedBy(again);
  }

  #declare(statement: SyntaxNode): void {
    if (statement.type === 'ImportDeclaration') {
      for (const specifier of children(statement, 'specifiers')) {
        const name = nameOf(child(specifier, 'imported'));
        this.#imports.set(nameOf(child(specifier, 'local')), { from: this.#target(statement), name });
      }
      return;
    }
    if (statement.type === 'ExportNamedDeclaration') {
      const declaration = child(statement, 'declaration');
      if (declaration) this.#declare(declaration);
      for (const specifier of child(statement, 'source') ? children(statement, 'specifiers') : []) {
        const [name, exported] = [nameOf(child(specifier, 'local')), nameOf(child(specifier, 'exported'))];
        this.#imports.set(`export ${exported}`, { from: this.#target(statement), name });
      }
      return;
    }
    for (const one of [statement, ...children(statement, 'declarations')]) {
      const name = nameOf(child(one, 'id'));
      if (name) this.#declared.set(name, one);
    }
  }

  #target(statement: SyntaxNode): string {
    const from = String(child(statement, 'source')?.value ?? '');
    return from.startsWith('.') ? posix.join(posix.dirname(this.file), from) : from;
  }
}

/** The name of an identifier; empty for other nodes. */
export function nameOf(identifier: SyntaxNode | undefined): string {
  return identifier?.type === 'Identifier' ? String(identifier.name) : '';
}
