import { type Declared, nameOf, type SourceModule } from './modules.ts';
import { leftOut } from './scope.ts';
import { child, children, type Place, type SyntaxNode } from './syntax.ts';

/** What a rule does to the source. */
export const rules = {
  arithmetic: 'another operator: + for −, * for /, % → *, a sign dropped',
  bits: 'another bit operator: & for |, << for >>',
  boundary: '< for <=, > for >=',
  equality: '=== for !==',
  logic: '&& for ||',
  condition: 'a condition turned round',
  number: 'a whole number one larger or smaller, another one a thousandth larger',
  boolean: 'true for false',
  arguments: 'the last two arguments exchanged',
  elements: 'the first two elements of a list exchanged',
  function: 'another function of Math: floor for ceil, min for max, sin for cos; abs and fround dropped',
  statement: 'a statement left out',
} as const;
export type Rule = keyof typeof rules;

/** A change of a source that a rule makes. */
export interface Mutation {
  readonly rule: Rule;
  /** The replaced piece of source, and its replacement. */
  readonly start: number;
  readonly end: number;
  readonly replacement: string;
  /** Its line, from 1. */
  readonly line: number;
  /**
   * Places to probe: the change has an effect only if one of them runs. For code that runs while the module is loaded, these are the uses
   * of the constant that it defines; empty if they are unknown.
   */
  readonly sites: readonly Site[];
  /** Whether it changes a constant that other modules can read too, which no probe shows. */
  readonly exported: boolean;
}

/** A piece of source that runs as a whole. */
export interface Site {
  readonly kind: 'expression' | 'statement';
  readonly start: number;
  readonly end: number;
}

type Change = Omit<Mutation, 'line' | 'sites' | 'exported'> & { readonly site?: SyntaxNode };

/** Every change that the rules make in a module, in source order, except those that cannot affect a compared result ({@link leftOut}). */
export function mutationsOf(module: SourceModule): Mutation[] {
  return module.places
    .filter((place) => !leftOut(place, module))
    .flatMap((place) =>
      changesOf(place, module).map(({ site = place.node, ...change }): Mutation => {
        const line = place.node.loc.start.line;
        if (isLater(place.around)) return { ...change, line, sites: [siteOf(site)], exported: false };
        const references = referencesToConstant(place.around, module);
        return {
          ...change,
          line,
          sites: usesAmong(references, module),
          exported: references.some((one) => isExported(one, module)),
        };
      }),
    );
}

function siteOf({ type, start, end }: SyntaxNode): Site {
  return { kind: type === 'ExpressionStatement' ? 'statement' : 'expression', start, end };
}

/** Whether what stands inside these nodes runs after the module is loaded. */
function isLater(around: readonly SyntaxNode[]): boolean {
  return around.some(({ type }) => /Function|Method|ClassProperty|ClassPrivateProperty/.test(type));
}

/** Where the constant stands whose value stands inside these nodes. */
function referencesToConstant(around: readonly SyntaxNode[], module: SourceModule): readonly SyntaxNode[] {
  const declarator = around.find(({ type }) => type === 'VariableDeclarator');
  const id = declarator && child(declarator, 'id');
  return (id && module.bindingOf(id)?.references) ?? [];
}

function isExported(reference: SyntaxNode, module: SourceModule): boolean {
  const [parent] = module.placeOf(reference)?.around ?? [];
  return reference.type.startsWith('Export') || parent?.type === 'ExportSpecifier';
}

/** Where functions of the module read it. */
function usesAmong(references: readonly SyntaxNode[], module: SourceModule): Site[] {
  return references
    .flatMap((reference) => module.placeOf(reference) ?? [])
    .filter(({ node, around }) => node.type === 'Identifier' && isLater(around) && isRead(node, around[0]))
    .map(({ node }) => siteOf(node));
}

function isRead(node: SyntaxNode, parent: SyntaxNode): boolean {
  const { type } = parent;
  if (type === 'MemberExpression' || type === 'OptionalMemberExpression')
    return child(parent, 'object') === node || parent.computed === true;
  // Not where a name is declared, nor in the shorthand { name }.
  if (type === 'ObjectProperty') return parent.shorthand !== true && child(parent, 'value') === node;
  if (type === 'VariableDeclarator') return child(parent, 'init') === node;
  if (type === 'AssignmentExpression' || type === 'AssignmentPattern') return child(parent, 'right') === node;
  if (/Function|Method/.test(type)) return type === 'ArrowFunctionExpression' && child(parent, 'body') === node;
  return !/Pattern|RestElement|UpdateExpression|Label|BreakStatement|ContinueStatement|CatchClause|Class|ForOf|ForIn|Private/.test(
    type,
  );
}

function changesOf({ node, around }: Place, module: SourceModule): Change[] {
  const { source } = module;
  const text = (part: SyntaxNode): string => source.slice(part.start, part.end);
  const whole = (rule: Rule, replacement: string): Change => ({
    rule,
    start: node.start,
    end: node.end,
    replacement,
  });
  switch (node.type) {
    case 'BinaryExpression':
    case 'LogicalExpression':
    case 'AssignmentExpression':
      return isEndOfList(node, around[0]) ? [] : operators(node, source);
    case 'UnaryExpression':
      return node.operator === '-' ? [whole('arithmetic', `(${text(child(node, 'argument')!)})`)] : [];
    case 'UpdateExpression': {
      // A `for` whose counter runs backwards would only hang.
      if (around[0].type === 'ForStatement' && child(around[0], 'update') === node) return [];
      const other = node.operator === '++' ? '--' : '++';
      return [whole('arithmetic', text(node).replace(String(node.operator), other))];
    }
    case 'IfStatement':
    case 'ConditionalExpression':
      return turnedRound(child(node, 'test')!, text);
    case 'NumericLiteral':
    case 'BigIntLiteral':
      return otherNumbers(node, around[0]).map((number) => whole('number', number));
    case 'BooleanLiteral':
      return [whole('boolean', String(node.value !== true))];
    case 'ArrayExpression':
      return exchanged('elements', children(node, 'elements').slice(0, 2), node, text);
    case 'CallExpression':
    case 'NewExpression': {
      const given = children(node, 'arguments');
      const changes = ordered(node, module) ? exchanged('arguments', given.slice(-2), given.at(-2), text) : [];
      return [...changes, ...otherFunction(node, module).map((call) => whole('function', call))];
    }
    case 'ExpressionStatement':
      return acts(child(node, 'expression')!) ? [whole('statement', ';')] : [];
    default:
      return [];
  }
}

const otherOperator: { readonly [operator: string]: readonly [rule: Rule, other: string] } = {
  '+': ['arithmetic', '-'],
  '-': ['arithmetic', '+'],
  '*': ['arithmetic', '/'],
  '/': ['arithmetic', '*'],
  '%': ['arithmetic', '*'],
  '**': ['arithmetic', '*'],
  '+=': ['arithmetic', '-='],
  '-=': ['arithmetic', '+='],
  '*=': ['arithmetic', '/='],
  '/=': ['arithmetic', '*='],
  '&': ['bits', '|'],
  '|': ['bits', '&'],
  '^': ['bits', '|'],
  '<<': ['bits', '>>'],
  '>>': ['bits', '<<'],
  '>>>': ['bits', '<<'],
  '<': ['boundary', '<='],
  '<=': ['boundary', '<'],
  '>': ['boundary', '>='],
  '>=': ['boundary', '>'],
  '===': ['equality', '!=='],
  '!==': ['equality', '==='],
  '&&': ['logic', '||'],
  '||': ['logic', '&&'],
};

function operators(node: SyntaxNode, source: string): Change[] {
  const change = otherOperator[String(node.operator)];
  const [left, right] = [child(node, 'left')!, child(node, 'right')!];
  if (!change || isText(left) || isText(right)) return [];
  const [rule, other] = change;
  const between = source.slice(left.end, right.start).replace(String(node.operator), () => other);
  const replacement = `(${source.slice(node.start, left.end)}${between}${source.slice(right.start, node.end)})`;
  return [{ rule, start: node.start, end: node.end, replacement }];
}

/** `for (…; i < list.length; …)`: in JavaScript, a step past the end of an array of numbers has no effect. */
function isEndOfList(node: SyntaxNode, parent: SyntaxNode): boolean {
  const end = child(node, 'right');
  return parent.type === 'ForStatement' && node.operator === '<' && child(end ?? node, 'property')?.name === 'length';
}

/** Whether an expression is obviously a text, so that + concatenates. */
function isText(node: SyntaxNode): boolean {
  if (node.type === 'StringLiteral' || node.type === 'TemplateLiteral') return true;
  return node.type === 'BinaryExpression' && (isText(child(node, 'left')!) || isText(child(node, 'right')!));
}

function turnedRound(test: SyntaxNode, text: (part: SyntaxNode) => string): Change[] {
  // The rule `equality` inverts these.
  if (/^[!=]==$/.test(String(test.operator))) return [];
  return [{ rule: 'condition', start: test.start, end: test.end, replacement: `!(${text(test)})`, site: test }];
}

function otherNumbers(node: SyntaxNode, parent: SyntaxNode): string[] {
  if (node.type === 'BigIntLiteral') return [`${BigInt(String(node.value)) + 1n}n`];
  const value = Number(node.value);
  // In 2 ** 32 and the like, changing the exponent is enough.
  if (!Number.isSafeInteger(value)) return [String(value * 1.001)];
  // An index below 0 gives undefined.
  const isIndex = parent.type === 'MemberExpression';
  return value === 0 && isIndex ? ['1'] : [String(value + 1), `(${value - 1})`];
}

/** Operations of TensorFlow, and functions of the language, whose result does not change if two arguments are exchanged. */
const commutativeOps = new Set(['Mul', 'AddV2', 'Maximum', 'Minimum', 'Equal']);
const commutativeGlobals = new Set(['Math.max', 'Math.min', 'Math.imul', 'Math.hypot', 'Object.is']);

/** Whether a call takes its last two arguments by place: both values, not a name, a function or a list of options. */
function ordered(call: SyntaxNode, module: SourceModule): boolean {
  const given = children(call, 'arguments');
  const byPlace = (argument: SyntaxNode): boolean =>
    !/^(String|Template)Literal|Function|ObjectExpression|Spread/.test(argument.type);
  return given.length > 1 && given.slice(-2).every(byPlace) && !isCommutative(call, module);
}

function isCommutative(call: SyntaxNode, module: SourceModule): boolean {
  if (namesCommutativeOp(call)) return true;
  const callee = child(call, 'callee')!;
  if (commutativeGlobals.has(globalMember(callee, module))) return true;
  const declared = module.declarationOf(callee);
  return declared !== undefined && passesOnToCommutative(declared);
}

function namesCommutativeOp(call: SyntaxNode): boolean {
  return children(call, 'arguments').some(
    ({ type, value }) => type === 'StringLiteral' && commutativeOps.has(String(value)),
  );
}

const commutativeFunctions = new WeakMap<SyntaxNode, boolean>();

/** Whether a function passes its last two parameters on to a commutative operation, side by side. */
function passesOnToCommutative({ node, module }: Declared): boolean {
  const known = commutativeFunctions.get(node);
  if (known !== undefined) return known;
  const parameters = children(node, 'params').slice(-2);
  const isPair = (list: readonly SyntaxNode[], i: number): boolean =>
    parameters.every((parameter, k) => list[i + k] && module.bindingOf(list[i + k])?.identifier === parameter);
  const result =
    parameters.length === 2 &&
    module.places.some(({ node: call, around }) => {
      if (call.type !== 'CallExpression' || !namesCommutativeOp(call) || !around.includes(node)) return false;
      const given = children(call, 'arguments');
      return [given, ...given.map((one) => children(one, 'elements'))].some((list) =>
        list.some((_, i) => isPair(list, i)),
      );
    });
  commutativeFunctions.set(node, result);
  return result;
}

/** `Math.max` for that function of the language; empty for everything else. */
function globalMember(callee: SyntaxNode, module: SourceModule): string {
  const object = child(callee, 'object');
  return module.isGlobal(object) ? `${nameOf(object)}.${nameOf(child(callee, 'property'))}` : '';
}

function exchanged(
  rule: 'arguments' | 'elements',
  pair: readonly SyntaxNode[],
  site: SyntaxNode | undefined,
  text: (part: SyntaxNode) => string,
): Change[] {
  const [first, second] = pair;
  if (!first || !second || !site || pair.some(({ type }) => type === 'SpreadElement')) return [];
  if (text(first) === text(second)) return [];
  // Between the two there is a comma and white space.
  return [{ rule, start: first.start, end: second.end, replacement: `${text(second)}, ${text(first)}`, site }];
}

const otherMath: { readonly [name: string]: string } = {
  'Math.floor': 'Math.ceil',
  'Math.ceil': 'Math.floor',
  'Math.round': 'Math.floor',
  'Math.min': 'Math.max',
  'Math.max': 'Math.min',
  'Math.sin': 'Math.cos',
  'Math.cos': 'Math.sin',
  'Math.abs': '',
  'Math.fround': '',
};

function otherFunction(call: SyntaxNode, module: SourceModule): string[] {
  const other = otherMath[globalMember(child(call, 'callee')!, module)];
  if (other === undefined) return [];
  const given = children(call, 'arguments').map(({ start, end }) => module.source.slice(start, end));
  return [`${other}(${given.join(', ')})`];
}

function acts(expression: SyntaxNode): boolean {
  const act = expression.type === 'AwaitExpression' ? child(expression, 'argument')! : expression;
  if (act.type === 'CallExpression') return child(act, 'callee')?.type !== 'Super';
  return act.type === 'AssignmentExpression';
}
