import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PythonError } from '../../src/bridge/errors.ts';
import { Original } from '../../src/bridge/original.ts';
import { packages } from '../../src/bridge/witness.ts';
import { runPython } from '../python.ts';
import { python, root } from '../shared_data.ts';

const folder = mkdtempSync(join(tmpdir(), 'guard-'));
const canary = join(folder, 'canary');
const hostile = join(folder, 'hostile');
const checkout = join(folder, 'checkout');
let original: Original;
let files: string[];

/** A checkout whose folder holds more than the three packages: modules of installed names, and compiled code that is newer than its source. */
async function plant(): Promise<void> {
  for (const name of packages) {
    const filter = (path: string): boolean => !path.includes('__pycache__');
    cpSync(join(root, 'original', name), join(checkout, name), { recursive: true, filter });
  }
  const mark = `open(${JSON.stringify(canary)}, 'w').close()\n`;
  for (const name of ['numpy', 'pandas', 'wfdb', 'scipy', 'sklearn', 'h5py', 'tensorflow', 'keras', 'gzip_', 'setup']) {
    writeFileSync(join(checkout, `${name}.py`), mark);
  }
  const source = join(checkout, 'transplant', 'utils.py');
  const program = `import sys, py_compile, shutil
source, mark = sys.argv[1:]
text = open(source).read()
open(source, "w").write(mark + text)
py_compile.compile(source, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
open(source, "w").write(text)`;
  await runPython(['-c', program, source, mark]);
  expect(readdirSync(join(checkout, 'transplant', '__pycache__')).length).toBe(1);
}

beforeAll(async () => {
  mkdirSync(hostile);
  await Promise.all([plant(), runPython([join(root, 'test/fixtures/hostile/hostile.py'), hostile, canary])]);
  original = await Original.open({ python, original: checkout });
  files = readdirSync(hostile).map((name) => join(hostile, name));
});

afterAll(async () => {
  await original?.close();
  rmSync(folder, { recursive: true, force: true });
});

const ending = (end: string): string[] => files.filter((file) => file.endsWith(end));

describe('Python of a session', () => {
  it('imports the source of the checkout’s packages, and nothing else that lies there', async () => {
    const { numpy, keras } = await original.facts();
    expect([numpy, keras]).toEqual([expect.stringMatching(/^\d/), expect.stringMatching(/^3/)]);
    await expect(original.data.load(join(folder, 'none.pkl'))).rejects.toThrow(PythonError);
    expect(existsSync(canary)).toBe(false);
    // What was planted would do it.
    await runPython(['-c', 'import sys; sys.path.insert(0, sys.argv[1]); import transplant.utils', checkout]).catch(
      () => {},
    );
    expect(existsSync(canary)).toBe(true);
    rmSync(canary);
  });

  it('refuses to unpickle calls', async () => {
    const pickles = ending('.pkl');
    expect(pickles.length).toBe(80);
    for (const file of pickles) {
      const failure = await original.data.load(file).catch((error: unknown) => error);
      expect(failure, basename(file)).toBeInstanceOf(PythonError);
      expect((failure as PythonError).detail, basename(file)).toMatch(/refused: a pickle that asks for/);
    }
    for (const unzipped of [false, true]) {
      for (const dbDir of ending(unzipped ? '-unzipped' : '-zipped')) {
        await expect(original.data.patientLabels(dbDir, 0, unzipped)).rejects.toThrow(/refused: a pickle that asks/);
      }
    }
    expect(existsSync(canary)).toBe(false);
    await runPython(['-c', 'import gzip, pickle, sys; pickle.load(gzip.open(sys.argv[1]))', pickles[0]]);
    expect(existsSync(canary)).toBe(true);
    rmSync(canary);
  });

  it('hands no recording to libsndfile', async () => {
    const data = join(folder, 'flac');
    mkdirSync(data);
    writeFileSync(join(data, 'RECORDS'), 'A00001\n');
    writeFileSync(join(data, 'REFERENCE.csv'), 'A00001,N\n');
    writeFileSync(join(data, 'A00001.hea'), 'A00001 1 300 1000\nA00001.mat 516 1000/mV 16 0 0 0 0 ECG\n');
    const program = `import numpy as np, soundfile, sys
soundfile.write(sys.argv[1], np.zeros(1000, np.int16), 300, format="FLAC", subtype="PCM_16")`;
    await runPython(['-c', program, join(data, 'A00001.mat')]);
    const prepared = original.data.prepare(
      'challenge17',
      data,
      { fs: 300, pad: 1000, normalize: false },
      join(folder, 'p.pkl'),
    );
    await expect(prepared).rejects.toThrow(/soundfile/);
  });
});
