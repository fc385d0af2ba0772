import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { runPython } from '../python.ts';
import { root } from '../shared_data.ts';

let modules: Readonly<Record<string, readonly string[]>>;
beforeAll(async () => {
  modules = JSON.parse(await runPython([join(root, 'scripts/lib/public_symbols.py'), join(root, 'original')]));
});

/** A name as TypeScript writes it; letters of either case, since classes and constants keep theirs. */
const plain = (name: string): string => name.replaceAll('_', '').toLowerCase();

describe('a twin', () => {
  it.each([
    'finetuning/datasets',
    'transplant/datasets/icentia11k',
    'transplant/datasets/physionet',
    'transplant/evaluation',
    'transplant/utils',
  ])('%s exports no value that its Python file does not', async (twin) => {
    const own = Object.keys(await import(pathToFileURL(join(root, `src/port/${twin}.ts`)).href));
    const python = new Set(modules[`${twin}.py`].map((name) => plain(name.slice(twin.length + 1))));
    expect(own.length).toBeGreaterThan(0);
    expect(own.filter((name) => !python.has(plain(name)))).toEqual([]);
  });
});
