import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readHeader } from '../../../src/lib/wfdb/header.ts';
import { rdrecord } from '../../../src/lib/wfdb/record.ts';
import { readDigital } from '../../../src/lib/wfdb/signal.ts';
import { type SignalToWrite, wrsamp } from '../../../src/lib/wfdb/write.ts';
import { haveSharedData, sharedData } from '../../shared_data.ts';
import { asPython, readWithPython } from './wfdb_python.ts';

const folder = mkdtempSync(join(tmpdir(), 'wfdb-write-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('wfdb.wrsamp', () => {
  it.each(['16', '212', '16+24'] as const)('wfdb.wrsamp: wfdb-python reads format %s', async (format) => {
    const limit = format === '212' ? 2047 : 32767;
    const lead = (k: number): Int16Array =>
      Int16Array.from({ length: 7 }, (_, i) => [limit, -limit - 1, 0, -1, 5 * k, i, k - i][i]);
    const signals: SignalToWrite[] = [
      { name: 'I', samples: lead(1), gain: '1000.0', baseline: 3 },
      { name: 'V 2', samples: lead(2), gain: 204.8, units: 'uV', adcZero: -7 },
      { name: 'aVF', samples: Int32Array.from(lead(3)), gain: 1000 },
    ];
    const recordName = `w${format.replace('+', '_')}`;
    wrsamp(folder, { recordName, fs: 257.25, signals, comments: ['Age: 74', 'Dx: 1,2'], format });
    const path = join(folder, recordName);
    const python = await readWithPython({ records: [path] });
    expect(asPython(rdrecord(path))).toEqual(python.records[0]);
    expect(python.records[0]).toMatchObject({
      recordName,
      fs: 257.25,
      sigName: ['I', 'V 2', 'aVF'],
      comments: ['Age: 74', 'Dx: 1,2'],
    });
    const digital = readDigital(readHeader(path), path);
    expect(Array.from({ length: 7 }, (_, i) => digital.data[i * 3])).toEqual(Array.from(lead(1)));
  });

  it.skipIf(!haveSharedData)('wfdb.wrsamp: a real record written again has the same signal file', () => {
    for (const [name, format] of [
      ['challenge2020/cpsc2018/A0001', '16+24'],
      ['mitdb/100', '212'],
      ['ptbxl/records100/00000/00001_lr', '16'],
    ] as const) {
      const path = join(sharedData, name);
      const header = readHeader(path);
      const { data, shape } = readDigital(header, path);
      const signals = header.signals.map(({ name, adcGain, adcZero }, lead) => ({
        name: name!,
        gain: adcGain,
        adcZero: adcZero!,
        samples: Int16Array.from({ length: shape[0] }, (_, i) => data[i * shape[1] + lead]),
      }));
      wrsamp(folder, { recordName: header.recordName, fs: header.fs, signals, format });
      const { fileName } = header.signals[0];
      expect(readFileSync(join(folder, fileName))).toEqual(readFileSync(join(path, '..', fileName)));
      const again = readHeader(join(folder, header.recordName)).signals;
      const modulo = (checksum: number | null): number => checksum! & 0xffff;
      expect(again.map(({ checksum }) => modulo(checksum))).toEqual(
        header.signals.map(({ checksum }) => modulo(checksum)),
      );
      expect(again.map(({ initialValue }) => initialValue)).toEqual(
        header.signals.map(({ initialValue }) => initialValue),
      );
    }
  });

  it('refuses what the format cannot hold', () => {
    const signals = [{ name: 'I', samples: Int16Array.of(2048), gain: 1 }];
    expect(() => wrsamp(folder, { recordName: 'x', fs: 1, signals, format: '212' })).toThrow(
      /lead I has the sample 2048; format 212 holds -2048 to 2047/,
    );
    expect(() => wrsamp(folder, { recordName: '../x', fs: 1, signals })).toThrow(/letters, digits/);
    expect(() => wrsamp(folder, { recordName: 'x', fs: 1, signals: [] })).toThrow(/no samples/);
    const other = [...signals, { name: 'II', samples: Int16Array.of(1, 2), gain: 1 }];
    expect(() => wrsamp(folder, { recordName: 'x', fs: 1, signals: other })).toThrow(
      /lead II has 2 samples, the first 1/,
    );
  });
});
