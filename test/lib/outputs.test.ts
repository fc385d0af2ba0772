import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
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
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError, systemFault } from '../../src/errors.ts';
import { checkOutputFile, checkOutputFolder } from '../../src/lib/outputs.ts';
import { writeFileAtomic } from '../../src/lib/python/atomic_file.ts';
import { root } from '../shared_data.ts';

const folder = mkdtempSync(join(tmpdir(), 'outputs-'));
const at = (...names: string[]): string => join(folder, ...names);
const bin = join(root, 'bin', 'ecg-transplant.mjs');

/** A folder of a file system that is mounted read-only, if this machine has one. */
const readOnly = readFileSync('/proc/mounts', 'utf8')
  .split('\n')
  .map((line) => line.split(' '))
  .find(([, place, , options]) => options?.split(',').includes('ro') && isFolder(place))?.[1];

function isFolder(place: string): boolean {
  try {
    return readdirSync(place).length >= 0;
  } catch {
    return false;
  }
}

beforeAll(() => {
  writeFileSync(at('file'), 'kept');
  mkdirSync(at('folder'));
  symlinkSync(at('circle'), at('circle'));
  symlinkSync(at('nowhere'), at('dangling'));
  spawnSync('mkfifo', [at('pipe')]);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const long = 'n'.repeat(300);

/** What stands in the way of a file, and what is said. */
const files: readonly (readonly [what: string, path: string, said: RegExp])[] = [
  ['a missing folder', at('no', 'x'), /the folder does not exist\. Create it first: mkdir -p \S+no$/],
  ['a folder', at('folder'), /this is a folder, not a file\. Name a file in it: --out \S+NAME$/],
  ['an existing file', at('file'), /the file exists already\. Add --force to replace it/],
  ['a file in the place of its folder', at('file', 'x'), /file: this is not a folder/],
  ['a device', '/dev/full', /not a regular file; got a device/],
  ['a pipe', at('pipe'), /not a regular file; got a pipe/],
  [
    'a loop of links',
    at('circle'),
    /the symbolic links form a loop; got ELOOP\. See where they lead: ls -l \S+circle$/,
  ],
  ['a link that leads nowhere', at('dangling'), /the link leads nowhere\. See where it leads/],
  ['a long name', at(long), /the name is too long; got ENAMETOOLONG\. Choose a shorter one/],
  ['a file system of the kernel', '/proc/x', /\/proc: .*\. .*/],
  ...(readOnly ? [['a read-only file system', join(readOnly, 'x'), /read-only; got EROFS|got E/] as const] : []),
];

/** What stands in the way of a folder. */
const folders: readonly (readonly [what: string, path: string, said: RegExp])[] = [
  ['a file', at('file'), /this is not a folder; got a file\. Name a folder/],
  ['a file in the place of a folder above', at('file', 'x', 'y'), /file: this is not a folder/],
  ['a device', '/dev/full', /this is not a folder; got a device/],
  ['a loop of links', at('circle', 'x'), /the symbolic links form a loop; got ELOOP/],
  ['a link that leads nowhere', at('dangling', 'x'), /dangling: the link leads nowhere/],
  ['a long name', at(long, 'x'), /the name is too long; got ENAMETOOLONG/],
  ['a file system of the kernel', '/proc/x/y', /\/proc: .*\. .*/],
];

describe('outputs are checked before the work begins', () => {
  it.each(files)('a file: %s', (_, path, said) => {
    const before = readdirSync(folder, { recursive: true });
    expect(() => checkOutputFile(path, { flag: '--out' })).toThrow(InputError);
    expect(() => checkOutputFile(path, { flag: '--out' })).toThrow(said);
    expect(readdirSync(folder, { recursive: true })).toEqual(before);
    expect(readFileSync(at('file'), 'utf8')).toBe('kept');
  });

  it.each(folders)('a folder: %s', (_, path, said) => {
    expect(() => checkOutputFolder(path, { flag: '--out' })).toThrow(InputError);
    expect(() => checkOutputFolder(path, { flag: '--out' })).toThrow(said);
  });

  it('accepts a writable output, and leaves nothing behind', () => {
    checkOutputFile(at('new'));
    checkOutputFile(at('file'), { replace: true });
    checkOutputFolder(at('a', 'b', 'c'));
    checkOutputFolder(at('folder'));
    expect(readdirSync(folder).sort()).toEqual(['circle', 'dangling', 'file', 'folder', 'pipe']);
  });

  it('writes a file whose name has 255 bytes, and errors name the file, not its temporary name', () => {
    for (const name of ['n'.repeat(255), 'é'.repeat(127)]) {
      writeFileAtomic(at('folder', name), 'x');
      expect(readdirSync(at('folder'))).toEqual([name.normalize()]);
      rmSync(at('folder', name));
    }
    try {
      writeFileAtomic(at('no', 'x.csv'), '');
      expect.unreachable();
    } catch (error) {
      expect(systemFault(error)?.message).toMatch(/no\/x\.csv: there is no such file or folder; got ENOENT/);
    }
  });

  it.runIf(process.getuid?.() === 0)('no permission', () => {
    mkdirSync(at('closed'));
    chmodSync(at('closed'), 0o755);
    chmodSync(folder, 0o755);
    const { stdout } = spawnSync(
      process.execPath,
      [
        '-e',
        `try { require('node:fs').openSync(${JSON.stringify(at('closed', 'x'))}, 'wx') } catch (error) { console.log(JSON.stringify({ ...error })) }`,
      ],
      { uid: 65534, gid: 65534, encoding: 'utf8' },
    );
    const error = Object.assign(new Error('EACCES'), JSON.parse(stdout));
    expect(systemFault(error, '--csv')?.message).toMatch(
      /^--csv: \S+closed\/x: permission denied; got EACCES\. See who may use it: ls -ld \S+closed\/x$/,
    );
    rmSync(at('closed'), { recursive: true });
  });
});

describe('every command says in one sentence why an output cannot be written', () => {
  const commands: readonly (readonly [name: string, flag: string, 'file' | 'folder', string[]])[] = [
    ['predict', '--csv', 'file', ['--job-dir', 'no', 'x.csv']],
    ['predict', '--json', 'file', ['--job-dir', 'no', 'x.csv']],
    ['predict', '--picture', 'folder', ['--job-dir', 'no', 'x.csv']],
    ['prepare-data', '--target', 'folder', ['--format', 'wfdb-csv', '--source', folder]],
    ['convert-icentia', '--target', 'folder', ['--source', folder]],
    ['weights', '--output', 'file', ['--checkpoint-file', at('file'), '--task', 'beat', '--format', 'keras']],
    ['finetune', '--job-dir', 'folder', ['--train', 'no.pkl']],
    ['pretrain', '--job-dir', 'folder', ['--train', folder, '--task', 'beat']],
    ['compare', '--job-dir', 'folder', ['--quick']],
    ['reproduce', '--job-dir', 'folder', []],
    ['bench', '--json', 'file', []],
    ['unpack', '--target', 'folder', ['x.tar.gz']],
    ['fetch-data', '--target', 'folder', ['cinc2017']],
    ['fetch-original', '--target', 'folder', []],
    ['make-data', '--target', 'folder', []],
    ['make-data', '--pictures', 'folder', []],
  ];

  it.each(commands)('%s %s', (name, flag, kind, others) => {
    const wrong = kind === 'file' ? [at('no', 'x'), at('folder')] : [at('file', 'x')];
    for (const path of wrong) {
      const { status, stdout, stderr } = spawnSync(process.execPath, [bin, name, ...others, flag, path], {
        encoding: 'utf8',
        timeout: 60_000,
        cwd: folder,
      });
      expect(stdout).toBe('');
      expect([1, 2]).toContain(status);
      expect(stderr).toContain(name === 'weights' ? folder : `${flag}: ${folder}`);
      expect(stderr).not.toMatch(/^ {4}at /m);
      expect(stderr.trim().split('\n')).toHaveLength(1);
    }
    expect(existsSync(at('no'))).toBe(false);
  });
});
