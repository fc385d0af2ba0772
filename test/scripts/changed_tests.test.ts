import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { changedFiles, filesOf, reachedTests } from '../../scripts/lib/changed_tests.mjs';
import { root } from '../shared_data.ts';

const folder = mkdtempSync(join(tmpdir(), 'changed-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const files = filesOf(root);
const reach = (...changed: string[]): ReturnType<typeof reachedTests> => reachedTests(files, changed);

describe('a change reaches', () => {
  it('the tests that import the file, also through others', () => {
    const { vitest, pytest } = reach('src/pack/pack.ts');
    expect(vitest).toEqual(expect.arrayContaining(['test/pack/pack.test.ts', 'test/pack/unpack.test.ts']));
    expect(vitest).not.toContain('test/lib/numpy/random.test.ts');
    expect(pytest).toBe(false);
  });

  it('tests that start a command which imports the file', () => {
    const { vitest } = reach('src/port/finetuning/trainer.ts');
    expect(vitest).toEqual(
      expect.arrayContaining(['test/commands/signals.test.ts', 'test/planted.test.ts', 'test/package/package.test.ts']),
    );
  });

  it('tests that read the file, or the folder around it', () => {
    expect(reach('docs/setup.md').vitest).toContain('test/docs/commands.test.ts');
    expect(reach('test/lib/near.test.ts').vitest).toEqual(
      expect.arrayContaining(['test/lib/near.test.ts', 'test/parity.test.ts']),
    );
  });

  it('tests that use the Python side, where that changes', () => {
    expect(reach('src/bridge/ecg_probe/shims.py')).toMatchObject({
      vitest: expect.arrayContaining(['test/bridge/session.test.ts', 'test/compare/suites/network_suites.test.ts']),
      pytest: false,
    });
    expect(reach('original/transplant/evaluation.py')).toMatchObject({
      vitest: expect.arrayContaining(['test/port/transplant/evaluation.test.ts']),
      pytest: true,
    });
    expect(reach('original/tests/test_evaluation.py')).toEqual({ vitest: [], pytest: true });
  });

  it('every test, where it changes packages or how tests run', () => {
    const all = [...files.keys()].filter((path) => path.endsWith('.test.ts')).sort();
    for (const path of ['package-lock.json', 'vitest.config.ts', 'scripts/test.mjs', 'test/proofs/plugin.ts']) {
      expect(reach(path)).toEqual({ vitest: all, pytest: true });
    }
  });

  it('nothing, where nothing changed', () => {
    expect(reach()).toEqual({ vitest: [], pytest: false });
  });

  it('tests of a file that was removed', () => {
    const rest = new Map(files);
    rest.delete('src/pack/pack.ts');
    expect(reachedTests(rest, ['src/pack/pack.ts']).vitest).toContain('test/pack/pack.test.ts');
  });
});

describe('the files that changed', () => {
  it('are those that differ from the commit, those that are gone and new ones; not those that git ignores', () => {
    const git = (...args: string[]): string =>
      execFileSync('git', ['-c', 'user.name=x', '-c', 'user.email=x@y', ...args], { cwd: folder, encoding: 'utf8' });
    git('init', '-q');
    for (const name of ['same', 'edited', 'removed']) writeFileSync(join(folder, name), name);
    writeFileSync(join(folder, '.gitignore'), 'ignored\n');
    git('add', '.');
    git('commit', '-qm', 'one');
    for (const name of ['edited', 'new', 'ignored']) writeFileSync(join(folder, name), 'changed');
    unlinkSync(join(folder, 'removed'));
    expect(changedFiles(folder, 'HEAD')).toEqual(['edited', 'new', 'removed']);
    git('add', '.');
    git('commit', '-qm', 'two');
    expect(changedFiles(folder, 'HEAD')).toEqual([]);
    expect(changedFiles(folder, 'HEAD~1')).toEqual(['edited', 'new', 'removed']);
  });
});

describe('npm test -- --since', () => {
  it('says so if there is no such commit', () => {
    const args = [join(root, 'scripts', 'test.mjs'), '--since', 'no-such-commit'];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect([status, stderr]).toEqual([2, expect.stringMatching(/^--since: git cannot compare with .*no-such-commit/)]);
  });
});
