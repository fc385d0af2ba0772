import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rdrecord } from '../../../src/lib/wfdb/record.ts';
import { runPython } from '../../python.ts';
import { digest, readWithPython } from './wfdb_python.ts';

const folder = mkdtempSync(join(tmpdir(), 'wfdb-flac-'));
const at = (name: string): string => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

beforeAll(async () => {
  const program = `
import os, sys, numpy as np, soundfile, wfdb
os.chdir(sys.argv[1])
x = np.round(100 * np.sin(np.arange(600) / 7)).astype(int)
x[[0, 33]] = -128
both = dict(fs=250, units=['mV', 'uV'], sig_name=['I', 'II'], adc_gain=[200., 100.], baseline=[0, 3])
for fmt in ('508', '516', '524'):
    scale = 2 ** (int(fmt) - 508)
    wfdb.wrsamp('f' + fmt, d_signal=scale * np.stack([x, x // 2], 1), fmt=[fmt] * 2, **both)
soundfile.write('frames.dat', np.stack([x, x + 7, -x], 1).astype(np.int16), 250, format='FLAC', subtype='PCM_16')
`;
  await runPython(['-c', program, folder]);
  const lines = ['I', 'II', 'V'].map((name) => `frames.dat 516x2+20 200/mV 16 0 0 0 0 ${name}`);
  writeFileSync(at('frames.hea'), `frames 3 125 290\n${lines.join('\n')}\n`);
});

describe('records in the formats of FLAC', () => {
  it.each(['f508', 'f516', 'f524', 'frames'])(
    '%s equals wfdb.rdrecord: values, missing samples, frames',
    async (name) => {
      const [python] = (await readWithPython({ records: [at(name)] })).records;
      const { pSignal, sigName, units, fs } = rdrecord(at(name));
      expect({ pSignal: digest(pSignal), sigName, units, fs }).toEqual({
        ...('pSignal' in python
          ? { pSignal: python.pSignal, sigName: python.sigName, units: python.units, fs: python.fs }
          : python),
      });
      expect(pSignal.data.some(Number.isNaN)).toBe(name !== 'frames');
    },
  );

  it('without a length in the header, the stream tells it', () => {
    const text = 'free 2 250\nf516.dat 516 200/mV 16 0 0 0 0 I\nf516.dat 516 200/mV 16 0 0 0 0 II\n';
    writeFileSync(at('free.hea'), text);
    expect(rdrecord(at('free')).pSignal.shape).toEqual([600, 2]);
  });

  it.each([
    [
      'fewer signals',
      'x 1 250 600\nf516.dat 516 200/mV 16 0 0 0 0 I\n',
      /got 2 channels of 16 bits; expected 1 channels of 8 or 16 bits/,
    ],
    ['fewer bits', 'x 2 250 600\nf516.dat 508 200\nf516.dat 508 200\n', /expected 2 channels of 8 bits/],
    [
      'more samples',
      'x 2 250 601\nf516.dat 516 200\nf516.dat 516 200\n',
      /the end of the file after 600 samples; expected 601/,
    ],
    [
      'frames of two sizes',
      'x 2 250 300\nf516.dat 516x2 200\nf516.dat 516 200\n',
      /signal 1: signals in one FLAC stream/,
    ],
    [
      'an offset of 2^53 − 1',
      'x 2 250 300\nf516.dat 516+9007199254740991 200\nf516.dat 516 200\n',
      /too long to be read whole/,
    ],
  ])('a header that says %s than the stream is refused', (_, text, message) => {
    writeFileSync(at('x.hea'), text);
    expect(() => rdrecord(at('x'))).toThrow(message);
  });
});
