import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.ts';
import { type Note, readRecording } from '../../../src/recordings/recordings.ts';
import { expectedOf, expectSame } from '../devices.ts';

const fixtures = join(import.meta.dirname, '../../fixtures/aecg');
const folder = mkdtempSync(join(tmpdir(), 'aecg-'));
const file = join(folder, 'x.xml');
afterAll(() => rmSync(folder, { recursive: true }));

/** `twelve.xml` with some text replaced. */
function changed(...replacements: readonly (readonly [from: string | RegExp, to: string])[]): string {
  let text = readFileSync(join(fixtures, 'twelve.xml'), 'utf8');
  for (const [from, to] of replacements) {
    expect(text).toMatch(from);
    text = text.replace(from, to);
  }
  writeFileSync(file, text);
  return file;
}

describe('HL7 aECG files', () => {
  it.each(expectedOf(fixtures))('%s: the rhythm as ecgdatakit, to the last bit', (name, expected) => {
    expectSame(join(fixtures, name), expected);
  });

  it('in mV, by names of leads', () => {
    const { signal, fs, leads } = readRecording(join(fixtures, 'origin.xml'), { kind: 'any' }, { leads: ['V2'] });
    expect([fs, leads, signal.shape]).toEqual([250, ['V2'], [75, 1]]);
  });

  it('an origin in another unit is converted', () => {
    const path = changed(['<origin value="0" unit="uV"/>', '<origin value="0.5" unit="mV"/>']);
    const [shifted, plain] = [path, join(fixtures, 'twelve.xml')].map(
      (one) => readRecording(one, { kind: 'any' }).signal.data[0],
    );
    expect(shifted - plain).toBeCloseTo(0.5, 12);
  });

  it('warns of a second rhythm series', () => {
    const notes: Note[] = [];
    const second = '<component><series><code code="RHYTHM"/></series></component>';
    const path = changed([/<\/AnnotatedECG>/, `${second}</AnnotatedECG>`]);
    readRecording(path, { kind: 'any' }, { note: (note) => notes.push(note) });
    expect(notes.map((note) => note.text)).toEqual([`${path}: it has 2 rhythm series; the first one is read`]);
  });

  const cases: [title: string, replacements: [RegExp | string, string][], message: RegExp][] = [
    ['only representative beats', [['"RHYTHM"', '"REPRESENTATIVE_BEAT"']], /no rhythm series; got REPRESENTATIVE_BEAT/],
    ['no leads', [[/MDC_ECG_LEAD_/g, 'OTHER_']], /rhythm series has no leads; got TIME_ABSOLUTE, OTHER_I, /],
    [
      'no time',
      [['TIME_ABSOLUTE', 'TIDE']],
      /line 3: the time between two samples is not known; got an increment of "" ; expected a number/,
    ],
    [
      'an increment of 0',
      [['increment value="0.002"', 'increment value="0"']],
      /time between two samples is not known; got an increment of "0" s/,
    ],
    [
      'an increment in minutes',
      [['value="0.002" unit="s"', 'value="0.002" unit="min"']],
      /got an increment of "0\.002" min/,
    ],
    [
      'values of another type',
      [['SLIST_PQ', 'SLIST_TS']],
      /MDC_ECG_LEAD_I: the values cannot be used; got SLIST_TS; expected SLIST_PQ/,
    ],
    ['no scale', [['<scale value="4.88" unit="uV"/>', '']], /the unit cannot be converted; got no unit/],
    [
      'a scale that is not a number',
      [['scale value="4.88"', 'scale value="x"']],
      /MDC_ECG_LEAD_I: the scale cannot be used; got x/,
    ],
    [
      'an origin in mmHg',
      [['<origin value="0" unit="uV"/>', '<origin value="1" unit="mmHg"/>']],
      /the origin cannot be used; got mmHg/,
    ],
    [
      'a digit that is not a number',
      [[/<digits>\S+/, '<digits>NaN']],
      /line \d+, MDC_ECG_LEAD_I: a digit cannot be used; got "NaN"/,
    ],
    ['no digits', [[/<digits>[^<]*/, '<digits> ']], /the digits cannot be used; got nothing/],
    ['leads of different lengths', [[/<digits>\S+/, '<digits>']], /the leads have different lengths; got I 89, II 90/],
    ['another root', [[/AnnotatedECG/g, 'AnnotatedEEG']], /not a recording that can be read; got an XML file/],
  ];
  it.each(cases)('refused: %s', (_, replacements, message) => {
    const read = (): unknown => readRecording(changed(...replacements), { kind: 'any' });
    expect(read).toThrow(InputError);
    expect(read).toThrow(message);
  });
});
