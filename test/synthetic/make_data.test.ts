import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { InputError } from '../../src/errors.ts';
import type { ProgressEvent } from '../../src/events.ts';
import { bytesOf } from '../../src/lib/numpy/ndarray.ts';
import { loadLabels } from '../../src/port/transplant/datasets/icentia11k.ts';
import {
  readChallenge17Data,
  readChallenge20Data,
  readPtbXlData,
} from '../../src/port/transplant/datasets/physionet.ts';
import { type MakeDataOptions, makeData } from '../../src/synthetic/make_data.ts';
import { runPython } from '../python.ts';
import { root } from '../shared_data.ts';

interface SetSummary {
  index: string[];
  columns: string[];
  values: number[][];
  fs: number[];
  shapes: [number, number][];
  leads: string[];
  sha256: string;
}

const folder = mkdtempSync(join(tmpdir(), 'make-data-'));
const size = { records: 14, seconds: 6, patients: 2, segments: 2, samples: 12_000 } satisfies Partial<MakeDataOptions>;
let python: Record<'challenge17' | 'challenge20' | 'ptbxl_hr' | 'ptbxl_lr', SetSummary> & { icentia: object };
let events: ProgressEvent[];

beforeAll(async () => {
  events = [];
  await makeData({ target: join(folder, 'one'), ...size, report: (event) => events.push(event) });
  const runner = join(root, 'test', 'fixtures', 'synthetic', 'reader.py');
  python = JSON.parse(await runPython([runner, join(folder, 'one')]));
}, 180_000);
afterAll(() => rmSync(folder, { recursive: true }));

/** SHA-256 of every file, of what is packed in those that are. */
function contents(target: string): Map<string, string> {
  const files = readdirSync(target, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(
    files.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const bytes = readFileSync(path);
      const plain = entry.name.endsWith('.gz')
        ? gunzipSync(bytes)
        : entry.name.endsWith('.npz')
          ? bytes.length.toString()
          : bytes;
      return [relative(target, path), createHash('sha256').update(plain).digest('hex')];
    }),
  );
}

describe('the readers of both sides', () => {
  test('Challenge 2017: one lead at 300 Hz, every class', async () => {
    const { index, columns, fs, shapes, leads } = python.challenge17;
    expect(index).toEqual(Array.from({ length: 14 }, (_, k) => `A${String(k + 1).padStart(5, '0')}`));
    expect(columns).toEqual(['A', 'N', 'O', '~']);
    expect([fs, leads]).toEqual([[300], ['ECG']]);
    expect(shapes.every(([samples, width]) => samples === 1800 && width === 1)).toBe(true);
  });

  test('Challenge 2020: twelve leads at 500 Hz, SNOMED codes', () => {
    const { columns, fs, leads, values } = python.challenge20;
    expect(columns).toEqual([
      '164884008',
      '164889003',
      '164890007',
      '284470004',
      '426177001',
      '426783006',
      '427084000',
    ]);
    expect(fs).toEqual([500]);
    expect(leads).toEqual(['I', 'II', 'III', 'aVR', 'aVL', 'aVF', 'V1', 'V2', 'V3', 'V4', 'V5', 'V6']);
    expect(values.every((row) => row.includes(1))).toBe(true);
  });

  test('PTB-XL: 500 and 100 Hz, rhythm statements in the order of the file, folds', () => {
    const rhythms = [
      'SR',
      'AFIB',
      'STACH',
      'SARRH',
      'SBRAD',
      'PACE',
      'SVARR',
      'BIGU',
      'AFLT',
      'SVTAC',
      'PSVT',
      'TRIGU',
    ];
    expect(python.ptbxl_hr.columns).toEqual(rhythms);
    expect(python.ptbxl_hr.index).toHaveLength(14);
    expect([python.ptbxl_hr.fs, python.ptbxl_lr.fs]).toEqual([[500], [100]]);
    expect(python.ptbxl_lr.shapes.every(([samples]) => samples === 600)).toBe(true);
    expect(python.ptbxl_lr.index.length).toBeLessThan(14);
  });

  test('the port reads what the original reads', async () => {
    const place = join(folder, 'one');
    const sets = {
      challenge17: readChallenge17Data(join(place, 'challenge17')),
      challenge20: readChallenge20Data(join(place, 'challenge20')),
      ptbxl_hr: readPtbXlData(join(place, 'ptbxl'), { fs: 'hr' }),
    };
    for (const [name, { records }] of Object.entries(sets) as [keyof typeof sets, (typeof sets)['challenge17']][]) {
      const sha = createHash('sha256');
      for (const { pSignal } of records) sha.update(bytesOf(pSignal));
      expect(sha.digest('hex')).toBe(python[name].sha256);
    }
  });

  test('Icentia: the three forms have the same content', () => {
    expect(python.icentia).toMatchObject({ signals_equal: true, labels_equal: true, beats: true });
    expect((python.icentia as { wfdb_equals: number }).wfdb_equals).toBeLessThan(1e-6);
    expect((python.icentia as { notes: string[] }).notes).toEqual(expect.arrayContaining(['(N', ')']));
  });
});

describe('makeData', () => {
  test('the same seed gives the same bytes, another seed gives others', async () => {
    await makeData({ target: join(folder, 'again'), ...size });
    expect(contents(join(folder, 'again'))).toEqual(contents(join(folder, 'one')));
    await makeData({ target: join(folder, 'other'), ...size, seed: 2, sets: ['challenge17'] });
    const [one, other] = [contents(join(folder, 'one', 'challenge17')), contents(join(folder, 'other', 'challenge17'))];
    expect([...one.keys()]).toEqual([...other.keys()]);
    expect(one.get('A00001.mat')).not.toBe(other.get('A00001.mat'));
  });

  test('a patient does not depend on how many others there are', async () => {
    await makeData({ target: join(folder, 'more'), ...size, patients: 3, sets: ['icentia'], forms: ['unzipped'] });
    const [more, one] = ['more', 'one'].map((name) => contents(join(folder, name, 'icentia', 'unzipped')));
    expect(more.get('00001_batched.npy')).toBe(one.get('00001_batched.npy'));
    expect(more.has('00002_batched.npy')).toBe(true);
  });

  test('twenty patients have every rhythm and kind of beat', async () => {
    const target = join(folder, 'twenty');
    await makeData({ target, sets: ['icentia'], forms: ['unzipped'], patients: 20, segments: 2, samples: 30_000 });
    const beats = new Set<number>();
    const rhythms = new Set<number>();
    for (let id = 0; id < 20; id++) {
      const labels = loadLabels(join(target, 'icentia', 'unzipped'), id, { unzipped: true });
      for (const [, codes] of labels.btype) for (const code of codes) beats.add(code);
      for (const [, codes] of labels.rtype) for (const code of codes) rhythms.add(code);
    }
    expect([...beats].sort()).toEqual([0, 1, 2, 4]);
    expect([...rhythms].sort()).toEqual([2, 3, 4, 5]);
  });

  test('reports progress: each set starts, counts and ends', () => {
    const of = (kind: string) =>
      events.flatMap((event) => (event.kind === kind && 'task' in event ? [event.task] : []));
    expect(of('start')).toEqual(['make icentia', 'make challenge17', 'make challenge20', 'make ptbxl']);
    expect(of('end')).toEqual(of('start'));
    expect(of('progress')).toHaveLength(2 + 3 * 14);
  });

  test('replaces existing data only if forced', async () => {
    const again = { target: join(folder, 'one'), ...size, sets: ['challenge17'] } satisfies MakeDataOptions;
    await expect(makeData(again)).rejects.toThrow(/already.*--force/);
    const before = contents(join(folder, 'one'));
    await makeData({ ...again, force: true });
    expect(contents(join(folder, 'one'))).toEqual(before);
  });

  test.each([
    { records: 0 },
    { records: 1.5 },
    { seed: -1 },
    { samples: 10 },
    { seconds: Number.NaN },
    { patients: 1e6 },
  ])('%j is refused before anything is written', async (wrong) => {
    const target = join(folder, 'wrong');
    await expect(makeData({ target, ...wrong })).rejects.toThrow(InputError);
    expect(() => readdirSync(target)).toThrow(/ENOENT/);
  });
});
