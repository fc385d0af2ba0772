import { execFileSync } from 'node:child_process';
import {
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
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { unzip } from '../../src/fetch/unzip.ts';
import { python } from '../shared_data.ts';

const folder = mkdtempSync(join(tmpdir(), 'unzip-'));
const archive = join(folder, 'archive.zip');
const limits = { maxBytes: 1_000_000, maxFiles: 10 };
let target: string;
let count = 0;

beforeEach(() => {
  target = join(folder, `target-${count++}`);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Entry {
  readonly name: string;
  readonly body?: string;
  readonly times?: number;
  /** Unix file type and permissions, octal. */
  readonly mode?: string;
}

const maker = `
import json, sys, warnings, zipfile
warnings.simplefilter("ignore")
with zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED) as archive:
    for entry in json.loads(sys.argv[2]):
        info = zipfile.ZipInfo(entry["name"])
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = int(entry.get("mode", "100644"), 8) << 16
        archive.writestr(info, entry.get("body", "") * entry.get("times", 1))
`;

function make(entries: readonly Entry[]): void {
  execFileSync(python, ['-c', maker, archive, JSON.stringify(entries)]);
}

const good: Entry[] = [
  { name: 'set/', mode: '40755' },
  { name: 'set/RECORDS', body: 'A1\n' },
  { name: 'set/signals/A1.mat', body: 'signal', times: 1000 },
];

const isOurs = (path: string): boolean => path.toLowerCase() === 'own.txt';

describe('zipfile', () => {
  it('the files without their common folder', () => {
    make(good);
    expect(unzip(archive, target, limits)).toEqual(['RECORDS', 'signals/A1.mat']);
    expect(readFileSync(join(target, 'RECORDS'), 'utf8')).toBe('A1\n');
    expect(readFileSync(join(target, 'signals', 'A1.mat'), 'utf8')).toBe('signal'.repeat(1000));
  });
});

describe('archives that are refused before anything is written', () => {
  it.each<[string, Entry, RegExp]>([
    ['..', { name: 'set/../../outside', body: 'x' }, /"set\/\.\.\/\.\.\/outside": refused: a path with \.\./],
    ['an absolute path', { name: '/tmp/outside', body: 'x' }, /an absolute path/],
    ['a drive', { name: 'C:/outside', body: 'x' }, /an absolute path/],
    ['a backslash', { name: 'set\\..\\outside', body: 'x' }, /a backslash/],
    ['a symbolic link', { name: 'set/link', body: '/etc/passwd', mode: '120777' }, /a link or device/],
    ['a device', { name: 'set/device', mode: '20666' }, /a link or device/],
    ['a file that says it is a folder', { name: 'set/x', mode: '40755' }, /a link or device/],
    ['a file beside the folder', { name: 'other/x', body: 'x' }, /a file outside of the folder set\//],
    ['one name twice', { name: 'set/RECORDS', body: 'A2\n' }, /two members share a name/],
    ['one name but for the case', { name: 'set/records', body: 'A2\n' }, /some file systems treat as "RECORDS"/],
    ['a long name', { name: `set/${'n'.repeat(300)}`, body: 'x' }, /too long/],
    ['one name in another Unicode form', { name: 'set/e\u0301', body: 'x' }, /some file systems treat as "é"/],
    ['a file that is a folder, too', { name: 'set/RECORDS/x', body: 'x' }, /an entry inside a file/],
    ['a .git', { name: 'set/.Git/config', body: 'x' }, /a \.git/],
    ['a device of Windows', { name: 'set/aux.mat', body: 'x' }, /the name of a device/],
    ['a stream of a file', { name: 'set/RECORDS:x', body: 'x' }, /a colon/],
    ['a file that is the caller’s', { name: 'set/Own.txt', body: 'x' }, /a name that fetch-data uses itself/],
    ['a bomb', { name: 'set/zeros', body: '0', times: 2_000_000 }, /unpacks to more than the data set can be/],
  ])('%s', (_, entry, message) => {
    make([...good, { name: 'set/é', body: 'x' }, entry]);
    expect(() => unzip(archive, target, limits, undefined, isOurs)).toThrow(message);
    expect(() => unzip(archive, target, limits, undefined, isOurs)).toThrow(InputError);
    expect(existsSync(target)).toBe(false);
    expect(readdirSync(folder)).not.toContain('outside');
  });

  it('too many files, none, something else', () => {
    make([...good, ...Array.from({ length: 8 }, (_, i) => ({ name: `set/${i}` }))]);
    expect(() => unzip(archive, target, limits)).toThrow(/too many files; got 11; expected at most 10/);
    make([{ name: 'set/', mode: '40755' }]);
    expect(() => unzip(archive, target, limits)).toThrow(/contains no files/);
    writeFileSync(archive, 'no archive');
    expect(() => unzip(archive, target, limits)).toThrow(/not a zip archive/);
  });

  it('damage: sizes and checksums count', () => {
    make(good);
    const bytes = readFileSync(archive);
    const at = bytes.indexOf('A1.mat') + 10;
    bytes[at] = bytes[at] ^ 0xff;
    writeFileSync(archive, bytes);
    expect(() => unzip(archive, target, limits)).toThrow(/a member is damaged/);
    writeFileSync(archive, bytes.subarray(0, bytes.length - 30));
    expect(() => unzip(archive, target, limits)).toThrow(InputError);
  });
});

describe('a target with links', () => {
  it('is not left by them', () => {
    make(good);
    const elsewhere = join(folder, 'elsewhere');
    mkdirSync(elsewhere);
    mkdirSync(target);
    symlinkSync(elsewhere, join(target, 'signals'));
    expect(() => unzip(archive, target, limits)).toThrow(/leads out of it/);
    expect(readdirSync(elsewhere)).toEqual([]);
  });

  it('loses those of the same name', () => {
    make(good);
    const victim = join(folder, 'victim');
    writeFileSync(victim, 'mine');
    mkdirSync(target);
    symlinkSync(victim, join(target, 'RECORDS'));
    unzip(archive, target, limits);
    expect(readFileSync(victim, 'utf8')).toBe('mine');
    expect(readFileSync(join(target, 'RECORDS'), 'utf8')).toBe('A1\n');
  });
});
