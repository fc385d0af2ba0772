import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.ts';
import { type Note, readRecording } from '../../../src/recordings/recordings.ts';
import { expectedOf, expectSame } from '../devices.ts';

const fixtures = join(import.meta.dirname, '../../fixtures/dicom');
const folder = mkdtempSync(join(tmpdir(), 'dicom-'));
const file = join(folder, 'x.dcm');
afterAll(() => rmSync(folder, { recursive: true }));

type Change = readonly [from: string, to: string];

/** A file whose last occurrence of some bytes is replaced by as many others. */
function changed(name: string, ...changes: readonly Change[]): string {
  let text = readFileSync(join(fixtures, name), 'latin1');
  for (const [from, to] of changes) {
    expect([text.includes(from), to.length]).toEqual([true, from.length]);
    const at = text.lastIndexOf(from);
    text = text.slice(0, at) + to + text.slice(at + from.length);
  }
  writeFileSync(file, Buffer.from(text, 'latin1'));
  return file;
}

describe('DICOM waveforms', () => {
  it.each(expectedOf(fixtures))('%s: the rhythm as pydicom, to the last bit', (name, expected) => {
    expectSame(join(fixtures, name), expected);
  });

  it('in mV, by names of leads, whatever the name of the file', () => {
    const path = join(folder, '1.2.840.1');
    writeFileSync(path, readFileSync(join(fixtures, 'twelve_lead.dcm')));
    const { signal, fs, leads } = readRecording(path, { kind: 'any' }, { leads: ['aVR', 'V6'] });
    expect([fs, leads, signal.shape]).toEqual([500, ['aVR', 'V6'], [120, 2]]);
  });

  it('the padding value is a missing sample', () => {
    const head = '\x00\x54\x10\x10OB\0\0\xe2\0\0\0';
    const path = changed('ambulatory.dcm', [`${head}\x04`, `${head}\x80`]);
    const { data } = readRecording(path, { kind: 'any' }).signal;
    expect([data[0], data.filter(Number.isNaN).length]).toEqual([Number.NaN, 1]);
  });

  it('says which group is read if there are several, and that leads are skewed', () => {
    const notes = (path: string): string[] => {
      const all: Note[] = [];
      readRecording(path, { kind: 'any' }, { note: (note) => all.push(note) });
      return all.map(({ text }) => text.replace(/^.*?: /, ''));
    };
    expect(notes(join(fixtures, 'twelve_lead.dcm'))).toEqual([]);
    expect(notes(join(fixtures, 'general.dcm'))).toEqual([
      'it has 2 multiplex groups; the longest one is read (multiplex group 1 (SECOND))',
    ]);
    expect(notes(changed('ambulatory.dcm', ['\x15\x02DS\x02\x000', '\x15\x02DS\x02\x003']))).toEqual([
      '1 of its leads are skewed in time, which is not corrected',
    ]);
  });

  const local = 'ambulatory.dcm';
  const cases: [title: string, name: string, change: Change, message: RegExp][] = [
    [
      'big endian',
      local,
      ['1.2.840.10008.1.2.1\0', '1.2.840.10008.1.2.2\0'],
      /transfer syntax cannot be read; got 1\.2\.840\.10008\.1\.2\.2;/,
    ],
    ['deflated', local, ['1.2.840.10008.1.2.1\0', '1.2.840.10008.1.2.5\0'], /transfer syntax cannot be read/],
    ['no waveforms', local, ['\x00\x54\x00\x01SQ', '\x00\x54\x02\x01SQ'], /no rhythm; got no waveform sequence/],
    ['only a median beat', local, ['ORIGINAL', 'DERIVED '], /no rhythm; got multiplex group 0/],
    [
      'another number of channels',
      local,
      ['\x05\x00US\x02\x00\x03', '\x05\x00US\x02\x00\x04'],
      /multiplex group 0: the channel definition cannot be used; got 3 channels; expected 4/,
    ],
    [
      'more samples than bytes',
      local,
      ['UL\x04\x00\x4b', 'UL\x04\x00\x4c'],
      /waveform data cannot be used; got 226 bytes; expected 228 bytes/,
    ],
    ['no samples', local, ['UL\x04\x00\x4b', 'UL\x04\x00\x00'], /number of samples cannot be used; got 0/],
    ['no rate', local, ['DS\x04\x00200 ', 'DS\x04\x00xyz '], /sampling frequency cannot be used; got xyz/],
    ['a rate of 0', local, ['DS\x04\x00200 ', 'DS\x04\x000.0 '], /sampling frequency cannot be used; got 0\.0/],
    [
      'µ-law samples',
      local,
      ['\x06\x10CS\x02\x00SB', '\x06\x10CS\x02\x00MB'],
      /type of the samples cannot be used; got 8 MB/,
    ],
    [
      'a sensitivity that is not a number',
      local,
      ['\x10\x02DS\x02\x0025', '\x10\x02DS\x02\x00ab'],
      /lead Lead V1: the channel sensitivity cannot be used; got "ab"/,
    ],
    [
      'a unit that is not a voltage',
      local,
      ['\x00\x01SH\x02\x00uV', '\x00\x01SH\x02\x00mm'],
      /lead V1: the unit cannot be converted; got mm/,
    ],
    [
      'a value representation that is not one',
      local,
      ['\x06\x10CS', '\x06\x10cs'],
      /byte \d+: an element has no value representation; got "cs"/,
    ],
    [
      'an item without its mark',
      local,
      ['\xfe\xff\x00\xe0', '\xfe\xff\x01\xe0'],
      /a sequence holds something other than items; got \(fffee001\)/,
    ],
    [
      'an element that is longer than its item',
      local,
      ['\x15\x02DS\x02\x00', '\x15\x02DS\xff\x00'],
      /cut off|cannot be used|no value representation/,
    ],
    ['an item that does not end', 'general.dcm', ['\xfe\xff\x0d\xe0', '\xfe\xff\x0c\xe0'], /cut off|does not end/],
  ];
  it.each(cases)('refused: %s', (_, name, change, message) => {
    const read = (): unknown => readRecording(changed(name, change), { kind: 'any' });
    expect(read).toThrow(InputError);
    expect(read).toThrow(message);
  });

  it('a file that is cut off at any byte is refused', () => {
    const bytes = readFileSync(join(fixtures, local));
    for (let length = 200; length < bytes.length; length += 13) {
      writeFileSync(file, bytes.subarray(0, length));
      expect(() => readRecording(file, { kind: 'any' }), `${length} bytes`).toThrow(InputError);
    }
  });
});
