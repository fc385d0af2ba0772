import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from './shared_data.ts';

const src = join(root, 'src');

/** What everything may import. */
const base = ['errors.ts', 'events.ts', 'output.ts', 'text.ts'];

/** What each part of `src` may import, beside itself; see docs/architecture.md. */
const allowed: { readonly [part: string]: readonly string[] } = {
  'text.ts': [],
  'output.ts': ['text.ts'],
  'errors.ts': ['text.ts'],
  'events.ts': ['output.ts', 'text.ts'],
  lib: base,
  graph: ['lib', ...base],
  port: ['graph', 'lib', ...base],
  synthetic: ['port', 'lib', ...base],
  bridge: ['lib', ...base],
  compare: ['bridge', 'synthetic', 'port', 'graph', 'lib', ...base],
};

/** Inside `port`: later stages build on earlier ones. */
const portOrder = ['transplant', 'weights', 'finetuning', 'pretraining'];

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

const partOf = (file: string): string => file.split('/')[0];

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

  it('inside port: transplant, weights, finetuning, pretraining, each on those before it', () => {
    const wrong = imports.filter(({ from, to }) => {
      const [a, b] = [from, to].map((file) => (partOf(file) === 'port' ? portOrder.indexOf(file.split('/')[1]) : -1));
      return a >= 0 && b > a;
    });
    expect(wrong).toEqual([]);
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

  /** Files of src whose text has a word. */
  const usersOf = (word: RegExp): string[] =>
    readdirSync(src, { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.(ts|mjs)$/.test(file) && word.test(readFileSync(join(src, file), 'utf8')))
      .sort();

  it('JSON of files is read through a schema, except what the package itself holds or its own processes say', () => {
    expect(usersOf(/JSON\.parse\(/)).toEqual([
      'bench/port_worker.ts',
      'bench/worker_process.ts',
      'compare/report/json.ts',
      'doctor/probes.ts',
      'lib/json/text.ts',
      'lib/samplerate/native.ts',
      'pack/pack.ts',
      'jobs/environment.ts',
    ]);
  });

  it('files are written under a temporary name or without following links, except in folders that were just made', () => {
    expect(usersOf(/\b(appendFile|writeFile|copyFile)(Sync)?\(|createWriteStream\(/)).toEqual([
      'compare/sabotage/probes.ts',
      'compare/sabotage/trees.ts',
      'compare/suites/preprocessing_records.ts',
      'compare/suites/record_selection.ts',
      'fetch/original.ts',
      'graph/loading.ts',
    ]);
  });
});
