import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { identifyOriginal, packages, treeDigest, upstreamDigest } from '../../src/bridge/witness.ts';
import { InputError } from '../../src/errors.ts';
import { poison } from '../poisoned_git.ts';
import { root } from '../shared_data.ts';

/** The published code, where it was fetched (`ECG_UPSTREAM`, else `original/upstream`). */
const upstreamFolder = [process.env.ECG_UPSTREAM ?? '', join(root, 'original', 'upstream')].find((path) =>
  existsSync(join(path, 'transplant')),
);

const own = join(root, 'original');
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'witness-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A copy of the packages, one file changed unless `same`. */
function checkout(same = false, target: string = folder): string {
  for (const name of packages) {
    cpSync(join(own, name), join(target, name), { recursive: true, filter: (path) => !path.includes('__pycache__') });
  }
  if (!same) appendFileSync(join(target, 'transplant', 'utils.py'), '# another\n');
  return target;
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

  it('knows the published code by its digest, wherever the folder comes from', () => {
    const digest = treeDigest(checkout());
    const title = `upstream c255af5 (tree ${digest.slice(0, 12)})`;
    expect(identifyOriginal(folder, '3', digest)).toMatchObject({ kind: 'upstream', title, digest });
    writeFileSync(join(folder, 'notes.txt'), 'x');
    expect(identifyOriginal(folder, '3', digest).kind).toBe('upstream');
    appendFileSync(join(folder, 'pretraining', 'utils.py'), ' ');
    expect(identifyOriginal(folder, '3', digest).kind).toBe('checkout');
  });

  it.skipIf(upstreamFolder === undefined)('calls the published code upstream', () => {
    expect(identifyOriginal(upstreamFolder!)).toMatchObject({ kind: 'upstream', digest: upstreamDigest });
  });

  it('says which commit a git checkout is of, and runs no program that its settings name', () => {
    const path = checkout(false, join(folder, 'checkout'));
    const executed = join(folder, 'executed');
    poison(join(path, '.git'), executed);
    const head = execFileSync('git', ['-C', path, 'log', '-1', '--format=%h', '--abbrev=7'], {
      encoding: 'utf8',
    }).trim();
    const title = new RegExp(`^another checkout \\(HEAD ${head}, tree `);
    expect(identifyOriginal(path).title).toMatch(title);
    execFileSync('git', ['-C', path, 'pack-refs', '--all']);
    rmSync(executed, { force: true });
    expect(identifyOriginal(path).title).toMatch(title);
    expect(existsSync(executed)).toBe(false);
    // The settings do what they are there for.
    spawnSync('git', ['-C', path, 'status']);
    expect(existsSync(executed)).toBe(true);
  });

  it.each(['ref: refs/../../secret', 'ref: /etc/passwd', 'x', ''])('takes no commit from a HEAD of %j', (head) => {
    checkout();
    mkdirSync(join(folder, '.git'));
    writeFileSync(join(folder, 'secret'), '0'.repeat(40));
    writeFileSync(join(folder, '.git', 'HEAD'), head);
    expect(identifyOriginal(folder).title).toMatch(/^another checkout \(tree /);
  });

  it('takes no commit from a HEAD that is a pipe', () => {
    checkout();
    mkdirSync(join(folder, '.git'));
    execFileSync('mkfifo', [join(folder, '.git', 'HEAD')]);
    expect(identifyOriginal(folder).title).toMatch(/^another checkout \(tree /);
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
  it('depends on paths and bytes of what Python can import, and on nothing else', () => {
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

  it.each(['evaluation.so', 'evaluation.cpython-311-x86_64-linux-gnu.so', 'evaluation.pyc', 'more.pyd'])(
    'counts %s, which Python prefers to source or takes beside it',
    (name) => {
      const before = treeDigest(checkout());
      writeFileSync(join(folder, 'transplant', name), '');
      expect(treeDigest(folder)).not.toBe(before);
    },
  );

  it('counts links as what they lead to, and comes to an end', () => {
    const before = treeDigest(checkout());
    renameSync(join(folder, 'transplant', 'modules'), join(folder, 'elsewhere'));
    symlinkSync(join(folder, 'elsewhere'), join(folder, 'transplant', 'modules'));
    expect(treeDigest(folder)).toBe(before);
    symlinkSync('..', join(folder, 'transplant', 'up'));
    symlinkSync('nowhere', join(folder, 'transplant', 'dangling.py'));
    execFileSync('mkfifo', [join(folder, 'transplant', 'pipe.py')]);
    expect(treeDigest(folder)).toEqual(expect.stringMatching(/^[0-9a-f]{64}$/));
    writeFileSync(join(folder, 'package.py'), 'x = 1\n');
    symlinkSync(join(folder, 'package.py'), join(folder, 'transplant', 'linked.py'));
    expect(treeDigest(folder)).not.toBe(before);
  });
});
