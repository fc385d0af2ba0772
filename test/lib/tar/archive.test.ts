import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.ts';
import { FileNotFoundError } from '../../../src/lib/python/errors.ts';
import { extractTar, listTar } from '../../../src/lib/tar/archive.ts';
import { runPython } from '../../python.ts';
import { python } from '../../shared_data.ts';

const folder = mkdtempSync(join(tmpdir(), 'tar-'));
const archive = join(folder, 'archive.tar');
let target: string;
let count = 0;

beforeEach(() => {
  target = join(folder, `target-${count++}`);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const maker = `
import io, json, sys, tarfile
entries, mode, format = json.loads(sys.argv[2]), sys.argv[3], getattr(tarfile, sys.argv[4])
with tarfile.open(sys.argv[1], mode, format=format) as archive:
    for entry in entries:
        info = tarfile.TarInfo(entry["name"])
        body = entry.get("body", "").encode() * entry.get("times", 1)
        info.type = getattr(tarfile, entry.get("type", "REGTYPE"))
        info.linkname = entry.get("link", "")
        info.size = len(body) if info.isreg() else 0
        archive.addfile(info, io.BytesIO(body))
`;

interface Entry {
  name: string;
  body?: string;
  times?: number;
  type?: string;
  link?: string;
}

function make(entries: Entry[], mode = 'w', format = 'PAX_FORMAT'): void {
  execFileSync(python, ['-c', maker, archive, JSON.stringify(entries), mode, format]);
}

const good: Entry[] = [
  { name: 'training', type: 'DIRTYPE' },
  { name: './training/A00001.hea', body: 'A00001 1 300 9000\n' },
  { name: 'training/A00001.mat', body: 'x\0é', times: 50_000 },
  { name: 'training/empty' },
  { name: `deep/${'long-name-'.repeat(20)}/é.txt`, body: 'unicode' },
];

describe('tarfile', () => {
  it.each([
    ['w', 'PAX_FORMAT'],
    ['w:gz', 'PAX_FORMAT'],
    ['w', 'GNU_FORMAT'],
    ['w:gz', 'GNU_FORMAT'],
  ])('%s %s: the files that Python reads', async (mode, format) => {
    make(good, mode, format);
    const program = `import tarfile, json, hashlib, posixpath, sys
with tarfile.open(sys.argv[1]) as a:
    print(json.dumps([[posixpath.normpath(m.name), "folder" if m.isdir() else "file", m.size, hashlib.sha1(a.extractfile(m).read()).hexdigest() if m.isreg() else None] for m in a]))`;
    const { createHash } = await import('node:crypto');
    const entries = await extractTar(archive, target);
    const found = entries.map(({ path, kind, size }) => {
      const digest =
        kind === 'file'
          ? createHash('sha1')
              .update(readFileSync(join(target, path)))
              .digest('hex')
          : null;
      return [path, kind, size, digest];
    });
    expect(found.length).toBe(5);
    expect(found).toEqual(JSON.parse(await runPython(['-c', program, archive])));
    expect(await listTar(archive)).toEqual(entries);
    expect(readdirSync(join(target, 'training')).sort()).toEqual(['A00001.hea', 'A00001.mat', 'empty']);
  });
});

describe('archives that are refused before anything is written', () => {
  it.each<[string, Entry, RegExp]>([
    [
      'a symbolic link',
      { name: 'l', type: 'SYMTYPE', link: '/etc/passwd' },
      /"l": refused: an entry of type SymbolicLink/,
    ],
    ['a hard link', { name: 'l', type: 'LNKTYPE', link: 'training/A00001.hea' }, /an entry of type Link/],
    ['a device', { name: 'd', type: 'CHRTYPE' }, /an entry of type CharacterDevice/],
    ['a pipe', { name: 'p', type: 'FIFOTYPE' }, /an entry of type FIFO/],
    ['an absolute path', { name: '/tmp/absolute', body: 'x' }, /an absolute path/],
    ['a drive', { name: 'C:/x', body: 'x' }, /an absolute path/],
    ['..', { name: 'training/../../outside', body: 'x' }, /a path with \.\./],
    ['a name of 300 characters', { name: 'n'.repeat(300), body: 'x' }, /too long/],
    ['a backslash', { name: '..\\outside', body: 'x' }, /a backslash/],
    ['a file in a file', { name: 'training/empty/x', body: 'x' }, /an entry inside a file/],
    ['a file where there is a folder', { name: 'training', body: 'x' }, /a second entry of this name/],
    ['a file where others need a folder', { name: `deep`, body: 'x' }, /a file where other entries need a folder/],
    ['a .git', { name: 'training/.git/config', body: 'x' }, /a \.git/],
    ['a .git of another case', { name: 'training/.GIT', body: 'gitdir: x' }, /a \.git/],
    ['a .git by its short name', { name: 'training/git~1/config', body: 'x' }, /a \.git/],
    ['a name of another case', { name: 'training/a00001.hea', body: 'x' }, /some file systems treat as "A00001.hea"/],
    ['the name of a device', { name: 'training/nul', body: 'x' }, /a device/],
    ['a second file of one name', { name: 'training//A00001.hea', body: 'y' }, /a second entry of this name/],
  ])('%s', async (_, entry, message) => {
    make([...good, entry], 'w', 'GNU_FORMAT');
    await expect(extractTar(archive, target)).rejects.toThrow(message);
    await expect(extractTar(archive, target)).rejects.toThrow(InputError);
    expect(() => readdirSync(target)).toThrow(/ENOENT/);
    expect(readdirSync(folder)).not.toContain('outside');
  });

  it('refuses too many bytes and too many entries', async () => {
    make(good);
    await expect(extractTar(archive, target, { maxBytes: 1000 })).rejects.toThrow(
      /too large; got 200018 bytes; expected at most 1000/,
    );
    await expect(extractTar(archive, target, { maxEntries: 4 })).rejects.toThrow(/more than 4 entries/);
    expect(() => readdirSync(target)).toThrow(/ENOENT/);
  });

  it('refuses a bomb: a gigabyte of zeros in a megabyte', async () => {
    make([{ name: 'zeros', body: '\0'.repeat(1000), times: 100_000 }], 'w:gz');
    await expect(extractTar(archive, target, { maxBytes: 1 << 20 })).rejects.toThrow(/too large/);
  });

  it('refuses archives that are cut off, damaged, empty, missing, or not archives', async () => {
    make(good);
    const whole = readFileSync(archive);
    const cases: [Buffer, RegExp][] = [
      [whole.subarray(0, 3000), /damaged/],
      [gzipSync(whole).subarray(0, 200), /damaged/],
      [Buffer.concat([whole.subarray(0, 700), Buffer.from('!'), whole.subarray(701)]), /damaged|refused/],
      [Buffer.alloc(0), /the archive is empty/],
      [Buffer.alloc(10240), /damaged|no entry/],
      [Buffer.from('PK\x03\x04'.repeat(400)), /damaged|no entry/],
    ];
    for (const [bytes, message] of cases) {
      writeFileSync(archive, bytes);
      await expect(extractTar(archive, target)).rejects.toThrow(message);
      await expect(listTar(archive)).rejects.toThrow(InputError);
    }
    await expect(listTar(join(folder, 'none.tar'))).rejects.toThrow(FileNotFoundError);
    await expect(listTar(folder)).rejects.toThrow(/not a regular file/);
  });

  it('refuses a link in the target folder that leads out of it', async () => {
    make(good);
    mkdirSync(target);
    mkdirSync(join(folder, 'elsewhere'), { recursive: true });
    symlinkSync(join(folder, 'elsewhere'), join(target, 'training'));
    await expect(extractTar(archive, target)).rejects.toThrow(/leads out of it/);
    expect(readdirSync(join(folder, 'elsewhere'))).toEqual([]);
  });
});
