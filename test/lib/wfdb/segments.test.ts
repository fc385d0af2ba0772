import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.ts';
import { FileNotFoundError } from '../../../src/lib/python/errors.ts';
import { openRecord, rdrecord } from '../../../src/lib/wfdb/record.ts';
import { runPython } from '../../python.ts';
import { asPython, readWithPython } from './wfdb_python.ts';

const folder = mkdtempSync(join(tmpdir(), 'wfdb-segments-'));
const at = (name: string): string => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

const header = (name: string, ...lines: string[]): void => writeFileSync(at(`${name}.hea`), `${lines.join('\n')}\n`);

beforeAll(async () => {
  const program = `
import os, sys, numpy as np, wfdb
os.chdir(sys.argv[1])
def write(name, length, names, fmt='16', fs=250, units=None, **options):
    x = np.round(900 * np.sin(np.arange(length)[:, None] / (7 + np.arange(len(names))))).astype(int)
    fields = {'adc_gain': [200. + 3 * i for i in range(len(names))], 'baseline': [5 * i for i in range(len(names))], **options}
    wfdb.wrsamp(name, d_signal=x, fmt=[fmt] * len(names), fs=fs, units=units or ['mV', 'uV', 'mmHg'][:len(names)], sig_name=names, **fields)
write('s1', 600, ['I', 'II'])
write('s2', 41, ['I', 'II'], fmt='212', adc_gain=[500., 10.])
write('s3', 7, ['II'], units=['uV'])
write('s4', 90, ['ABP', 'II', 'I'], units=['mmHg', 'uV', 'mV'])
write('slow', 600, ['I', 'II'], fs=125)
write('volts', 600, ['I', 'II'], units=['V', 'uV'])
write('other', 600, ['I', 'V5'])
`;
  await runPython(['-c', program, folder]);
  header('lay', 'lay 3 250 0', '~ 0 200/mV 16 0 0 0 0 I', '~ 0 100/uV 16 0 0 0 0 II', '~ 0 1/kPa 16 0 0 0 0 Resp');
  header('fixed', '# before', 'fixed/2 2 250 641 10:00:00 01/02/2020', 's1 600', 's2 41', '# Dx: 1');
  header('variable', 'variable/6 3 250 848', 'lay 0', '~ 100', 's1 600', 's3 7', 's2 41', '~ 100');
  header('more', 'more/4 3 250 104', 'lay 0', 's4 90', 's3 7', 's3 7');
  header('multi16', 'multi16 2 250 6', 'multi16.dat 16x2 200/mV 16 0 0 0 0 I', 'multi16.dat 16 100/uV 16 0 0 0 0 II');
  writeFileSync(at('multi16.dat'), Buffer.from(Array.from({ length: 36 }, (_, i) => (i * 37) % 256)));
  header('frames', 'frames/2 2 250 647', 'multi16 6', 's2 641');
  header('lay2', 'lay2 2 250 0', '~ 0x2 200/mV 16 0 0 0 0 I', '~ 0 100/uV 16 0 0 0 0 II');
  header('framed', 'framed/3 2 250 8', 'lay2 0', 'multi16 6', '~ 2');
});

describe('wfdb.rdrecord: multi-segment records', () => {
  it('wfdb.rdrecord: fixed and variable layouts, gaps, lacking and surplus signals, frames as wfdb-python', async () => {
    const names = ['fixed', 'variable', 'more', 'framed'];
    const { records } = await readWithPython({ records: names.map(at) });
    const ours = names.map((name) => asPython(rdrecord(at(name))));
    // wfdb-python does not say the unit of a signal that no segment has; here it is the layout's.
    const units = (record: object) => ({
      ...record,
      units: (record as { units: (string | null)[] }).units.slice(0, 2),
    });
    expect(ours.map(units)).toEqual(records.map(units));
    expect(ours.map((record) => record.pSignal)).toMatchObject([
      { shape: [641, 2] },
      { shape: [848, 3] },
      { shape: [104, 3] },
      { shape: [8, 2] },
    ]);
    expect(rdrecord(at('variable')).units).toEqual(['mV', 'uV', 'kPa']);
  });

  it('reads some signals, and does not open the segments that lack them', () => {
    const record = openRecord(at('more'));
    const whole = record.read([0, 1, 2]).data;
    const { data, shape } = record.read([1]);
    expect(shape).toEqual([104, 1]);
    expect(Array.from(data)).toEqual(Array.from({ length: 104 }, (_, i) => whole[3 * i + 1]));
    expect(record.read([0]).data.subarray(90)).toEqual(new Float64Array(14).fill(Number.NaN));
  });

  it('a record whose length is not stated, and a gap in a fixed layout, which wfdb-python cannot read', () => {
    header('open', 'open/3 2 250', 's1 600', '~ 9', 's2 41');
    const { pSignal } = rdrecord(at('open'));
    expect(pSignal.shape).toEqual([650, 2]);
    expect(pSignal.data.subarray(1200, 1218)).toEqual(new Float64Array(18).fill(Number.NaN));
    expect(pSignal.data.subarray(1218)).toEqual(rdrecord(at('s2')).pSignal.data);
  });

  const cases: [title: string, lines: string[], message: RegExp][] = [
    [
      'lengths that do not add up',
      ['x/2 2 250 700', 's1 600', 's2 41'],
      /do not add up.*got 641 samples in 2 segments; expected 700/,
    ],
    [
      'a missing segment line',
      ['x/3 2 250 641', 's1 600', 's2 41'],
      /number of segment lines is wrong; got 2 segment lines; expected 3/,
    ],
    [
      'another length',
      ['x/2 2 250 640', 's1 600', 's2 40'],
      /s2\.hea: the segment has another length .*got 41; expected 40/,
    ],
    [
      'another rate',
      ['x/2 2 250 641', 'slow 600', 's2 41'],
      /slow\.hea: the segment has another sampling rate .*got 125 Hz; expected 250 Hz/,
    ],
    [
      'another number of signals',
      ['x/2 2 250 607', 's1 600', 's3 7'],
      /s3\.hea: the segment has another number of signals.*got 1; expected 2/,
    ],
    [
      'other signals',
      ['x/2 2 250 641', 'other 600', 's2 41'],
      /s2\.hea: the segment has other signals.*got I, II; expected I, V5/,
    ],
    [
      'other units',
      ['x/2 2 250 1200', 's1 600', 'volts 600'],
      /volts\.hea, signal I: a signal is stored differently in two segments; got V; expected mV/,
    ],
    [
      'other frames',
      ['x/3 2 250 606', 'lay2 0', 'multi16 6', 's1 600'],
      /s1\.hea, signal I: .*got 1 samples per frame; expected 2/,
    ],
    ['segments in segments', ['x/2 2 250 1241', 'fixed 641', 's1 600'], /fixed\.hea: a segment has segments itself/],
    ['itself as a segment', ['x/1 2 250 641', 'x 641'], /x\.hea: a segment has segments itself/],
    ['an empty segment', ['x/2 2 250 600', 's1 600', 's2 0'], /a segment has no samples/],
    ['gaps alone', ['x/2 2 250 14', '~ 7', '~ 7'], /only empty segments/],
    ['a gap as layout', ['x/2 2 250 600', '~ 0', 's1 600'], /must have samples or be the layout/],
    [
      'a path as a segment',
      ['x/2 2 250 641', '../s1 600', 's2 41'],
      /line 2: the segment line cannot be read; got "\.\.\/s1 600"/,
    ],
    [
      'a name like a gap',
      ['x/2 2 250 641', 's1~ 600', 's2 41'],
      /line 2: the name of the segment cannot be read; got "s1~"/,
    ],
    ['no segments', ['x/0 2 250 641'], /no segments/],
    ['a segment of 10¹² samples', ['x/2 2 250', 's1 600', '~ 1000000000000'], /too long to be read whole/],
  ];
  it.each(cases)('refused: %s', (_, lines, message) => {
    header('x', ...lines);
    expect(() => rdrecord(at('x'))).toThrow(InputError);
    expect(() => rdrecord(at('x'))).toThrow(message);
  });

  it('a missing segment is FileNotFoundError', () => {
    header('x', 'x/2 2 250 641', 's1 600', 'gone 41');
    expect(() => rdrecord(at('x'))).toThrow(new FileNotFoundError(at('gone.hea')));
  });
});
