import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from './shared_data.ts';

const src = join(root, 'src');

/** What everything may import. */
const base = ['errors.ts', 'events.ts', 'output.ts', 'text.ts'];

/** The twins of the programs: they drive what lies below, and nothing of `src/port` imports them. */
const isProgram = (file: string): boolean =>
  /^port\/(finetuning|pretraining)\/(trainer\b|adjust_network\.ts)/.test(file);

/** What each part of `src` may import, beside itself; see docs/architecture.md. */
const allowed: { readonly [part: string]: readonly string[] } = {
  'text.ts': [],
  'output.ts': ['text.ts'],
  'errors.ts': ['text.ts'],
  'events.ts': ['output.ts', 'text.ts'],
  lib: base,
  graph: ['lib', ...base],
  weights: ['graph', 'lib', ...base],
  port: ['weights', 'graph', 'lib', ...base],
  recordings: ['lib', ...base],
  prepare: ['recordings', 'port', 'lib', ...base],
  jobs: ['graph', 'lib', ...base],
  programs: ['port', 'prepare', 'recordings', 'jobs', 'weights', 'graph', 'lib', ...base],
  predict: ['programs', 'port', 'prepare', 'recordings', 'jobs', 'weights', 'graph', 'lib', ...base],
  synthetic: ['prepare', 'recordings', 'port', 'lib', ...base],
  setup: ['lib'],
  bridge: ['lib', ...base],
  compare: [
    'bridge',
    'synthetic',
    'predict',
    'programs',
    'port',
    'prepare',
    'recordings',
    'jobs',
    'weights',
    'graph',
    'lib',
    ...base,
  ],
};

interface Import {
  readonly from: string;
  readonly to: string;
}

const imports: Import[] = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .flatMap((file) =>
    [...readFileSync(join(src, file), 'utf8').matchAll(/^(?:import|export)\b[^;]*?from '(\.[^']+)'/gms)].map(
      ([, to]) => ({
        from: file,
        to: relative(src, resolve(dirname(join(src, file)), to)),
      }),
    ),
  );

const partOf = (file: string): string => (isProgram(file) ? 'programs' : file.split('/')[0]);

describe('import directions of src', () => {
  it('finds the imports', () => {
    expect(imports.length).toBeGreaterThan(200);
  });

  it.each(Object.keys(allowed))('%s imports only what stands below it', (part) => {
    const wrong = imports.filter(
      ({ from, to }) => partOf(from) === part && partOf(to) !== part && !allowed[part].includes(partOf(to)),
    );
    expect(wrong).toEqual([]);
  });

  it('every part of src is a layer or orchestrates', () => {
    const orchestrating = [
      'bench',
      'cli.ts',
      'commands',
      'doctor',
      'experiments.ts',
      'fetch',
      'pack',
      'reproduce',
      'index.ts',
    ];
    const known = new Set([...Object.keys(allowed), ...orchestrating]);
    expect(readdirSync(src).filter((part) => !known.has(part))).toEqual([]);
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
    ]);
  });
});
