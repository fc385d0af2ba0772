import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.ts';
import { openEdf } from '../../../src/lib/edf/edf.ts';
import { readRecording } from '../../../src/recordings/recordings.ts';

const fixtures = join(import.meta.dirname, '../../fixtures/edf');
const folder = mkdtempSync(join(tmpdir(), 'edf-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Expected {
  readonly labels: readonly string[];
  readonly units: readonly string[];
  readonly fs: readonly number[];
  readonly samples: readonly number[];
  readonly first: readonly (readonly number[])[];
  readonly sha256: readonly string[];
}
const expected = JSON.parse(readFileSync(join(fixtures, 'expected.json'), 'utf8')) as Record<string, Expected>;

/** A copy of a file with texts put in at bytes of it. */
function changed(name: string, ...changes: readonly (readonly [at: number, text: string])[]): string {
  const bytes = Buffer.from(readFileSync(join(fixtures, name)));
  for (const [at, text] of changes) bytes.write(text, at, 'latin1');
  const path = join(folder, `x.${name.slice(-3)}`);
  writeFileSync(path, bytes);
  return path;
}

/** Header of `plus.edf`: 4 signals; a data record has 20 annotation, 250, 25 and 250 samples. */
const [plusHeader, plusRecord] = [256 * 5, 2 * (20 + 250 + 25 + 250)];

describe('pyedflib.EdfReader', () => {
  it.each(Object.entries(expected))('%s: labels, units, rates and samples, to the last bit', (name, theirs) => {
    const { signals, read } = openEdf(join(fixtures, name));
    expect(signals.map(({ label }) => label)).toEqual(theirs.labels);
    expect(signals.map(({ units }) => units)).toEqual(theirs.units);
    expect(signals.map(({ fs }) => fs)).toEqual(theirs.fs);
    signals.forEach((_, place) => {
      const { data, shape } = read([place]);
      expect(shape).toEqual([theirs.samples[place], 1]);
      expect(Array.from(data.subarray(0, 3))).toEqual(theirs.first[place]);
      expect(createHash('sha256').update(data).digest('hex')).toBe(theirs.sha256[place]);
    });
  });

  it('µV in Latin-1 and in UTF-8 is µV', () => {
    const at = 256 + 3 * 96;
    for (const unit of ['\xb5V      ', '\xc2\xb5V     ', '\xce\xbcV     ']) {
      const { units } = openEdf(changed('plain.edf', [at, unit])).signals[0];
      expect(['\u00b5V', '\u03bcV']).toContain(units);
    }
  });

  it('several signals stand side by side', () => {
    const { read } = openEdf(join(fixtures, 'plain.edf'));
    const [together, one] = [read([2, 0]), read([0])];
    expect(together.shape).toEqual([150, 2]);
    expect(Array.from(together.data).filter((_, i) => i % 2 === 1)).toEqual(Array.from(one.data));
  });
});

describe('files that pyedflib refuses', () => {
  const whole = (): Float64Array => openEdf(join(fixtures, 'plus.edf')).read([0]).data;
  const onset = (record: number, text: string): [number, string] => [
    plusHeader + record * plusRecord,
    `${text}\x14\x14\0\0`,
  ];

  it('a discontinuous file (EDF+D): gaps are NaN', () => {
    const { kind, read } = openEdf(changed('plus.edf', [192, 'EDF+D'], onset(2, '+2.1'), onset(3, '+3.1')));
    const { data, shape } = read([0]);
    expect([kind, shape]).toEqual(['EDF+D', [1025, 1]]);
    expect(data.subarray(0, 500)).toEqual(whole().subarray(0, 500));
    expect(data.subarray(500, 525)).toEqual(new Float64Array(25).fill(Number.NaN));
    expect(data.subarray(525)).toEqual(whole().subarray(500));
  });

  it('EDF+D without gaps, though its times are rounded, is read like EDF+C', () => {
    const path = changed('plus.edf', [192, 'EDF+D'], onset(1, '+1.003'), onset(2, '+2.0'), onset(3, '+2.998'));
    expect(openEdf(path).read([0]).data).toEqual(whole());
  });

  it('−1 data records: all that are there', () => {
    const path = changed('plus.edf', [236, '-1      ']);
    expect(openEdf(path).read([0]).data).toEqual(whole());
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.subarray(0, plusHeader + 3 * plusRecord + 7));
    expect(openEdf(path).read([0]).data).toEqual(whole().subarray(0, 750));
  });

  it('a signal without a range matters only if it is read', () => {
    const at = 256 + 3 * (16 + 80 + 8);
    const path = changed('plain.edf', [at, '0       '], [at + 24, '0       ']);
    expect(openEdf(path).read([1, 2]).shape).toEqual([150, 2]);
    expect(() => openEdf(path).read([0])).toThrow(
      /signal 0 \(ECG I\): the physical range .*got 0 to 0; expected two different numbers/,
    );
  });
});

describe('bad input', () => {
  const cases: [title: string, name: string, changes: [number, string][], message: RegExp][] = [
    ['another version', 'plain.edf', [[0, '7']], /not an EDF or BDF file/],
    [
      'no number of signals',
      'plain.edf',
      [[252, 'abc ']],
      /number of signals cannot be used; got "abc"; expected a number/,
    ],
    [
      '100 signals in a header for 3',
      'plain.edf',
      [[252, '100 ']],
      /size of the header cannot be used; got 1024; expected 25856/,
    ],
    [
      'more data records than the file has',
      'plain.edf',
      [[236, '4       ']],
      /cut off; got \d+ bytes: 3 data records; expected 4/,
    ],
    ['10⁷ data records', 'plain.edf', [[236, '9999999 ']], /cut off/],
    ['−2 data records', 'plain.edf', [[236, '-2      ']], /number of data records cannot be used; got "-2"/],
    ['a negative duration', 'plain.edf', [[244, '-1      ']], /duration of a data record cannot be used; got -1/],
    [
      'half a sample',
      'plain.edf',
      [[256 + 3 * 216, '0.5     ']],
      /signal 0 \(ECG I\): the number of samples .*got "0\.5"/,
    ],
    ['a digital range upside down', 'plain.edf', [[256 + 3 * 120, '40000   ']], /digital range .*got 40000 to 32767/],
    ['no number as physical minimum', 'plain.edf', [[256 + 3 * 104, '?       ']], /physical range .*got NaN to/],
    [
      'EDF+D without times',
      'plus.edf',
      [
        [192, 'EDF+D'],
        [plusHeader + plusRecord, 'x'],
      ],
      /data record 1: a data record does not say when it begins; got "x1/,
    ],
    ['EDF+D without annotations', 'plain.edf', [[192, 'EDF+D']], /does not say when its data records begin/],
    [
      'EDF+D that goes back',
      'plus.edf',
      [
        [192, 'EDF+D'],
        [plusHeader + 2 * plusRecord, '+1.5\x14'],
      ],
      /data record 2: data records overlap/,
    ],
    [
      'EDF+D with a gap of a thousand years',
      'plus.edf',
      [
        [192, 'EDF+D'],
        [plusHeader + 3 * plusRecord, '+31556926000\x14'],
      ],
      /more memory than its size allows/,
    ],
  ];
  it.each(cases)('%s', (_, name, changes, message) => {
    const path = changed(name, ...changes);
    const read = (): unknown => openEdf(path).read([0]);
    expect(read).toThrow(InputError);
    expect(read).toThrow(message);
  });

  it('signals of two rates cannot stand side by side', () => {
    expect(() => openEdf(join(fixtures, 'plus.edf')).read([0, 1])).toThrow(
      /different sampling rates; got 25 Hz; expected 250 Hz/,
    );
  });

  it('a file without signals', () => {
    const path = changed('biosemi.bdf', [256, 'BDF Annotations ']);
    expect(() => openEdf(path).read([])).toThrow(/no signals; got only annotations/);
  });
});

describe('EDF recordings', () => {
  it('leads have plain names, values are in mV', () => {
    const { leads, fs, signal } = readRecording(join(fixtures, 'plain.edf'), { kind: 'any' });
    expect([leads, fs, signal.shape]).toEqual([['I', 'II', 'V1'], 500, [150, 3]]);
    const { first } = expected['plain.edf'];
    expect(Array.from(signal.data.subarray(0, 3))).toEqual([
      (first[0][0] * 1e-3) / 1,
      first[1][0],
      (first[2][0] * 1e-3) / 1,
    ]);
  });

  it('signals of another rate are left out by --leads, and the error says how', () => {
    const path = join(fixtures, 'plus.edf');
    expect(() => readRecording(path, { kind: 'any' })).toThrow(
      /different sampling rates; got V5 250 Hz, Resp 25 Hz, aVR 250 Hz; expected one rate\. .*--leads V5,aVR$/,
    );
    expect(readRecording(path, { kind: 'any' }, { leads: ['aVR', 'V5'] })).toMatchObject({
      fs: 250,
      leads: ['aVR', 'V5'],
    });
    expect(() => readRecording(path, { kind: 'any' }, { leads: ['Resp'] })).toThrow(
      /lead Resp: the unit cannot be converted; got no unit/,
    );
    expect(readRecording(path, { kind: 'any', units: 'uV' }, { leads: ['Resp'] }).fs).toBe(25);
  });

  it('the ending does not matter', () => {
    writeFileSync(join(folder, 'y.rec'), readFileSync(join(fixtures, 'plain.edf')));
    expect(readRecording(join(folder, 'y.rec'), { kind: 'any' }).leads).toEqual(['I', 'II', 'V1']);
  });
});
