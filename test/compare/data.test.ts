import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generatedCollections, openCollections } from '../../src/compare/data.ts';
import { writeExcerpts } from '../../src/compare/icentia_excerpts.ts';
import { InputError } from '../../src/errors.ts';
import { rdann } from '../../src/lib/wfdb/annotation.ts';
import { rdrecord } from '../../src/lib/wfdb/record.ts';
import { loadLabels, loadSignal } from '../../src/port/transplant/datasets/icentia11k.ts';

const folder = mkdtempSync(join(tmpdir(), 'compare-data-'));
const at = (...names: string[]): string => join(folder, ...names);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('generatedCollections', () => {
  beforeAll(async () => {
    await generatedCollections(at('generated'), 1);
  });

  it('is laid out as real data are, with Icentia11k in the forms of the original', async () => {
    const data = await generatedCollections(at('generated'), 1);
    expect(data).toMatchObject({ kind: 'generated', names: ['icentia11k', 'cinc2017', 'challenge2020', 'ptbxl'] });
    for (const file of [
      'cinc2017/RECORDS',
      'challenge2020/cpsc2018/A0001.mat',
      'ptbxl/ptbxl_database.csv',
      'icentia11k/p00/p00000/p00000_s00.atr',
    ]) {
      expect(existsSync(at('generated', file)), file).toBe(true);
    }
    const [zipped, unzipped] = [await data.icentia('zipped'), await data.icentia('unzipped')];
    for (const id of zipped.patientIds) {
      const [a, b] = [zipped, unzipped].map(({ dbDir, unzipped }) => loadSignal(dbDir, id, { unzipped }));
      expect(a.shape).toEqual(b.shape);
      expect(a.read(1, 0, a.shape[1])).toEqual(b.read(1, 0, b.shape[1]));
    }
  });

  it('makes the same once, and anew for another seed', async () => {
    const record = at('generated', 'cinc2017', 'A00001.mat');
    const before = { time: statSync(record).mtimeMs, bytes: readFileSync(record) };
    await generatedCollections(at('generated'), 1);
    expect(statSync(record).mtimeMs).toBe(before.time);
    await generatedCollections(at('generated'), 2);
    expect(readFileSync(record)).not.toEqual(before.bytes);
    await generatedCollections(at('generated'), 1);
    expect(readFileSync(record)).toEqual(before.bytes);
  });

  it('makes again what was interrupted', async () => {
    cpSync(at('generated'), at('interrupted'), { recursive: true });
    rmSync(at('interrupted', 'GENERATED.json'));
    rmSync(at('interrupted', 'cinc2017', 'A00002.mat'));
    await generatedCollections(at('interrupted'), 1);
    expect(readdirSync(at('interrupted', 'cinc2017'))).toEqual(readdirSync(at('generated', 'cinc2017')));
  });

  it('openCollections cuts excerpts out of segments in WFDB form: samples and marks of their places', async () => {
    const { kind, icentia } = openCollections(at('generated'));
    expect(kind).toBe('real');
    const { dbDir, patientIds } = await icentia('zipped');
    expect(patientIds).toEqual([0, 1, 2, 3]);
    expect((await icentia('unzipped')).dbDir).not.toBe(dbDir);
    // Eight segments for eight stretches: each patient begins with the first samples of one.
    const record = at('generated', 'icentia11k', 'p00', 'p00000', 'p00000_s00');
    const whole = rdrecord(record).pSignal.data;
    const signal = loadSignal(dbDir, 0);
    const [, samples] = signal.shape;
    expect(signal.read(0, 0, samples).data).toEqual(Float32Array.from(whole.subarray(0, samples)));
    const { sample, symbol } = rdann(record, 'atr');
    const beats = Array.from(sample).filter((position, i) => symbol[i] !== '+' && position < samples);
    expect(Array.from(loadLabels(dbDir, 0).btype[0][0])).toEqual(beats);
  });
});

describe('writeExcerpts', () => {
  it('names what is missing', async () => {
    mkdirSync(at('nothing'));
    const size = { patients: 1, segments: 1, samples: 100 };
    await expect(writeExcerpts(at('nothing'), at('out'), size)).rejects.toThrow(
      /nothing: no patients found; expected folders such as/,
    );
    const many = { patients: 50, segments: 2, samples: 32_768 };
    await expect(writeExcerpts(at('generated', 'icentia11k'), at('out'), many)).rejects.toThrow(InputError);
  });
});
