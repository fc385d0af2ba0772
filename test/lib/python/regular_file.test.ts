import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.ts';
import { readRows } from '../../../src/lib/csv/table.ts';
import { readAnyJson } from '../../../src/lib/json/file.ts';
import { readWeightsH5 } from '../../../src/lib/keras/weights_h5.ts';
import { loadmat } from '../../../src/lib/matlab/mat5.ts';
import { readNpy } from '../../../src/lib/numpy/npy.ts';
import { NpzFile } from '../../../src/lib/numpy/npz.ts';
import { readCsv } from '../../../src/lib/pandas/csv.ts';
import { FileNotFoundError } from '../../../src/lib/python/errors.ts';
import { gunzipFile } from '../../../src/lib/python/gzip.ts';
import { fileDigest } from '../../../src/lib/python/hashlib.ts';
import { readLines } from '../../../src/lib/python/lines.ts';
import { load, loadSync } from '../../../src/lib/python/pickle.ts';
import { streamFile } from '../../../src/lib/python/regular_file.ts';
import { readWholeFile } from '../../../src/lib/python/whole_file.ts';
import { ZipFile } from '../../../src/lib/python/zipfile.ts';
import { listTar } from '../../../src/lib/tar/archive.ts';
import { readCheckpoint } from '../../../src/lib/tensorflow/checkpoint.ts';
import { rdann } from '../../../src/lib/wfdb/annotation.ts';
import { readHeader } from '../../../src/lib/wfdb/header.ts';
import { rdrecord } from '../../../src/lib/wfdb/record.ts';

const folder = mkdtempSync(join(tmpdir(), 'ecg-file-'));
const at = (name: string): string => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

async function all(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const piece of pieces) parts.push(piece);
  return Buffer.concat(parts);
}

describe("open(path, 'rb').read()", () => {
  it('reads all bytes, at once and piece by piece', async () => {
    writeFileSync(at('bytes'), Uint8Array.of(0, 1, 255));
    expect(readWholeFile(at('bytes'))).toEqual(Uint8Array.of(0, 1, 255));
    expect([...(await all(streamFile(at('bytes'), { chunk: 2 })))]).toEqual([0, 1, 255]);
    expect([...(await all(streamFile(at('bytes'), { start: 2 })))]).toEqual([255]);
    writeFileSync(at('empty'), '');
    expect(readWholeFile(at('empty'))).toEqual(new Uint8Array(0));
    expect(await all(streamFile(at('empty')))).toHaveLength(0);
  });

  it('refuses a file that does not fit in memory before it reads', () => {
    writeFileSync(at('sparse'), '');
    truncateSync(at('sparse'), 2 ** 32);
    expect(() => readWholeFile(at('sparse'))).toThrow(InputError);
    expect(() => readWholeFile(at('sparse'))).toThrow(/the file is too large; got 4294967296 bytes/);
    expect(() => readWholeFile(at('bytes'), { maxBytes: 2 })).toThrow(/got 3 bytes; expected at most 2/);
  });

  it('refuses a file whose size changes, or differs from what the system reports', async () => {
    expect(() => readWholeFile('/proc/self/status')).toThrow(/changed its size .*got more than 0 bytes/);
    await expect(all(streamFile('/proc/self/status'))).rejects.toThrow(/changed its size/);
    writeFileSync(at('grows'), Buffer.alloc(100));
    const growing = async (): Promise<void> => {
      for await (const _ of streamFile(at('grows'), { chunk: 10 })) appendFileSync(at('grows'), 'more');
    };
    await expect(growing()).rejects.toThrow(/changed its size .*more than 100 bytes/);
    const shrinking = async (): Promise<void> => {
      for await (const _ of streamFile(at('grows'), { chunk: 10 })) truncateSync(at('grows'), 15);
    };
    await expect(shrinking()).rejects.toThrow(/changed its size .*got 15 bytes/);
  });
});

describe('every reader immediately refuses anything that is not a regular file', () => {
  const server = createServer();
  const kinds = ['pipe', 'link-to-pipe', 'socket', 'device', 'folder'];
  const endings = ['', '.hea', '.atr', '.index'];

  beforeAll(async () => {
    for (const ending of endings) {
      execFileSync('mkfifo', [at(`pipe${ending}`)]);
      symlinkSync(at('pipe'), at(`link-to-pipe${ending}`));
      symlinkSync('/dev/zero', at(`device${ending}`));
      if (ending !== '') symlinkSync(at('socket'), at(`socket${ending}`));
      execFileSync('mkdir', [at(`folder${ending}`)]);
    }
    await new Promise<void>((resolve) => server.listen(at('socket'), resolve));
  });
  afterAll(() => void server.close());

  const readers: readonly (readonly [string, (path: string) => unknown])[] = [
    ['readWholeFile', (path) => readWholeFile(path)],
    ['streamFile', (path) => all(streamFile(path))],
    ['gunzipFile', (path) => all(gunzipFile(path))],
    ['readAnyJson', (path) => readAnyJson(path)],
    [
      'readLines',
      (path) =>
        (async () => {
          for await (const _ of readLines(path, 100));
        })(),
    ],
    ['fileDigest', fileDigest],
    ['load', load],
    ['loadSync', loadSync],
    ['readNpy', readNpy],
    ['NpzFile', NpzFile.open],
    ['ZipFile', (path) => new ZipFile(path)],
    ['listTar', listTar],
    ['readCsv', readCsv],
    ['readRows', readRows],
    ['loadmat', loadmat],
    ['readWeightsH5', readWeightsH5],
    ['readHeader', readHeader],
    ['rdann', (path) => rdann(path, 'atr')],
    ['readCheckpoint', readCheckpoint],
  ];

  it.each(readers)('%s', async (_, read) => {
    const attempt = async (path: string): Promise<unknown> => read(path);
    for (const kind of kinds) await expect(attempt(at(kind)), kind).rejects.toThrow(/not a regular file; got a /);
    await expect(attempt(at('missing'))).rejects.toThrow(/missing/);
    await expect(attempt(at('bytes/below'))).rejects.toThrow(/below/);
  });

  it.each(kinds)('the signal file of a record: %s', (kind) => {
    writeFileSync(at('record.hea'), `record 1 250 10\n${kind} 16\n`);
    if (kind === 'link-to-pipe') return; // not a name that a header can hold
    expect(() => rdrecord(at('record'))).toThrow(/not a regular file/);
    writeFileSync(at('record.hea'), `record 1 250\n${kind} 16\n`);
    expect(() => rdrecord(at('record'))).toThrow(/not a regular file/);
  });

  it('a missing file is a FileNotFoundError', () => {
    expect(() => readWholeFile(at('missing'))).toThrow(FileNotFoundError);
  });
});
