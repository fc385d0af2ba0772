import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isNode, nodesOf, type SyntaxNode } from '../src/compare/sabotage/syntax.ts';
import { root } from './shared_data.ts';

const src = join(root, 'src');

/** What everything may import. */
const base = ['errors.ts', 'events.ts', 'output.ts', 'text.ts', 'lib'];

/** The rooms of the port. */
const port = ['graph', 'weights', 'port', 'networks', 'recordings', 'prepare', 'jobs', 'programs', 'predict', 'export'];

/** The twins of the programs: they drive what lies below, and nothing else of `src/port` imports them. */
const isProgram = (file: string): boolean =>
  /^port\/(finetuning|pretraining)\/(trainer\b|adjust_network\.ts)/.test(file);

/** What each part of `src` may import, beside itself; see docs/architecture.md. */
const allowed: { readonly [part: string]: readonly string[] } = {
  'text.ts': [],
  'output.ts': ['text.ts'],
  'errors.ts': ['text.ts'],
  'events.ts': ['output.ts', 'text.ts'],
  lib: ['errors.ts', 'events.ts', 'output.ts', 'text.ts'],
  setup: ['lib'],
  graph: base,
  weights: ['graph', ...base],
  port: ['weights', 'graph', ...base],
  networks: ['port', 'weights', 'graph', ...base],
  recordings: base,
  prepare: ['recordings', 'port', ...base],
  jobs: ['prepare', 'port', 'graph', ...base],
  programs: ['port', 'networks', 'prepare', 'recordings', 'jobs', 'weights', 'graph', ...base],
  predict: ['programs', 'port', 'networks', 'prepare', 'recordings', 'jobs', 'weights', 'graph', ...base],
  export: ['port', 'networks', 'prepare', 'jobs', 'weights', 'graph', ...base],
  evaluate: ['page', 'port', 'prepare', 'recordings', 'jobs', 'graph', ...base],
  publish: ['evaluate', 'export', 'fetch', 'jobs', 'prepare', 'weights', 'graph', ...base],
  synthetic: ['prepare', 'recordings', 'port', ...base],
  bridge: base,
  page: base,
  compare: ['page', 'bridge', 'synthetic', ...port, ...base],
  doctor: ['setup', 'graph', ...base],
  fetch: ['bridge', ...base],
  pack: base,
  'experiment_schema.ts': ['port', ...base],
  'experiments.ts': ['experiment_schema.ts'],
  bench: ['export', 'doctor', 'bridge', 'setup', 'synthetic', ...port, ...base],
  reproduce: [
    'experiment_schema.ts',
    'experiments.ts',
    'doctor',
    'page',
    'compare',
    'bridge',
    'synthetic',
    ...port,
    ...base,
  ],
  commands: [
    ...[
      'reproduce',
      'bench',
      'experiment_schema.ts',
      'experiments.ts',
      'pack',
      'fetch',
      'doctor',
      'compare',
      'evaluate',
      'publish',
      'page',
      'bridge',
      'setup',
      'synthetic',
    ],
    ...port,
    ...base,
  ],
  'cli.ts': ['commands', 'setup', ...base],
  'index.ts': base,
};

const sources = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) =>
  /(?<!\.d)\.m?(ts|js)$/.test(file),
);

/** The text of a string literal. */
function literal(node: unknown): string | undefined {
  return isNode(node) && node.type === 'StringLiteral' ? String(node.value) : undefined;
}

/** What a node loads or names of another file: by `import`, `export … from`, `import()` or `new URL(…, import.meta.url)`. */
function targetOf(node: SyntaxNode): string | undefined {
  const [first] = Array.isArray(node.arguments) ? node.arguments : [];
  if (/^(Import|Export\w*)Declaration$/.test(node.type)) return literal(node.source);
  if (node.type === 'ImportExpression') return literal(node.source);
  const callee = isNode(node.callee) ? node.callee : undefined;
  if (node.type === 'CallExpression' && callee?.type === 'Import') return literal(first);
  if (node.type === 'NewExpression' && callee?.name === 'URL') return literal(first);
  return undefined;
}

/** Files that each file of `src` imports, in either way, from `src` or outside it; packages are left out. */
const imports = new Map(
  sources.map((file) => {
    const targets = [...nodesOf(readFileSync(join(src, file), 'utf8'))].map(({ node }) => targetOf(node));
    const paths = targets.filter((target) => target?.startsWith('.'));
    return [file, paths.map((path) => relative(src, resolve(dirname(join(src, file)), String(path))))] as const;
  }),
);

const partOf = (file: string): string => (isProgram(file) ? 'programs' : file.split('/')[0]);

/** Groups of files that import each other, directly or not. */
function circles(): string[][] {
  const reach = (file: string, seen: Set<string>): Set<string> => {
    for (const next of imports.get(file) ?? []) if (!seen.has(next)) reach(next, seen.add(next));
    return seen;
  };
  const reached = new Map(sources.map((file) => [file, reach(file, new Set())]));
  const inCircles = sources.filter((file) => reached.get(file)?.has(file));
  const groups = inCircles.map((file) =>
    inCircles.filter((other) => reached.get(file)?.has(other) && reached.get(other)?.has(file)),
  );
  return groups.filter(([first], i) => first === inCircles[i]);
}

describe('import directions of src', () => {
  it('finds imports of every kind', () => {
    const found = (file: string): readonly string[] | undefined => imports.get(file);
    expect(found('errors.ts')).toContain('text.ts');
    expect(found('cli.ts'), 'import()').toContain('commands/doctor.ts');
    expect(found('doctor/probes.ts'), 'new URL()').toContain('doctor/node_probe.ts');
    expect(found('jobs/environment.ts'), 'outside src').toContain('../package.json');
  });

  it.each(Object.keys(allowed))('%s imports only what stands below it', (part) => {
    const wrong = [...imports].flatMap(([from, targets]) =>
      targets
        .filter((to) => partOf(from) === part && partOf(to) !== part && !allowed[part].includes(partOf(to)))
        .filter((to) => !['..', '../package.json'].includes(to))
        .map((to) => `${from} imports ${to}`),
    );
    expect(wrong).toEqual([]);
  });

  it('has a row for every part of src', () => {
    expect([...new Set(sources.map(partOf))].filter((part) => !(part in allowed))).toEqual([]);
  });

  it('has no files that import each other in a circle', () => {
    expect(circles()).toEqual([]);
  });

  it('nothing starts git, which runs the programs that a received checkout names', () => {
    const users = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(
      (file) => /\.(ts|mjs|py)$/.test(file) && /['"]git['"],/.test(readFileSync(join(src, file), 'utf8')),
    );
    expect(users).toEqual([]);
  });

  it('only the runtime touches the binding', () => {
    const users = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(
      (file) => file.endsWith('.ts') && /tfjs-node-gpu/.test(readFileSync(join(src, file), 'utf8')),
    );
    expect(users).toEqual(['graph/runtime.ts']);
  });

  /** Files of src whose text has a word; set-up runs before there are packages, so it cannot use what these rules ask for. */
  const usersOf = (word: RegExp): string[] =>
    readdirSync(src, { recursive: true, encoding: 'utf8' })
      .filter((file) => /^(?!setup\/).*\.(ts|mjs)$/.test(file) && word.test(readFileSync(join(src, file), 'utf8')))
      .sort();

  it('JSON of files is read through a schema, except what the package itself holds or its own processes say', () => {
    expect(usersOf(/JSON\.parse\(/)).toEqual([
      'bench/port_worker.ts',
      'bench/worker_process.ts',
      'bridge/pythonia.ts',
      'compare/report/json.ts',
      'doctor/probes.ts',
      'jobs/environment.ts',
      'lib/json/text.ts',
      'lib/samplerate/native.ts',
      'pack/pack.ts',
    ]);
  });

  it('files are written under a temporary name or without following links, except in folders that were just made', () => {
    expect(usersOf(/\b(appendFile|writeFile|copyFile)(Sync)?\(|createWriteStream\(/)).toEqual([
      'compare/sabotage/probes.ts',
      'compare/sabotage/trees.ts',
      'compare/suites/preprocessing/records.ts',
      'compare/suites/shared/record_selection.ts',
      'fetch/original.ts',
      'graph/loading.ts',
      'lib/typescript_hooks.mjs',
      'reproduce/staging.ts',
    ]);
  });
});
