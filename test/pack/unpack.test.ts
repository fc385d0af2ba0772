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
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { main } from '../../src/cli.ts';
import { InputError } from '../../src/errors.ts';
import { FileNotFoundError } from '../../src/lib/python/errors.ts';
import { pack } from '../../src/pack/pack.ts';
import { unpack } from '../../src/pack/unpack.ts';
import { python } from '../shared_data.ts';

const folder = mkdtempSync(join(tmpdir(), 'unpack-'));
const good = join(folder, 'good.tar.gz');
const hostile = join(folder, 'hostile.tar.gz');
let target: string;
let count = 0;

beforeAll(async () => {
  const job = join(folder, 'af');
  mkdirSync(job);
  writeFileSync(join(job, 'complete.json'), '{"epochs":1}\n');
  writeFileSync(join(job, 'history.csv'), 'epoch,loss\r\n0,0.5\r\n');
  await pack({ job, output: good });
});

beforeEach(() => {
  target = join(folder, `target-${count++}`);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Changes to the good archive: contents to replace, entries to leave out, entries to add, the fault of a header. */
interface Change {
  readonly replace?: Readonly<Record<string, string>>;
  readonly omit?: readonly string[];
  readonly add?: readonly {
    name: string;
    body?: string;
    type?: string;
    link?: string;
    size?: number;
    times?: number;
  }[];
  /** Write the list of checksums anew. */
  readonly sums?: boolean;
  readonly rename?: string;
}

const maker = `
import hashlib, io, json, sys, tarfile
source, target, change = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
with tarfile.open(source) as archive:
    files = {m.name: archive.extractfile(m).read() for m in archive if m.name not in change.get("omit", [])}
files.update({name: body.encode() for name, body in change.get("replace", {}).items()})
if change.get("sums"):
    files["af/SHA256SUMS"] = "".join(hashlib.sha256(b).hexdigest() + "  " + n[3:] + "\\n" for n, b in files.items() if n != "af/SHA256SUMS").encode()
with tarfile.open(target, "w:gz", format=tarfile.GNU_FORMAT) as archive:
    for name, body in files.items():
        info = tarfile.TarInfo(name.replace("af/", change["rename"], 1) if "rename" in change else name)
        info.size = len(body)
        archive.addfile(info, io.BytesIO(body))
    for entry in change.get("add", []):
        info = tarfile.TarInfo(entry["name"])
        body = entry.get("body", "").encode() * entry.get("times", 1)
        info.type = getattr(tarfile, entry.get("type", "REGTYPE"))
        info.linkname = entry.get("link", "")
        info.size = entry.get("size", len(body))
        if "size" in entry:
            archive.fileobj.write(info.tobuf(tarfile.GNU_FORMAT))
        else:
            archive.addfile(info, io.BytesIO(body))
`;

function make(change: Change): void {
  execFileSync(python, ['-c', maker, good, hostile, JSON.stringify(change)]);
}

describe('hostile archives are refused and leave nothing', () => {
  it.each<[string, Change, RegExp]>([
    ['an absolute path', { add: [{ name: '/tmp/x', body: 'x' }] }, /an absolute path/],
    ['..', { add: [{ name: 'af/../../outside', body: 'x' }] }, /a path with \.\./],
    ['a symbolic link', { add: [{ name: 'af/l', type: 'SYMTYPE', link: '/etc' }] }, /type SymbolicLink/],
    [
      'a link, then a file through it',
      {
        add: [
          { name: 'af/l', type: 'SYMTYPE', link: '/tmp' },
          { name: 'af/l/x', body: 'x' },
        ],
      },
      /type SymbolicLink/,
    ],
    ['a hard link', { add: [{ name: 'af/l', type: 'LNKTYPE', link: 'af/history.csv' }] }, /type Link/],
    ['a device', { add: [{ name: 'af/d', type: 'BLKTYPE' }] }, /type BlockDevice/],
    ['a pipe', { add: [{ name: 'af/p', type: 'FIFOTYPE' }] }, /type FIFO/],
    ['one name twice', { add: [{ name: 'af/history.csv', body: 'x' }] }, /a second entry of this name/],
    ['a file as a folder', { add: [{ name: 'af/history.csv/x', body: 'x' }] }, /an entry inside a file/],
    ['a file beside the folder', { add: [{ name: 'other/x', body: 'x' }] }, /do not lie in one folder/],
    [
      'a file that is not in the list',
      { add: [{ name: 'af/sub/report.json', body: 'x' }] },
      /not in the list of checksums/,
    ],
    [
      'an empty file that is not in the list',
      { add: [{ name: 'af/sub/report.json' }] },
      /not in the list of checksums/,
    ],
    ...['job.lock', 'state/latest', 'signals.bin', 'x.pkl', '.bashrc', 'report.json.tmp'].map(
      (name): [string, Change, RegExp] => [
        `${name}, listed`,
        { replace: { [`af/${name}`]: 'x' }, sums: true },
        new RegExp(`"af/${name}": refused: a kind of file that pack does not pack`),
      ],
    ),
    [
      'a huge list',
      { omit: ['af/SHA256SUMS'], add: [{ name: 'af/SHA256SUMS', body: 'x'.repeat(1000), times: 52_000 }] },
      /SHA256SUMS: a file is larger than expected; got 52000000 bytes/,
    ],
    [
      'a huge description',
      { replace: { 'af/pack.json': `"${'x'.repeat(70_000)}"` }, sums: true },
      /pack.json: a file is larger than expected; got 70002 bytes; expected at most 65536/,
    ],
    [
      'a description with something else for a truth value',
      { replace: { 'af/pack.json': '{"format":1,"name":"af","version":"0.1.0","records":"no"}' }, sums: true },
      /pack.json, records: .*got "no"; expected true or false/,
    ],
    ['a bomb', { add: [{ name: 'af/zeros', body: '0'.repeat(1000), times: 70_000 }] }, /the files are too large/],
    ['an absurd size', { add: [{ name: 'af/x', size: 2 ** 40 }] }, /the files are too large/],
    ['a size beyond all files', { add: [{ name: 'af/x', size: 2 ** 60 }] }, /damaged; got parsed number outside/],
    [
      'a wrong content',
      { replace: { 'af/history.csv': 'epoch,loss\r\n0,0.1\r\n' } },
      /history.csv: a file is damaged; got/,
    ],
    ['a missing file', { omit: ['af/history.csv'] }, /history.csv: a file is missing/],
    ['no list', { omit: ['af/SHA256SUMS'] }, /pack did not make this archive; expected af\/SHA256SUMS/],
    [
      'a list that is none',
      { replace: { 'af/SHA256SUMS': 'x\n' } },
      /SHA256SUMS, line 1: the list of checksums cannot be read/,
    ],
    ['a list with a file twice', { replace: { 'af/SHA256SUMS': `${'0'.repeat(64)}  x\n`.repeat(2) } }, /line 2/],
    [
      'a list of a file elsewhere',
      { replace: { 'af/SHA256SUMS': `${'0'.repeat(64)}  ../../x\n` } },
      /is not in the list of checksums|is missing/,
    ],
    [
      'no description',
      { omit: ['af/pack.json'], sums: true },
      /pack did not make this archive; expected af\/pack.json/,
    ],
    [
      'a newer description',
      { replace: { 'af/pack.json': '{"format":2}' }, sums: true },
      /pack.json, format: the description of the archive is of another version; got 2; expected 1/,
    ],
    [
      'a description of another run',
      { replace: { 'af/pack.json': '{"format":1,"name":"x","version":"0.1.0","records":true}' }, sums: true },
      /is that of another run; got "x"; expected "af"/,
    ],
    [
      'a description that is none',
      { replace: { 'af/pack.json': 'null' }, sums: true },
      /pack.json: the description of the archive cannot be used; got null; expected an object/,
    ],
    ['a hidden folder', { rename: '.run/' }, /cannot be that of a run; got "\.run"/],
    ['a .git', { add: [{ name: 'af/.git/config', body: '[core]' }] }, /a \.git/],
    ['a run with the name of a device', { rename: 'NUL/' }, /the name of a device/],
    ['files without a folder', { rename: '' }, /do not lie in one folder|name that is none/],
  ])('%s', async (_, change, message) => {
    make(change);
    await expect(unpack({ archive: hostile, target, maxBytes: 60_000_000 })).rejects.toThrow(message);
    expect(existsSync(target) ? readdirSync(target) : []).toEqual([]);
    expect(readdirSync(folder)).not.toContain('outside');
  });

  it('cut off anywhere, or damaged', async () => {
    const bytes = readFileSync(good);
    const tar = gunzipSync(bytes);
    const broken = [0, 1, 10, 100, bytes.length - 20, bytes.length - 1].map((end) => bytes.subarray(0, end));
    for (let at = 0; at < tar.length; at += 400) {
      const flipped = Buffer.from(tar);
      flipped[at] = flipped[at] ^ 0x41;
      broken.push(gzipSync(flipped));
    }
    let refused = 0;
    for (const [i, content] of broken.entries()) {
      writeFileSync(hostile, content);
      const place = join(target, String(i));
      const error = await unpack({ archive: hostile, target: place }).then(
        () => undefined,
        (fault: unknown) => fault,
      );
      // Owner and device fields of a header that are covered by its checksum, and the padding behind a file, mean nothing.
      if (error === undefined)
        expect(readFileSync(join(place, 'af', 'history.csv'), 'utf8')).toBe('epoch,loss\r\n0,0.5\r\n');
      else {
        expect(error).toBeInstanceOf(InputError);
        expect(existsSync(place) ? readdirSync(place) : []).toEqual([]);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(10);
  });

  it('no archive at all', async () => {
    await expect(unpack({ archive: join(folder, 'none'), target })).rejects.toThrow(FileNotFoundError);
    await expect(unpack({ archive: folder, target })).rejects.toThrow(/not a regular file/);
  });
});

describe('nothing is overwritten', () => {
  it('a folder, a file or a dangling link of the name', async () => {
    mkdirSync(join(target, 'af'), { recursive: true });
    writeFileSync(join(target, 'af', 'history.csv'), 'mine');
    await expect(unpack({ archive: good, target })).rejects.toThrow(/nothing is overwritten. Choose another --target/);
    expect(readFileSync(join(target, 'af', 'history.csv'), 'utf8')).toBe('mine');
    rmSync(join(target, 'af'), { recursive: true });
    symlinkSync('/tmp/nowhere-at-all', join(target, 'af'));
    await expect(unpack({ archive: good, target })).rejects.toThrow(/nothing is overwritten/);
  });
});

describe('the commands', () => {
  it('pack, unpack', async () => {
    const output = join(folder, 'command.tar.gz');
    expect(await main(['pack', join(folder, 'af'), '--output', output])).toBe(0);
    expect(readFileSync(output).equals(readFileSync(good))).toBe(true);
    expect(await main(['unpack', output, '--target', target])).toBe(0);
    expect(readdirSync(join(target, 'af')).sort()).toEqual(['SHA256SUMS', 'complete.json', 'history.csv', 'pack.json']);
    expect(await main(['unpack', output, '--target', target])).toBe(1);
    expect(await main(['pack'])).toBe(2);
    expect(await main(['unpack', output, '--max-size', 'x'])).toBe(2);
  });
});
