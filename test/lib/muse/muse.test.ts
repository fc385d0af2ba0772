import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.ts';
import { type Note, readRecording } from '../../../src/recordings/recordings.ts';
import { expectedOf, expectSame } from '../devices.ts';

const fixtures = join(import.meta.dirname, '../../fixtures/muse');
const folder = mkdtempSync(join(tmpdir(), 'muse-'));
const file = join(folder, 'x.xml');
afterAll(() => rmSync(folder, { recursive: true }));

/** `latin1.xml` with some text replaced. */
function changed(...replacements: readonly (readonly [from: string | RegExp, to: string])[]): string {
  let text = readFileSync(join(fixtures, 'latin1.xml'), 'latin1');
  for (const [from, to] of replacements) {
    expect(text).toMatch(from);
    text = text.replace(from, to);
  }
  writeFileSync(file, Buffer.from(text, 'latin1'));
  return file;
}
const rhythm = (field: string, from: string): RegExp => new RegExp(`(Rhythm[\\s\\S]*?<${field}>)${from}(</${field}>)`);

describe('GE MUSE files', () => {
  it.each(expectedOf(fixtures))(
    '%s: as ecgdatakit, to the last bit, with the leads that follow from I and II',
    (name, expected) => {
      expectSame(join(fixtures, name), expected);
    },
  );

  it('in mV, by names of leads; a lead that is stored is not derived', () => {
    const { signal, leads } = readRecording(
      join(fixtures, 'latin1.xml'),
      { kind: 'any' },
      { leads: ['avf', 'I', 'II'] },
    );
    expect([leads, signal.shape]).toEqual([
      ['aVF', 'I', 'II'],
      [100, 3],
    ]);
    const [avf, one, two] = signal.data.subarray(30, 33);
    expect(avf).toBeCloseTo(two - one / 2, 12);
    expect(readRecording(join(fixtures, 'three.xml'), { kind: 'any' })).toMatchObject({
      fs: 250,
      leads: ['II', 'V1', 'aVF'],
    });
  });

  it('warns of an electrode that was off, and of a second rhythm waveform', () => {
    const notes: Note[] = [];
    const text = readFileSync(join(fixtures, 'latin1.xml'), 'latin1');
    const [second] = /<Waveform>\s*<WaveformType>Rhythm[\s\S]*<\/Waveform>/.exec(text)!;
    const path = changed([/<\/RestingECG>/, `${second}</RestingECG>`], [rhythm('LeadOff', 'FALSE'), '$1TRUE$2']);
    readRecording(path, { kind: 'any' }, { note: (note) => notes.push(note) });
    expect(notes.map((note) => note.text)).toEqual([
      `${path}: it has 2 rhythm waveforms; the first one is read`,
      `${path}: an electrode was off while I was recorded`,
    ]);
  });

  const cases: [title: string, replacements: [RegExp | string, string][], message: RegExp][] = [
    ['only a median beat', [['<WaveformType>Rhythm', '<WaveformType>Other']], /no rhythm waveform; got Median, Other/],
    ['no leads', [[/(Rhythm[\s\S]*?)<LeadData>[\s\S]*<\/LeadData>/, '$1']], /rhythm waveform has no leads/],
    [
      'no rate',
      [[rhythm('SampleBase', '500'), '$1$2']],
      /line \d+: SampleBase cannot be used; got nothing; expected Hz/,
    ],
    [
      'a rate of 0',
      [[rhythm('SampleBase', '500'), '$10$2']],
      /SampleBase cannot be used; got 0; expected a rate above 0 Hz/,
    ],
    ['a rate of 10^999', [[rhythm('SampleExponent', '0'), '$1999$2']], /SampleBase cannot be used/],
    [
      'no size of a step',
      [[rhythm('LeadAmplitudeUnitsPerBit', '4.88'), '$1$2']],
      /line \d+, lead I: LeadAmplitudeUnitsPerBit cannot be used; got nothing/,
    ],
    [
      'a unit that is not a voltage',
      [[rhythm('LeadAmplitudeUnits', 'MICROVOLTS'), '$1MMHG$2']],
      /lead I: the unit cannot be converted; got MMHG/,
    ],
    [
      'no unit',
      [[rhythm('LeadAmplitudeUnits', 'MICROVOLTS'), '$1$2']],
      /lead I: the unit cannot be converted; got no unit/,
    ],
    [
      'another number of samples',
      [[rhythm('LeadSampleCountTotal', '100'), '$199$2']],
      /lead I: WaveFormData cannot be used; got 100 samples; expected 99 samples/,
    ],
    [
      'a sample of three bytes',
      [[rhythm('LeadSampleSize', '2'), '$13$2']],
      /LeadSampleSize cannot be used; got 3; expected 1, 2 or 4 bytes/,
    ],
    [
      'a lead that begins later',
      [[rhythm('LeadTimeOffset', '0'), '$1250$2']],
      /LeadTimeOffset cannot be used; got 250; expected 0/,
    ],
    ['no Base64', [[/(Rhythm[\s\S]*?<WaveFormData>)/, '$1?']], /WaveFormData cannot be used; got \?; expected Base64/],
    [
      'half a sample',
      [[/(Rhythm[\s\S]*?)<LeadSampleCountTotal>100<\/LeadSampleCountTotal>([\s\S]*?<WaveFormData>)[^<]*/, '$1$2AAAA']],
      /WaveFormData cannot be used; got 1\.5 samples/,
    ],
    [
      'leads of different lengths',
      [
        [
          /(Rhythm[\s\S]*?)<LeadSampleCountTotal>100<\/LeadSampleCountTotal>([\s\S]*?<WaveFormData>)[^<]*/,
          '$1$2AAAAAAAA',
        ],
      ],
      /the leads have different lengths; got I 3, II 100/,
    ],
    ['a lead without a name', [[rhythm('LeadID', 'I'), '$1$2']], /LeadID cannot be used; got nothing/],
  ];
  it.each(cases)('refused: %s', (_, replacements, message) => {
    const read = (): unknown => readRecording(changed(...replacements), { kind: 'any' });
    expect(read).toThrow(InputError);
    expect(read).toThrow(message);
  });
});
