import { execFileSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fetchedFile, identifyOriginal, packages, treeDigest } from '../../src/compare/witness.ts';
import { InputError } from '../../src/errors.ts';
import { root } from '../shared_data.ts';

const own = join(root, 'original');
const commit = `c255af5${'0'.repeat(33)}`;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'witness-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A copy of the packages, one file changed unless `same`. */
function checkout(same = false): string {
  for (const name of packages) {
    cpSync(join(own, name), join(folder, name), { recursive: true, filter: (path) => !path.includes('__pycache__') });
  }
  if (!same) appendFileSync(join(folder, 'transplant', 'utils.py'), '# another\n');
  return folder;
}

function git(...args: string[]): string {
  const identity = ['-c', 'user.name=t', '-c', 'user.email=t@localhost', '-c', 'commit.gpgsign=false'];
  return execFileSync('git', ['-C', folder, ...identity, ...args], { encoding: 'utf8', stdio: 'pipe' }).trim();
}

describe('identifyOriginal', () => {
  it("knows this project's own reimplementation, wherever it lies", () => {
    const expected = {
      kind: 'reimplementation',
      title: expect.stringMatching(/^our reimplementation in original\/ \(/),
    };
    expect(identifyOriginal(own)).toMatchObject({ ...expected, folder: own, keras: 'keras 3' });
    expect(identifyOriginal(checkout(true), 'legacy')).toMatchObject({ ...expected, folder, keras: 'tf_keras' });
  });

  it('calls another tree another checkout, with its digest', () => {
    const { kind, title, digest } = identifyOriginal(checkout());
    expect(kind).toBe('checkout');
    expect(title).toBe(`another checkout (tree ${digest.slice(0, 12)})`);
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
  });

  it('says which commit a git checkout is of, and whether it was changed', () => {
    checkout();
    git('init', '-q');
    git('add', '.');
    git('commit', '-q', '-m', 'all');
    const head = git('rev-parse', '--short=7', 'HEAD');
    expect(identifyOriginal(folder).title).toMatch(new RegExp(`^another checkout of ${head} \\(tree`));
    writeFileSync(join(folder, 'finetuning', 'more.py'), '');
    expect(identifyOriginal(folder).title).toMatch(
      new RegExp(`^another checkout of ${head} with local changes \\(tree`),
    );
  });

  it('knows upstream as fetched, until a file of it is changed', () => {
    const digest = treeDigest(checkout());
    writeFileSync(join(folder, fetchedFile), JSON.stringify({ commit, digest }));
    const title = `upstream c255af5 (tree ${digest.slice(0, 12)})`;
    expect(identifyOriginal(folder)).toMatchObject({ kind: 'upstream', title, digest });
    appendFileSync(join(folder, 'pretraining', 'utils.py'), ' ');
    expect(identifyOriginal(folder)).toMatchObject({
      kind: 'checkout',
      title: expect.stringMatching(/^another checkout of c255af5 with local changes \(tree/),
    });
  });

  it('takes no other commit and no broken note for upstream', () => {
    const digest = treeDigest(checkout());
    for (const text of ['{', '{}', 'null', JSON.stringify({ commit: `d${commit.slice(1)}`, digest })]) {
      writeFileSync(join(folder, fetchedFile), text);
      expect(identifyOriginal(folder).kind).toBe('checkout');
    }
  });

  it('refuses a folder without the packages, naming what is missing and what to do', () => {
    mkdirSync(join(folder, 'transplant'));
    writeFileSync(join(folder, 'transplant', '__init__.py'), '');
    expect(() => identifyOriginal(folder)).toThrow(InputError);
    expect(() => identifyOriginal(folder)).toThrow(/no package pretraining, finetuning.*fetch-original/);
    expect(() => identifyOriginal('/nowhere')).toThrow(/\/nowhere.*no such folder/);
  });
});

describe('treeDigest', () => {
  it('depends on paths and bytes of Python files, and on nothing else', () => {
    const before = treeDigest(checkout());
    writeFileSync(join(folder, 'README.md'), 'x');
    mkdirSync(join(folder, 'transplant', '__pycache__'));
    writeFileSync(join(folder, 'transplant', '__pycache__', 'a.py'), 'x');
    writeFileSync(join(folder, 'transplant', 'notes.txt'), 'x');
    expect(treeDigest(folder)).toBe(before);
    writeFileSync(join(folder, 'transplant', 'modules', 'more.py'), '');
    const more = treeDigest(folder);
    expect(more).not.toBe(before);
    rmSync(join(folder, 'transplant', 'modules', 'more.py'));
    writeFileSync(join(folder, 'transplant', 'more.py'), '');
    expect(treeDigest(folder)).not.toBe(more);
  });
});
