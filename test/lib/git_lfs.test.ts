import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { InputError } from '../../src/errors.ts';
import { readRows } from '../../src/lib/csv/table.ts';
import { loadmat } from '../../src/lib/matlab/mat5.ts';
import { readNpy } from '../../src/lib/numpy/npy.ts';
import { load, loadSync } from '../../src/lib/python/pickle.ts';
import { rdann } from '../../src/lib/wfdb/annotation.ts';
import { readHeader } from '../../src/lib/wfdb/header.ts';
import { rdrecord } from '../../src/lib/wfdb/record.ts';

const folder = mkdtempSync(join(tmpdir(), 'git-lfs-'));
afterAll(() => rmSync(folder, { recursive: true }));
const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 12345\n`;

function file(name: string, content = pointer): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

it.each<[string, () => unknown]>([
  ['.npy', () => readNpy(file('x.npy'))],
  ['.mat', () => loadmat(file('x.mat'))],
  ['.csv', () => readRows(file('x.csv'))],
  ['.pkl at once', () => loadSync(file('x.pkl'))],
  ['.pkl', () => load(file('x.pkl'))],
  ['.hea', () => readHeader(file('x.hea').slice(0, -4))],
  ['.atr', () => rdann(file('x.atr').slice(0, -4), 'atr')],
  [
    '.dat',
    () => {
      file('y.dat');
      return rdrecord(file('y.hea', 'y 1 250 5\ny.dat 16 200\n').slice(0, -4));
    },
  ],
])('a pointer in place of a %s file is called one', async (_, read) => {
  const attempt = async (): Promise<unknown> => read();
  await expect(attempt()).rejects.toThrow(InputError);
  await expect(attempt()).rejects.toThrow(/[xy]\.\w+: this is a Git LFS pointer.*Fetch it: git -C \S+ lfs pull$/);
});

it('a short file of another kind is not a pointer', () => {
  expect(readRows(file('z.csv', 'version,2\n')).length).toBe(1);
});
