import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.ts';
import { readHeader } from '../../../src/lib/wfdb/header.ts';
import { rdrecord } from '../../../src/lib/wfdb/record.ts';
import { readPhysical } from '../../../src/lib/wfdb/signal.ts';
import { runPython } from '../../python.ts';
import { readWithPython } from './wfdb_python.ts';

const folder = mkdtempSync(join(tmpdir(), "wfdb it's "));
const at = (name: string): string => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

beforeAll(async () => {
  const program = `
import os, sys, numpy as np, wfdb
os.chdir(sys.argv[1])
x = np.round(100 * np.sin(np.arange(600) / 7)).astype(int)
both = dict(fs=250, units=['mV', 'uV'], sig_name=['I', 'II x'], adc_gain=[200., 100.], baseline=[0, 3], comments=['Dx: 1'])
for fmt in ('508', '516', '524'):
    wfdb.wrsamp('f' + fmt, d_signal=np.stack([x, x // 2], 1), fmt=[fmt] * 2, **both)
`;
  await runPython(['-c', program, folder]);
});

describe('the command that makes a readable record', () => {
  it.each(['f508', 'f516', 'f524'])('%s: works when it is typed, and the samples stay', async (name) => {
    let message = '';
    try {
      rdrecord(at(name));
    } catch (error) {
      expect(error).toBeInstanceOf(InputError);
      message = (error as InputError).message;
    }
    const command = /_converted: (.*)$/.exec(message)![1];
    execFileSync('bash', ['-c', command], { stdio: 'ignore' });
    const converted = rdrecord(at(`${name}_converted`));
    const python = `import json, sys, wfdb; r = wfdb.rdrecord(sys.argv[1]); print(json.dumps([r.units, r.sig_name, r.comments, [None if v != v else v for v in r.p_signal.ravel().tolist()]]))`;
    const [units, names, comments, values] = JSON.parse(await runPython(['-c', python, at(name)]));
    expect([converted.units, converted.sigName, converted.comments]).toEqual([units, names, comments]);
    expect(converted.pSignal.data.length).toBe(values.length);
    const difference = (values as (number | null)[]).map((value, i) =>
      value === null ? (Number.isNaN(converted.pSignal.data[i]) ? 0 : 1) : Math.abs(value - converted.pSignal.data[i]),
    );
    expect(Math.max(...difference)).toBeLessThan(1e-7);
  });
});

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
    expect(() => rdrecord(at('part'))).toThrow(/signal 2: the signals are compressed/);
  });
});
