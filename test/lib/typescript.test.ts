import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { root } from '../shared_data.ts';

const base = mkdtempSync(join(tmpdir(), 'typescript-'));
let clone: string;
let count = 0;

/** A clone with one module of its own, the loader and the packages that it needs. */
beforeEach(() => {
  clone = join(base, `clone${++count}`);
  mkdirSync(join(clone, 'src', 'lib'), { recursive: true });
  mkdirSync(join(clone, 'node_modules'));
  mkdirSync(join(clone, 'tmp'));
  for (const name of ['typescript.mjs', 'typescript_hooks.mjs']) {
    copyFileSync(join(root, 'src', 'lib', name), join(clone, 'src', 'lib', name));
  }
  for (const name of ['esbuild', '@esbuild']) {
    symlinkSync(join(root, 'node_modules', name), join(clone, 'node_modules', name));
  }
  write(`const word: string = 'first';\nconsole.log(word);\n`);
});

afterAll(() => rmSync(base, { recursive: true, force: true }));

function write(source: string): void {
  writeFileSync(join(clone, 'src', 'module.ts'), source);
}

function run(): { status: number | null; stdout: string; stderr: string } {
  const args = ['--import', join(clone, 'src', 'lib', 'typescript.mjs'), join(clone, 'src', 'module.ts')];
  const env = { ...process.env, TMPDIR: join(clone, 'tmp'), NODE_OPTIONS: '' };
  return spawnSync(process.execPath, args, { encoding: 'utf8', env });
}

const cache = (): string => join(clone, 'node_modules', '.cache', 'ecg-transplant', 'typescript');

/** Changes what is kept of the module, as a mark that shows whether it was read. */
function change(edit: (code: string) => string): void {
  const [name] = readdirSync(cache());
  writeFileSync(join(cache(), name), edit(readFileSync(join(cache(), name), 'utf8')));
}

describe('the loader of TypeScript', () => {
  it('keeps what it compiled beside the packages, not in the folder for temporary files, and reads it the next time', () => {
    expect(run().stdout).toBe('first\n');
    expect(readdirSync(cache())).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)]);
    expect(readdirSync(join(clone, 'tmp'))).toEqual([]);
    change((code) => code.replace('first', 'kept'));
    expect(run().stdout).toBe('kept\n');
  });

  it('compiles again what was changed, and what was kept only in part', () => {
    run();
    write(`const word: string = 'second';\nconsole.log(word);\n`);
    expect(run().stdout).toBe('second\n');
    for (const name of readdirSync(cache())) writeFileSync(join(cache(), name), `console.log('cut off');`);
    expect(run().stdout).toBe('second\n');
  });

  it('works where it cannot keep anything', () => {
    writeFileSync(join(clone, 'node_modules', '.cache'), 'not a folder');
    expect(run()).toMatchObject({ status: 0, stdout: 'first\n', stderr: '' });
  });

  it('traces errors to the lines of the TypeScript source, also from what was kept', () => {
    write(
      `interface Unused {\n  readonly lines: number;\n}\n\nconst word: string = 'third';\nthrow new Error(word);\n`,
    );
    for (let start = 0; start < 2; start++) {
      const { status, stderr } = run();
      expect([status, stderr]).toEqual([1, expect.stringContaining(`${join(clone, 'src', 'module.ts')}:6`)]);
    }
  });

  it('removes the oldest of more than 4,000 files', () => {
    mkdirSync(cache(), { recursive: true });
    for (let i = 0; i < 4001; i++) writeFileSync(join(cache(), `old${i}`), '');
    run();
    const names = readdirSync(cache());
    expect(names).toHaveLength(2001);
    expect(names).toContainEqual(expect.stringMatching(/^[0-9a-f]{64}$/));
  });
});
