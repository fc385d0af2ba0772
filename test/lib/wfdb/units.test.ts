import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type Header, parseHeader } from '../../../src/lib/wfdb/header.ts';
import { rdrecord } from '../../../src/lib/wfdb/record.ts';
import { millivoltsPer } from '../../../src/lib/wfdb/units.ts';
import { asPython, readWithPython } from './wfdb_python.ts';

const folder = mkdtempSync(join(tmpdir(), 'wfdb-units-'));
afterAll(() => rmSync(folder, { recursive: true }));

const header = (line: string, encoding: 'utf8' | 'latin1' = 'utf8'): Buffer =>
  Buffer.from(`r 1 250 5\nr.dat 16 ${line}\n# Größe: 3\n`, encoding);

describe('millivoltsPer', () => {
  it('knows voltages in every spelling, and nothing else', () => {
    const spellings: [number, string[]][] = [
      [1, ['mV', 'mv', 'MV', ' mV ', 'millivolt', 'Millivolts']],
      [1e-3, ['uV', 'UV', '\u00b5V', '\u03bcV', '\u00b5v', 'microvolts']],
      [1e-6, ['nV', 'nanovolt']],
      [1e3, ['V', 'v', 'Volt', 'volts']],
    ];
    for (const [value, texts] of spellings) for (const text of texts) expect(millivoltsPer(text), text).toBe(value);
    for (const text of ['', '\u039cV', 'kV', 'mmHg', 'adu', 'NU', 'm V', '\u00b5', 'mVolt2', 'mV/NU'])
      expect(millivoltsPer(text), text).toBeUndefined();
  });
});

describe('units and names beyond ASCII in a WFDB header', () => {
  it.each([
    ['UTF-8 micro sign', '1000/\u00b5V 16 0 0 0 0 ECG', 'utf8', '\u00b5V', 'ECG'],
    ['UTF-8 Greek mu', '1000/\u03bcV 16 0 0 0 0 ECG', 'utf8', '\u03bcV', 'ECG'],
    ['Latin-1', '1000(5)/\u00b5V 16 0 0 0 0 ECG', 'latin1', '\u00b5V', 'ECG'],
    ['at the end of the line', '1000/\u00b5V', 'utf8', '\u00b5V', null],
    ['a unit of one character', '1000/\u00b5 16 0 0 0 0 I', 'utf8', '\u00b5', 'I'],
    ['a name', '1000/mV 16 0 0 0 0 Ableitung \u00dc2', 'latin1', 'mV', 'Ableitung \u00dc2'],
    ['a name of nothing else', '1000/mV 16 0 0 0 0 \u4e2d\u6587', 'utf8', 'mV', '\u4e2d\u6587'],
    ['beyond 16 bits', '1000/mV 16 0 0 0 0 \u{1fac0} I', 'utf8', 'mV', '\u{1fac0} I'],
    ['blanks at the beginning of the line', '1000/\u00b5V 16 0 0 0 0  \u00e9', 'utf8', '\u00b5V', '\u00e9'],
  ] as const)('%s', (_, line, encoding, units, name) => {
    const { signals } = parseHeader(header(line, encoding), 'r.hea') as Header;
    expect(signals[0]).toMatchObject({ units, name });
  });

  it('everything else is as wfdb-python reads it, which drops what is not ASCII', async () => {
    writeFileSync(join(folder, 'r.dat'), Buffer.from([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
    const lines = [
      '1000/\u00b5V 16 0 0 0 0 ECG \u00fc',
      '200\u00b5/mV 12',
      '\u00a01000/mV 16 0 0 0 0 \u4e2d',
      '10/\u03bc',
    ];
    const paths = lines.map((line, i) => {
      writeFileSync(join(folder, `r${i}.hea`), header(line, i % 2 ? 'latin1' : 'utf8'));
      return join(folder, `r${i}`);
    });
    const python = await readWithPython({ records: paths });
    expect(paths.map((path) => asPython(rdrecord(path)))).toEqual(python.records);
  });

  it('tells which comments lost characters', () => {
    const bytes = Buffer.from('r 1 250 5\nr.dat 16\n# Dx: 1\uff0c2\n# Age: 3\n');
    expect(parseHeader(bytes, 'r.hea')).toMatchObject({ comments: ['Dx: 12', 'Age: 3'], cutComments: ['Dx: 12'] });
  });

  it('UTF-16 is refused with the command that mends it', () => {
    expect(() => parseHeader(Buffer.from('\ufeffr 1 250 5\n', 'utf16le'), 'r.hea')).toThrow(/UTF-16.*iconv -f UTF-16/);
  });
});
