import { nameOf, type SourceModule } from './modules.ts';
import { child, children, type Place, type SyntaxNode } from './syntax.ts';

/** A declared type: where its name is imported from, and its declaration as far as it can be found. */
export interface Typed {
  /** A path below `src`, or the name of a package; undefined for types of the module itself. */
  readonly from?: string;
  readonly module: SourceModule;
  /** Undefined for types of packages. */
  readonly node?: SyntaxNode;
}

/** The type of a name, of `this`, or of a member of one of these, as declarations state it; undefined if none does. */
export function typeOf({ node, around }: Place, module: SourceModule): Typed | undefined {
  switch (node.type) {
    case 'ThisExpression': {
      const owner = around.find(({ type }) => type === 'ClassDeclaration' || type === 'ClassExpression');
      return owner && { module, node: owner };
    }
    case 'MemberExpression':
    case 'OptionalMemberExpression': {
      if (node.computed === true) return undefined;
      const owner = typeOf({ node: child(node, 'object')!, around }, module);
      return owner && memberOf(owner, keyOf(child(node, 'property')));
    }
    case 'NewExpression':
      return named(nameOf(child(node, 'callee')), module);
    case 'Identifier':
      return typeOfBinding(node, module);
    default:
      return undefined;
  }
}

function typeOfBinding(identifier: SyntaxNode, module: SourceModule): Typed | undefined {
  const binding = module.bindingOf(identifier);
  if (!binding) return undefined;
  const { declaration, identifier: declared } = binding;
  const own = annotationOf(declared, module);
  if (own) return own;
  if (declaration.type === 'ClassDeclaration') return undefined;
  if (declaration.type !== 'VariableDeclarator') return inPattern(declaration, declared, module);
  const init = child(declaration, 'init');
  const around = module.placeOf(declaration)?.around ?? [];
  const whole = init && typeOf({ node: init, around }, module);
  const id = child(declaration, 'id');
  return id === declared ? whole : id && inPattern(id, declared, module, whole);
}

/** The type of a name in a pattern such as `{ report, task: { done } }` whose type is stated beside it, or is `whole`. */
function inPattern(pattern: SyntaxNode, wanted: SyntaxNode, module: SourceModule, whole?: Typed): Typed | undefined {
  if (pattern === wanted) return whole;
  if (pattern.type === 'AssignmentPattern') {
    const left = child(pattern, 'left');
    return left && inPattern(left, wanted, module, whole ?? annotationOf(left, module));
  }
  if (pattern.type !== 'ObjectPattern') return undefined;
  const type = annotationOf(pattern, module) ?? whole;
  for (const property of children(pattern, 'properties')) {
    const value = child(property, 'value');
    if (!type || !value || value.start > wanted.start || value.end < wanted.end) continue;
    return inPattern(value, wanted, module, memberOf(type, keyOf(child(property, 'key'))));
  }
  return undefined;
}

function annotationOf(node: SyntaxNode, module: SourceModule): Typed | undefined {
  const type = child(child(node, 'typeAnnotation') ?? node, 'typeAnnotation');
  return type && stated(type, module);
}

/** Types of the language whose first parameter has the same members. */
const transparent = new Set(['Readonly', 'Partial', 'Required', 'Pick', 'Omit', 'NonNullable']);

function stated(type: SyntaxNode, module: SourceModule): Typed | undefined {
  if (type.type === 'TSUnionType') {
    const kinds = children(type, 'types').filter((one) => !/^TS(Undefined|Null)Keyword$/.test(one.type));
    return kinds.length === 1 ? stated(kinds[0], module) : undefined;
  }
  if (type.type !== 'TSTypeReference') return { module, node: type };
  const name = nameOf(child(type, 'typeName'));
  const [first] = children(child(type, 'typeParameters') ?? child(type, 'typeArguments') ?? type, 'params');
  return transparent.has(name) && first ? stated(first, module) : named(name, module);
}

function named(name: string, module: SourceModule): Typed | undefined {
  const { imported, declared } = module.typeNamed(name);
  if (imported) return { from: imported.from, module: declared?.module ?? module, node: declared?.node };
  return declared;
}

function memberOf({ module, node }: Typed, key: string): Typed | undefined {
  switch (node?.type) {
    case 'TSInterfaceDeclaration': {
      const found = memberIn(children(child(node, 'body')!, 'body'), key, module);
      const bases = children(node, 'extends').map((base) => named(nameOf(child(base, 'expression')), module));
      return found ?? first(bases, key);
    }
    case 'TSTypeLiteral':
      return memberIn(children(node, 'members'), key, module);
    case 'TSTypeAliasDeclaration': {
      const type = stated(child(node, 'typeAnnotation')!, module);
      return type && memberOf(type, key);
    }
    case 'TSIntersectionType':
      return first(
        children(node, 'types').map((type) => stated(type, module)),
        key,
      );
    case 'ClassDeclaration':
    case 'ClassExpression':
      return memberIn(children(child(node, 'body')!, 'body'), key, module);
    default:
      return undefined;
  }
}

function first(types: readonly (Typed | undefined)[], key: string): Typed | undefined {
  for (const type of types) {
    const found = type && memberOf(type, key);
    if (found) return found;
  }
  return undefined;
}

function memberIn(members: readonly SyntaxNode[], key: string, module: SourceModule): Typed | undefined {
  const member = members.find((one) => keyOf(child(one, 'key')) === key);
  if (!member) return undefined;
  const value = child(member, 'value');
  return annotationOf(member, module) ?? (value && typeOf({ node: value, around: [] }, module));
}

/** The name of a property; `#name` for a private one. */
function keyOf(key: SyntaxNode | undefined): string {
  return key?.type === 'PrivateName' ? `#${nameOf(child(key, 'id'))}` : nameOf(key);
}
