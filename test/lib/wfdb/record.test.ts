import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readHeader } from '../../../src/lib/wfdb/header.ts';
import { rdrecord } from '../../../src/lib/wfdb/record.ts';
import { readPhysical } from '../../../src/lib/wfdb/signal.ts';
import { readWithPython } from './wfdb_python.ts';

const folder = mkdtempSync(join(tmpdir(), "wfdb it's "));
const at = (name: string): string => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

it('a record line with the ending of the signal file is mended by the command that the message gives', () => {
  writeFileSync(at('E1.mat'), Buffer.alloc(34, 1));
  writeFileSync(at('E1.hea'), 'E1.mat 1 500 5 05-May-2020 14:50:55\nE1.mat 16+24 1000/mV 16 0 0 0 0 I\n#Dx: 1\n');
  let message = '';
  try {
    readHeader(at('E1'));
  } catch (error) {
    message = (error as Error).message;
  }
  execFileSync('bash', ['-c', /: (sed .*)$/.exec(message)![1]]);
  expect(rdrecord(at('E1'))).toMatchObject({ recordName: 'E1', fs: 500, comments: ['Dx: 1'] });
});

describe('some signals of a record', () => {
  it('are those that wfdb.rdrecord(channels=…) reads; files of others are not opened', async () => {
    const lines = [
      'a.dat 16x2 200/mV 16 0 0 0 0 I',
      'a.dat 16 100/mV 16 0 0 0 0 II',
      'gone.dat 508 1/mmHg 16 0 0 0 0 ABP',
      'b.dat 212 200/mV 16 0 0 0 0 V',
    ];
    writeFileSync(at('part.hea'), `part 4 250 6\n${lines.join('\n')}\n`);
    writeFileSync(at('a.dat'), Buffer.from(Array.from({ length: 36 }, (_, i) => (i * 37) % 256)));
    writeFileSync(at('b.dat'), Buffer.from(Array.from({ length: 9 }, (_, i) => (i * 91) % 256)));
    writeFileSync(at('all.hea'), `all 3 250 6\n${lines.filter((line) => !line.includes('gone')).join('\n')}\n`);
    const [python] = (await readWithPython({ records: [at('all')] })).records;
    expect(python).toHaveProperty('pSignal.shape', [6, 3]);
    const all = rdrecord(at('all')).pSignal.data;
    const { data, shape } = readPhysical(readHeader(at('part')), at('part'), [3, 1]);
    expect(shape).toEqual([6, 2]);
    expect(Array.from(data)).toEqual(Array.from({ length: 6 }, (_, i) => [all[3 * i + 2], all[3 * i + 1]]).flat());
    expect(() => rdrecord(at('part'))).toThrow(/gone\.dat/);
  });
});
