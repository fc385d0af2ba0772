import { calleeName, child, children, type Place, type SyntaxNode } from './syntax.ts';

/** Folders of `src` whose code a comparison runs. The bridge and the comparison itself are the instruments. */
export const folders = [
  'port/',
  'prepare/',
  'recordings/',
  'jobs/',
  'networks/',
  'weights/',
  'predict/',
  'graph/',
  'lib/',
];

/**
 * Files in them that no compared result depends on: command lines, progress, locks, logs, refusals of bad input, what only the machine or a report is told, and
 * threads and caches that only save time. They have tests of their own.
 */
const elsewhere = [
  /(^|\/)(flags|progress|journal|event_log|lock|own_files|environment|record_cache|record_pool|(\w+_)?check)\.ts$/,
  /(^|\/)\w+_worker\.ts$/,
  /^lib\/(bootstrap|budget|caller|ending_signals|file_kind|git_lfs|machine|near|outputs|processes|worker)\.ts$/,
  /^lib\/(argparse\/\w+|tar\/archive)\.ts$/,
  /^lib\/python\/(errors|atomic_file|byte_source|whole_file|zipfile)\.ts$/,
  /^lib\/keras\/tensorboard\.ts$/,
  /^lib\/tensorflow\/event_file\.ts$/,
  /^(jobs\/(library_digests|run_job)|networks\/identify|prepare\/(prepared_alike|select_records))\.ts$/,
];

/** Whether the rules change a file, by its path below `src`. */
export function inScope(file: string): boolean {
  return folders.some((folder) => file.startsWith(folder)) && !elsewhere.some((pattern) => pattern.test(file));
}

/** Calls that print, use the file system, or free memory. */
const aside =
  /^(report|say|warn|log|emitWarning|join|resolve|relative|dirname|basename|(.*Sync)|close|dispose|delete\w*|abort|clear\w*|release|terminate|free\w*|unref|freeze|toExponential|describe\w*)$/;
/** Calls that only refuse bad input. */
const checks = /^(check|assert|require|refuse|expect|validate|fail)/;
/** Settings of speed and memory, and attributes of operations that do not affect the result. */
const settings =
  /^MAX_|_MAX_|limit|timeout|maxBytes|maxEntries|maxOpen|maxSize|threshold$|interval|chunk|readAhead|cache|parallel|thread|worker|highWater|use_locking|incompatible_shape_error/i;

/** Whether a change at this place could not show in a comparison: refusals of bad input, messages, paths, memory, speed. */
export function leftOut({ node, around }: Place): boolean {
  let inner = node;
  let direct = true;
  for (const outer of [node, ...around]) {
    if (outer.type === 'ThrowStatement' || isNaming(outer) || isRefusal(outer)) return true;
    if (isCheckingFunction(outer)) return true;
    if (isCheck(outer) && (outer === node || child(outer, 'test') === inner)) return true;
    if (direct && (isAside(outer) || isSetting(outer, inner))) return true;
    if (/Function|Method|Class/.test(outer.type)) direct = false;
    inner = outer;
  }
  return false;
}

/** Template strings: names and messages. */
function isNaming(node: SyntaxNode): boolean {
  return node.type === 'TemplateLiteral' || node.type === 'ImportDeclaration';
}

/** `new …Error(…)`. */
function isRefusal(node: SyntaxNode): boolean {
  return node.type === 'NewExpression' && /Error$/.test(calleeName(node));
}

/** `if (…) throw …`, or with a function that throws: `if (…) return fail(…)`. */
function isCheck(node: SyntaxNode): boolean {
  if (node.type !== 'IfStatement' || child(node, 'alternate')) return false;
  const consequent = child(node, 'consequent')!;
  const last = consequent.type === 'BlockStatement' ? children(consequent, 'body').at(-1) : consequent;
  const value = last && (child(last, 'argument') ?? child(last, 'expression'));
  return last?.type === 'ThrowStatement' || (value?.type === 'CallExpression' && calleeName(value).startsWith('fail'));
}

/** `function check…(…) { … }`. */
function isCheckingFunction(node: SyntaxNode): boolean {
  const name = child(node, 'id') ?? child(node, 'key');
  return /Function|Method/.test(node.type) && name?.type === 'Identifier' && checks.test(String(name.name));
}

function isAside(node: SyntaxNode): boolean {
  const call = node.type === 'ExpressionStatement' ? bare(child(node, 'expression')!) : node;
  if (call.type !== 'CallExpression' && call.type !== 'OptionalCallExpression') return false;
  const name = calleeName(call);
  return aside.test(name) || checks.test(name);
}

function bare(expression: SyntaxNode): SyntaxNode {
  return expression.type === 'AwaitExpression' ? child(expression, 'argument')! : expression;
}

/** The value of a variable, property or default whose name is that of a setting. */
function isSetting(outer: SyntaxNode, inner: SyntaxNode): boolean {
  const [name, value] = (
    {
      VariableDeclarator: ['id', 'init'],
      AssignmentPattern: ['left', 'right'],
      ObjectProperty: ['key', 'value'],
      ClassProperty: ['key', 'value'],
    } as const
  )[outer.type] ?? [undefined, undefined];
  if (name === undefined || child(outer, value) !== inner) return false;
  const named = child(outer, name);
  return named?.type === 'Identifier' && settings.test(String(named.name));
}
