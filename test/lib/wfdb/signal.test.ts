import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.ts';
import { FileNotFoundError } from '../../../src/lib/python/errors.ts';
import { readHeader } from '../../../src/lib/wfdb/header.ts';
import { rdrecord } from '../../../src/lib/wfdb/record.ts';
import { readDigital } from '../../../src/lib/wfdb/signal.ts';
import { haveSharedData, sharedData } from '../../shared_data.ts';
import { asPython, readWithPython } from './wfdb_python.ts';

const folder = mkdtempSync(join(tmpdir(), 'wfdb-signal-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Writes a record from its header and the bytes of its signal files; returns its path. */
function record(name: string, header: string, files: Record<string, Uint8Array>): string {
  for (const [file, bytes] of Object.entries(files)) writeFileSync(join(folder, file), bytes);
  writeFileSync(join(folder, `${name}.hea`), header);
  return join(folder, name);
}

/** Bytes without a pattern that a wrong order could hide in. */
function bytes(count: number, seed = 1): Buffer {
  let state = seed;
  return Buffer.from(
    Array.from({ length: count }, () => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return state >>> 23;
    }),
  );
}

const sizes: Record<string, (samples: number) => number> = {
  '8': (n) => n,
  '16': (n) => 2 * n,
  '24': (n) => 3 * n,
  '32': (n) => 4 * n,
  '61': (n) => 2 * n,
  '80': (n) => n,
  '160': (n) => 2 * n,
  '212': (n) => Math.ceil(1.5 * n),
  '310': (n) => 4 * Math.ceil(n / 3),
  '311': (n) => 4 * Math.ceil(n / 3),
};

describe('wfdb.rdrecord', () => {
  it('wfdb.rdrecord: every format, lengths, offsets, gains, baselines, frames, skews as wfdb-python', async () => {
    const paths: string[] = [];
    for (const [fmt, size] of Object.entries(sizes)) {
      for (const leads of [1, 2, 3]) {
        for (const frames of [1, 2, 3, 7, 50]) {
          const name = `f${fmt}_${leads}_${frames}`;
          const line = (lead: number) =>
            `${name}.dat ${fmt} ${[200, '1000.5(3)/uV', '0/mV 12 7'][lead]} ${lead === 2 ? '' : '16 0'} ${lead + 5} 0 0 lead ${lead}`;
          const header = [
            `${name} ${leads} 257.5 ${frames}`,
            ...Array.from({ length: leads }, (_, lead) => line(lead)),
            '',
          ].join('\n');
          paths.push(record(name, header, { [`${name}.dat`]: bytes(size(frames * leads), paths.length + 1) }));
        }
      }
    }
    const more: [string, string, number][] = [
      ['offset', 'offset 2 300 10\noffset.dat 16+24 1000/mV\noffset.dat 16x1+24 1000/mV\n', 64],
      ['inferred', 'inferred 2 300\ninferred.dat 212\ninferred.dat 212\n', 62],
      ['inferred310', 'inferred310 1 300\ninferred310.dat 310\n', 61],
      ['frames', 'frames 3 100 8\nframes.dat 16x3 200\nframes.dat 16 200\nframes.dat 16x2 200\n', 96],
      ['frames8', 'frames8 2 100 8\nframes8.dat 8x3 200 8 0 -100\nframes8.dat 8 200 8 0 17\n', 32],
      ['skewed', 'skewed 2 100 20\nskewed.dat 16:3 200\nskewed.dat 16 200\n', 80],
      [
        'skewed212',
        'skewed212 3 100 7\nskewed212.dat 212x2:2 200\nskewed212.dat 212 200\nskewed212.dat 212x1:2 200\n',
        42,
      ],
      ['skewed80', 'skewed80 1 100 9\nskewed80.dat 80x2:2 200\n', 18],
      ['skewed310', 'skewed310 2 100 5\nskewed310.dat 310x2:2 200\nskewed310.dat 310 200\n', 40],
      ['skewed311', 'skewed311 1 100 5\nskewed311.dat 311x2:3 200\n', 40],
      ['odd212', 'odd212 3 100 7\nodd212.dat 212x1:2 200\nodd212.dat 212 200\nodd212.dat 212x3:2 200\n', 60],
      ['two', 'two 2 100 5\ntwo1.dat 16 200\ntwo2.dat 212 200\n', 0],
      [
        'crlf',
        '#first\r\ncrlf 1 100 5 12:30:01.5 28/02/2020\r\n\r\ncrlf.dat 16 200 12 0 0 0 0 name with blanks\r\n# Dx: 1\r\n',
        10,
      ],
      ['missing', 'missing 1 100 3\nmissing.dat 16 200\n', 0],
    ];
    for (const [name, header, size] of more) {
      const files: Record<string, Buffer> =
        name === 'two' ? { 'two1.dat': bytes(10), 'two2.dat': bytes(8, 3) } : { [`${name}.dat`]: bytes(size, 9) };
      if (name === 'missing') files['missing.dat'] = Buffer.from([0, 0x80, 1, 0, 0, 0x80]);
      paths.push(record(name, header, files));
    }
    const python = await readWithPython({ records: paths });
    expect(paths.map((path) => asPython(rdrecord(path)))).toEqual(python.records);
    expect(Array.from(rdrecord(paths.at(-1)!).pSignal.data)).toEqual([Number.NaN, 0.005, Number.NaN]);
  });

  it.skipIf(!haveSharedData)('wfdb.rdrecord: real records of every collection as wfdb-python', async () => {
    const names = [
      ...['A0001', 'A0002', 'A0003', 'A0004', 'A0005'].map((name) => `challenge2020/cpsc2018/${name}`),
      ...['E07500', 'HR00599', 'HR06000', 'JS20000', 'JS20007', 'Q0010', 'Q1808'].map(
        (name) => `challenge2020/labelled/${name}`,
      ),
      ...['A00009', 'A00010', 'A00011', 'A00015'].map((name) => `cinc2017/${name}`),
      'ptbxl/records100/00000/00001_lr',
      'ptbxl/records500/00000/00001_hr',
      'mitdb/100',
      'icentia11k/p00/p00000/p00000_s00',
      ...['100_3chan', '310derive', '311derive', 'a103l', 'binformats', 'test01_00s'].map((name) => `wfdb/${name}`),
    ].map((name) => join(sharedData, name));
    const python = await readWithPython({ records: names });
    expect(names.map((path) => asPython(rdrecord(path)))).toEqual(python.records);
  });

  it.skipIf(!haveSharedData)('wfdb.rdrecord: files of the C library (rdsamp)', () => {
    const text = (file: string): number[][] => {
      const raw = readFileSync(join(sharedData, 'wfdb', file));
      const plain = file.endsWith('.gz') ? gunzipSync(raw) : raw;
      return plain
        .toString()
        .trim()
        .split('\n')
        .map((line) => line.trim().split(/\s+/).map(Number));
    };
    const digital = (name: string): number[][] => {
      const path = join(sharedData, 'wfdb', name);
      const { data, shape } = readDigital(readHeader(path), path);
      return Array.from({ length: shape[0] }, (_, i) => Array.from(data.subarray(i * shape[1], (i + 1) * shape[1])));
    };
    expect(digital('test01_00s')).toEqual(text('record-1a'));
    expect(digital('binformats')).toEqual(text('record-1f.gz').map((row) => row.slice(-10)));
  });
});

describe('wfdb.rdrecord: bad input', () => {
  const good = '1 100 5\nx.dat 16 200\n';
  const cases: [title: string, header: string, message: RegExp][] = [
    [
      'cut off',
      'x 1 100 6\nx.dat 16 200\n',
      /x\.dat: the signal file is shorter than its header says; got 10 bytes; expected 12 bytes/,
    ],
    ['absurd length', 'x 1 100 1000000000000\nx.dat 16 200\n', /too long to be read whole; got 1000000000000 frames/],
    [
      'unknown format',
      'x 1 100 5\nx.dat 99 200\n',
      /signal 0: the signal format is not known; got 99; .*311, 508, 516, 524/,
    ],
    ['FLAC that is none', 'x 1 100 5\nx.dat 508 200\n', /x\.dat: this is not a FLAC stream/],
    ['missing signal line', 'x 2 100 5\nx.dat 16 200\n', /got 1 signal lines; expected 2/],
    ['no signals', 'x 0 100 5\n', /no signals/],
    ['no samples', 'x 1 100 0\nx.dat 16 200\n', /no samples/],
    ['empty', '', /the header is empty/],
    ['only comments', '# nothing\n', /the header is empty/],
    ['wrong record line', 'A?\n', /line 1: the record line cannot be read/],
    ['ending in the name', 'x.mat 1 100 5\nx.dat 16 200\n', /record line cannot be read/],
    ['date before time', 'x 1 100 5 01/02/2014 10:11:12\nx.dat 16 200\n', /base date cannot be read/],
    ['no such day', 'x 1 100 5 10:11:12 30/02/2014\nx.dat 16 200\n', /base date cannot be read; got "30\/02\/2014"/],
    ['a file twice', 'x 3 100 1\nx.dat 16 200\ny.dat 16 200\nx.dat 16 200\n', /not listed together/],
    ['different skews', 'x 2 100 2\nx.dat 16:1 200\nx.dat 16:2 200\n', /different skews/],
    ['frame without samples', 'x 1 100 5\nx.dat 16x0 200\n', /at least 1/],
    ['broken gain', 'x 1 100 5\nx.dat 16 -\n', /line 2: the gain cannot be read; got "-"/],
  ];
  it.each(cases)('%s', (_, header, message) => {
    const path = record('x', header, { 'x.dat': bytes(10) });
    expect(() => rdrecord(path)).toThrow(InputError);
    expect(() => rdrecord(path)).toThrow(message);
  });

  it('a missing header or signal file is FileNotFoundError', () => {
    expect(() => rdrecord(join(folder, 'none'))).toThrow(new FileNotFoundError(join(folder, 'none.hea')));
    const path = record('lost', `lost ${good}`.replaceAll('x.dat', 'gone.dat'), {});
    expect(() => rdrecord(path)).toThrow(new FileNotFoundError(join(folder, 'gone.dat')));
  });

  it('a folder in place of the signal file, a header of two megabytes, a long line', () => {
    mkdirSync(join(folder, 'dir'));
    expect(() => rdrecord(record('y', 'y 1 100 5\ndir 16 200\n', {}))).toThrow(/not a regular file/);
    expect(() => rdrecord(record('z', 'a'.repeat(2 ** 21), {}))).toThrow(/too large; got 2097152 bytes/);
    expect(() => rdrecord(record('z', 'a'.repeat(5000), {}))).toThrow(/line 1: the line is too long/);
  });
});
