import { isCompared } from './files.ts';
import { type Declared, nameOf, type SourceModule } from './modules.ts';
import { child, children, type SyntaxNode } from './syntax.ts';
import { typeOf } from './types.ts';

/** Parts of Node whose calls print, name files, or use the file system, threads and timers. */
const systemModules = new Set(
  [
    'fs',
    'fs/promises',
    'path',
    'os',
    'url',
    'process',
    'timers',
    'child_process',
    'worker_threads',
    'perf_hooks',
    'module',
  ].map((name) => `node:${name}`),
);
const systemGlobals = new Set([
  'process',
  'console',
  'performance',
  'setTimeout',
  'clearTimeout',
  'setInterval',
  'clearInterval',
]);
/** The files with which the port tells people something. */
const telling = new Set(['errors.ts', 'events.ts', 'output.ts']);

/** Whether something imported from here cannot change a compared result. */
function isAsideSource(from: string): boolean {
  return from.endsWith('.ts') ? !isCompared(from) : systemModules.has(from);
}

/** A call that prints, reports, refuses, uses the file system, or closes and frees something. */
export function isAside(node: SyntaxNode, around: readonly SyntaxNode[], module: SourceModule): boolean {
  const statement = node.type === 'ExpressionStatement';
  const call = statement ? bare(child(node, 'expression')!) : node;
  if (call.type === 'NewExpression') return isFrom(child(call, 'callee')!, around, module, isAsideSource);
  if (!isCall(call)) return false;
  const callee = child(call, 'callee')!;
  if (isFrom(callee, around, module, isAsideSource) || isSystemGlobal(callee, module)) return true;
  const called = functionCalled(callee, around, module);
  if (called && onlyRefuses(called.node, called.module)) return true;
  return statement && isEnding(call);
}

/** `file.close()`, `tensors.dispose()`: a method of something else that gets nothing, and whose value nobody uses. */
function isEnding(call: SyntaxNode): boolean {
  const callee = child(call, 'callee')!;
  return (
    isMember(callee) && children(call, 'arguments').length === 0 && child(callee, 'object')?.type !== 'ThisExpression'
  );
}

function isSystemGlobal(callee: SyntaxNode, module: SourceModule): boolean {
  const root = rootOf(callee);
  if (!module.isGlobal(root)) return false;
  return (
    systemGlobals.has(nameOf(root)) || (nameOf(root) === 'Object' && nameOf(child(callee, 'property')) === 'freeze')
  );
}

/** Whether an expression, or what it is a member of, is imported from such a module or has a type that is. */
function isFrom(
  expression: SyntaxNode,
  around: readonly SyntaxNode[],
  module: SourceModule,
  matches: (from: string) => boolean,
): boolean {
  for (let part: SyntaxNode | undefined = expression; part; part = isMember(part) ? child(part, 'object') : undefined) {
    const imported = module.importOf(part);
    if (imported && matches(imported.from)) return true;
    const type = typeOf({ node: part, around }, module);
    if (type?.from !== undefined && matches(type.from)) return true;
  }
  return false;
}

/** `new …Error(…)`, where the class is an Error. */
export function isError(node: SyntaxNode, module: SourceModule): boolean {
  return node.type === 'NewExpression' && isErrorClass(child(node, 'callee'), module);
}

function isErrorClass(name: SyntaxNode | undefined, module: SourceModule): boolean {
  if (!name) return false;
  if (module.isGlobal(name)) {
    const value: unknown = Reflect.get(globalThis, nameOf(name));
    return typeof value === 'function' && (value === Error || value.prototype instanceof Error);
  }
  const declared = module.declarationOf(name);
  return declared !== undefined && isErrorClass(child(declared.node, 'superClass'), declared.module);
}

const asked = new WeakMap<SyntaxNode, boolean>();

/** A function that returns nothing and changes nothing outside: it only throws, or tells people something, if something is wrong. */
export function onlyRefuses(node: SyntaxNode, module: SourceModule): boolean {
  if (!isFunction(node)) return false;
  const known = asked.get(node);
  if (known !== undefined) return known;
  // A function that calls itself is judged by the rest of it.
  asked.set(node, true);
  const result = onlyRefusesIn(functionOf(node), module);
  asked.set(node, result);
  return result;
}

function onlyRefusesIn(node: SyntaxNode, module: SourceModule): boolean {
  const body = child(node, 'body')!;
  if (body.type !== 'BlockStatement') return tells(body, module);
  const statements = statementsIn(body);
  return (
    statements.every((statement) => isHarmless(statement, node, module)) &&
    statements.some((statement) => refuses(statement, module) || tells(child(statement, 'expression'), module))
  );
}

/** The statements of a function that do something, not those of functions in it. */
function statementsIn(node: SyntaxNode): SyntaxNode[] {
  const nested = Object.values(node)
    .flat()
    .filter((value): value is SyntaxNode => isStatementLike(value));
  const own = /^(Throw|Return|Expression)Statement$/.test(node.type) ? [node] : [];
  return [...own, ...nested.flatMap(statementsIn)];
}

function isStatementLike(value: unknown): boolean {
  const type = typeof value === 'object' && value !== null ? String(Reflect.get(value, 'type')) : '';
  return /Statement$|^CatchClause$|^SwitchCase$/.test(type);
}

function isHarmless(statement: SyntaxNode, within: SyntaxNode, module: SourceModule): boolean {
  if (refuses(statement, module)) return true;
  if (statement.type === 'ReturnStatement') return !child(statement, 'argument');
  const expression = bare(child(statement, 'expression')!);
  if (tells(expression, module)) return true;
  const target = child(expression, expression.type === 'UpdateExpression' ? 'argument' : 'left');
  const owner = target && module.bindingOf(target)?.identifier;
  return owner !== undefined && owner.start >= within.start && owner.end <= within.end;
}

/** A call that tells people something, or of a function that only does that. */
function tells(node: SyntaxNode | undefined, module: SourceModule): boolean {
  const call = node && bare(node);
  if (!call || !isCall(call)) return false;
  const callee = child(call, 'callee')!;
  const around = module.placeOf(call)?.around ?? [];
  if (isFrom(callee, around, module, (from) => telling.has(from))) return true;
  const called = functionCalled(callee, around, module);
  return called !== undefined && onlyRefuses(called.node, called.module);
}

/** A statement that throws, itself or by calling a function that always does. */
export function refuses(statement: SyntaxNode, module: SourceModule): boolean {
  if (statement.type === 'ThrowStatement') return true;
  const value = child(statement, 'argument') ?? child(statement, 'expression');
  if (!value || !isCall(value)) return false;
  const called = functionCalled(child(value, 'callee')!, module.placeOf(value)?.around ?? [], module);
  return called !== undefined && alwaysThrows(called);
}

function alwaysThrows({ node, module }: Declared): boolean {
  const found = functionOf(node);
  const returned = child(child(found, 'returnType') ?? found, 'typeAnnotation');
  if (returned?.type === 'TSNeverKeyword') return true;
  const body = child(found, 'body');
  const last = body?.type === 'BlockStatement' ? children(body, 'body').at(-1) : undefined;
  if (!body || !last) return false;
  const leaves = statementsIn(body).some(({ type }) => type === 'ReturnStatement');
  return !leaves && last.type === 'ThrowStatement' && module !== undefined;
}

/** The function or method that a call runs, if it can be told from the sources. */
function functionCalled(callee: SyntaxNode, around: readonly SyntaxNode[], module: SourceModule): Declared | undefined {
  if (isMember(callee) && child(callee, 'object')?.type === 'ThisExpression') {
    const key = memberName(child(callee, 'property'));
    const owner = around.find(
      ({ type }) => type.startsWith('Class') && type !== 'ClassBody' && !/Method|Property/.test(type),
    );
    const methods = owner ? children(child(owner, 'body')!, 'body') : [];
    const node = methods.find((one) => /Method/.test(one.type) && memberName(child(one, 'key')) === key);
    return node && { module, node };
  }
  const declared = callee.type === 'Identifier' ? module.declarationOf(callee) : undefined;
  return declared && isFunction(declared.node) ? declared : undefined;
}

function memberName(key: SyntaxNode | undefined): string {
  return key?.type === 'PrivateName' ? `#${nameOf(child(key, 'id'))}` : nameOf(key);
}

/** A function, a method, or a variable that holds a function. */
function isFunction(node: SyntaxNode): boolean {
  return /Function|ClassMethod|ClassPrivateMethod|ObjectMethod/.test(functionOf(node).type);
}

function functionOf(node: SyntaxNode): SyntaxNode {
  return (node.type === 'VariableDeclarator' ? child(node, 'init') : undefined) ?? node;
}

function rootOf(expression: SyntaxNode): SyntaxNode {
  const object = isMember(expression) ? child(expression, 'object') : undefined;
  return object ? rootOf(object) : expression;
}

function isMember({ type }: SyntaxNode): boolean {
  return type === 'MemberExpression' || type === 'OptionalMemberExpression';
}

function isCall({ type }: SyntaxNode): boolean {
  return type === 'CallExpression' || type === 'OptionalCallExpression';
}

function bare(expression: SyntaxNode): SyntaxNode {
  return expression.type === 'AwaitExpression' ? child(expression, 'argument')! : expression;
}
