import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PythonError } from '../../../src/bridge/errors.ts';
import { Original } from '../../../src/bridge/original.ts';
import { Gate } from '../../../src/compare/gate/gate.ts';
import { InputError } from '../../../src/errors.ts';
import { bytesOf, type NdArray, ndarray, zeros } from '../../../src/lib/numpy/ndarray.ts';
import { dump } from '../../../src/lib/python/pickle.ts';
import { loadPkl, savePkl } from '../../../src/port/transplant/utils.ts';
import { readWeights, writeWeights } from '../../../src/port/weights/files.ts';
import { type ModelDescription, weightLayout } from '../../../src/port/weights/layout.ts';
import { smallSet, writeSmallSet } from '../../port/training_data.ts';
import { runPython } from '../../python.ts';
import { haveSharedData, python, root, sharedData } from '../../shared_data.ts';

const folder = mkdtempSync(join(tmpdir(), 'gate-'));
const canary = join(folder, 'canary');
const hostile = join(folder, 'hostile');
const hdf5 = join(folder, 'hdf5');
const crossed = join(folder, 'crossed');
const gate = new Gate(crossed);
let original: Original;
let files: string[];

beforeAll(async () => {
  mkdirSync(hostile);
  const script = join(root, 'test/fixtures/gate/hostile.py');
  cpSync(join(root, 'test/fixtures/hdf5/hostile'), hdf5, { recursive: true });
  [original] = await Promise.all([
    Original.open({ python, original: join(root, 'original') }),
    runPython([script, hostile, canary]),
  ]);
  files = readdirSync(hostile).map((name) => join(hostile, name));
});

afterAll(async () => {
  await original?.close();
  rmSync(folder, { recursive: true, force: true });
});

const ending = (end: string): string[] => files.filter((file) => file.endsWith(end));

describe('Gate, hostile files', () => {
  it('has files that would do it', async () => {
    await runPython(['-c', 'import gzip, pickle, sys; pickle.load(gzip.open(sys.argv[1]))', ending('.pkl')[0]]);
    expect(existsSync(canary)).toBe(true);
    rmSync(canary);
  });

  it('refuses every pickle that asks for a call', async () => {
    const pickles = ending('.pkl');
    expect(pickles.length).toBe(80);
    for (const file of pickles) {
      await expect(gate.prepared(file), basename(file)).rejects.toThrow(InputError);
    }
    expect(existsSync(canary)).toBe(false);
  });

  it('refuses every patient with such labels, zipped and unzipped', async () => {
    for (const [end, unzipped] of [
      ['-zipped', false],
      ['-unzipped', true],
    ] as const) {
      const patients = ending(end);
      expect(patients.length).toBe(10);
      for (const dbDir of patients) {
        await expect(gate.icentia(dbDir, [0], { unzipped }), basename(dbDir)).rejects.toThrow(InputError);
      }
    }
    expect(existsSync(canary)).toBe(false);
  });

  it('refuses every HDF5 file that points elsewhere or is no plain file of numbers', async () => {
    const weights = readdirSync(hdf5).filter((name) => name.endsWith('.h5'));
    expect(weights.length).toBeGreaterThan(40);
    for (const name of weights) await expect(gate.weights(join(hdf5, name)), name).rejects.toThrow(InputError);
  });

  it('refuses archives that reach outside', async () => {
    const archives = ending('.tar.gz');
    expect(archives.length).toBe(6);
    for (const file of archives) await expect(gate.archive(file), basename(file)).rejects.toThrow(InputError);
  });

  it('leaves nothing of what it refused', () => {
    expect(readdirSync(crossed)).toEqual([]);
    expect(existsSync(join(folder, 'canary'))).toBe(false);
  });

  it('is backed by a Python that refuses to unpickle calls, were one to get past', async () => {
    for (const file of ending('.pkl')) {
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
  });
});

describe('Gate, honest files', () => {
  it('passes a prepared data set on to Python, value for value', async () => {
    const file = await writeSmallSet(join(folder, 'set.pkl'), { records: 6, multiLabel: true });
    const clean = await gate.prepared(file);
    expect(clean).not.toBe(file);
    const { x, y, recordIds, classes } = await original.data.load(clean);
    const expected = smallSet({ records: 6, multiLabel: true });
    expect({ x, y, recordIds, classes }).toEqual(expected);
  });

  it('passes arrays of every type, nested containers and scalars', async () => {
    const value = {
      nested: { context: zeros('float32', [2, 3]), samples: ndarray('int64', [2], BigInt64Array.of(-1n, 2n)) },
      scalars: [1, 0.5, Number.NaN, -0.5, true, null, 'ü', 2n ** 70n],
      half: ndarray('float16', [2], Uint16Array.of(0x3c00, 0x7e00)),
      empty: zeros('bool', [0, 4]),
    };
    await savePkl(join(folder, 'any.pkl'), value);
    expect(await loadPkl(await gate.prepared(join(folder, 'any.pkl')))).toEqual(await loadPkl(join(folder, 'any.pkl')));
  });

  it.each<[string, ModelDescription]>([
    ['set.weights.h5', { stages: 1, head: { classes: 4 } }],
    ['backbone.weights.h5', { stages: 1, channels: 12 }],
    ['epoch_01/model.weights', { stages: 1, head: { task: 'beat' } }],
  ])('passes weights, bit for bit: %s', async (name, description) => {
    mkdirSync(join(folder, 'epoch_01'), { recursive: true });
    const layout = weightLayout(description);
    const random = new Float32Array(1 << 18).map((_, i) => Math.sin(i));
    const weights = layout.weights.map(({ path, shape }, i) => {
      const size = shape.reduce((product, extent) => product * extent, 1);
      return { ...ndarray('float32', shape, random.slice(i, i + size)), path };
    });
    await writeWeights(join(folder, name), layout, weights);
    const clean = await gate.weights(join(folder, name));
    const [before, after] = [join(folder, name), clean].map((file) => readWeights(file));
    expect(after.format).toBe(before.format);
    const content = (list: readonly (NdArray & { path: string })[]): Map<string, string> =>
      new Map(list.map((weight) => [weight.path, Buffer.from(bytesOf(weight)).toString('base64')]));
    expect(content(after.weights)).toEqual(content(before.weights));
  });

  it('names weights that are no network of the project', async () => {
    await expect(gate.weights(join(root, 'test/fixtures/hdf5/plain.h5'))).rejects.toThrow(/unknown weights/);
  });

  it('passes predictions byte for byte, and refuses a table that holds none', async () => {
    const text = 'record_name,true_A,true_N,prob_A,prob_N\na,1,0,0.25,0.75\n';
    writeFileSync(join(folder, 'p.csv'), text);
    expect(readFileSync(await gate.predictions(join(folder, 'p.csv')), 'utf8')).toBe(text);
    writeFileSync(join(folder, 'q.csv'), 'a,b\n1\n');
    await expect(gate.predictions(join(folder, 'q.csv'))).rejects.toThrow();
  });

  it.skipIf(!haveSharedData)('passes labels of Icentia11k as published, in the older protocol', async () => {
    const dbDir = join(folder, 'icentia');
    mkdirSync(dbDir);
    const name = '00016_batched_lbls.pkl.gz';
    cpSync(join(sharedData, 'icentia11k/pickle_labels', name), join(dbDir, name));
    await dump(join(dbDir, '00016_batched.pkl.gz'), zeros('float64', [2, 100]));
    const clean = await gate.icentia(dbDir, [16]);
    expect(readdirSync(clean).sort()).toEqual(['00016_batched.pkl.gz', name]);
    const labels = await original.data.patientLabels(clean, 16, false);
    expect(labels).toEqual(await original.data.patientLabels(dbDir, 16, false));
    expect(labels.btype.length).toBeGreaterThan(40);
  });
});
