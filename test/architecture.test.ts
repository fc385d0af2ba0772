import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from './shared_data.ts';

const src = join(root, 'src');

/** What each part of `src` may import, beside itself; see docs/architecture.md. */
const allowed: { readonly [part: string]: readonly string[] } = {
  'errors.ts': [],
  'events.ts': [],
  lib: ['errors.ts', 'events.ts'],
  graph: ['lib', 'errors.ts', 'events.ts'],
  port: ['graph', 'lib', 'errors.ts', 'events.ts'],
  synthetic: ['port', 'lib', 'errors.ts', 'events.ts'],
  bridge: ['lib', 'errors.ts', 'events.ts'],
  compare: ['bridge', 'synthetic', 'port', 'graph', 'lib', 'errors.ts', 'events.ts'],
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

  it('only the runtime touches the binding', () => {
    const users = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(
      (file) => file.endsWith('.ts') && /tfjs-node-gpu/.test(readFileSync(join(src, file), 'utf8')),
    );
    expect(users).toEqual(['graph/runtime.ts']);
  });
});
