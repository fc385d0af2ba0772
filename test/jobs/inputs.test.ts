import { cpSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { silent } from '../../src/events.ts';
import { describeInputs, requireSameInputs } from '../../src/jobs/inputs.ts';
import * as hashlib from '../../src/lib/python/hashlib.ts';

vi.mock(import('../../src/lib/python/hashlib.ts'), { spy: true });

let folder: string;
const at = (name: string): string => join(folder, name);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'inputs-'));
  writeFileSync(at('train.pkl'), 'train');
  mkdirSync(at('patients'));
  for (const id of [1, 2]) writeFileSync(at(`patients/${id}.npy`), 'x'.repeat(id));
});
afterEach(() => rmSync(folder, { recursive: true }));

const job = (options: Record<string, string>) => ({ options, inputs: describeInputs(options) });
const warnings: string[] = [];
function check(begun: ReturnType<typeof job>, given: Record<string, string>): void {
  warnings.length = 0;
  requireSameInputs('job', begun, given, (event) => void (event.kind === 'warning' && warnings.push(event.text)));
}

describe('inputs of a job that goes on', () => {
  it('a copy of a file or folder under another path is the same input', () => {
    for (const name of ['train.pkl', 'patients']) {
      const begun = job({ train: at(name) });
      cpSync(at(name), at('copy'), { recursive: true });
      check(begun, { train: at('copy') });
      expect(warnings).toEqual([]);
      rmSync(at('copy'), { recursive: true });
      expect(() => check(begun, { train: at('copy') })).toThrow(`expected ${at(name)}, or a copy of it`);
    }
  });

  it('other content of the same size is another input, under another path and under the same', () => {
    const begun = job({ train: at('train.pkl') });
    writeFileSync(at('other.pkl'), 'brain');
    expect(() => check(begun, { train: at('other.pkl') })).toThrow(`got ${at('other.pkl')}; expected`);
    writeFileSync(at('train.pkl'), 'brain');
    utimesSync(at('train.pkl'), 1, 1);
    expect(() => check(begun, { train: at('train.pkl') })).toThrow(
      'an input of the job has changed since it started; got the same size, other bytes; expected SHA-256 ',
    );
    writeFileSync(at('train.pkl'), 'longer');
    expect(() => check(begun, { train: at('train.pkl') })).toThrow('got 6 bytes; expected 5 bytes');
  });

  it('a file that kept its path, size and time is not read again; a new time alone is no change', () => {
    const begun = job({ train: at('train.pkl') });
    const read = vi.mocked(hashlib.fileDigestSync);
    read.mockClear();
    check(begun, { train: at('train.pkl') });
    expect(read).not.toHaveBeenCalled();
    utimesSync(at('train.pkl'), 1, 1);
    check(begun, { train: at('train.pkl') });
    expect(read).toHaveBeenCalledTimes(1);
  });

  it('a folder that got more patients under the same path is reported; a copy without some is refused', () => {
    const begun = job({ train: at('patients') });
    cpSync(at('patients'), at('copy'), { recursive: true });
    writeFileSync(at('patients/3.npy'), 'xxx');
    check(begun, { train: at('patients') });
    expect(warnings).toEqual([`${at('patients')}: its files are not the same as when the job began`]);
    rmSync(at('copy/2.npy'));
    expect(() => check(begun, { train: at('copy') })).toThrow('or a copy of it');
  });

  it('of an earlier version, which kept sizes alone, go by path and size', () => {
    const begun = { options: { train: at('train.pkl') }, inputs: { [at('train.pkl')]: 5 } };
    check(begun, { train: at('train.pkl') });
    cpSync(at('train.pkl'), at('copy.pkl'));
    expect(() => check(begun, { train: at('copy.pkl') })).toThrow(/got \S+copy.pkl; expected \S+train.pkl\. /);
    writeFileSync(at('train.pkl'), 'longer');
    expect(() => check(begun, { train: at('train.pkl') })).toThrow('got 6 bytes; expected 5 bytes');
  });

  it('of a complete job may be gone', () => {
    const begun = job({ train: at('train.pkl') });
    rmSync(at('train.pkl'));
    expect(() => check(begun, { train: at('train.pkl') })).toThrow('got no file');
    requireSameInputs('job', begun, { train: at('train.pkl') }, silent, { mayBeGone: true });
  });
});
