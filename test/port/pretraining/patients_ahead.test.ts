import { mkdirSync, mkdtempSync, readdirSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ndarray } from '../../../src/lib/numpy/ndarray.ts';
import { RandomState } from '../../../src/lib/numpy/random.ts';
import { FileNotFoundError } from '../../../src/lib/python/errors.ts';
import { dump } from '../../../src/lib/python/pickle.ts';
import { PatientsAhead, patientsAheadFor } from '../../../src/port/pretraining/datasets/patients_ahead.ts';
import { beatDataset, cpcDataset, type FrameBatch } from '../../../src/port/pretraining/datasets.ts';
import { patientFile } from '../../../src/port/transplant/datasets/icentia11k/files.ts';
import { loadPatientData, type PatientData } from '../../../src/port/transplant/datasets/icentia11k.ts';

const folder = mkdtempSync(join(tmpdir(), 'ahead-'));
const ids = [0, 1, 2, 3, 4];

/** A zipped patient of 2 MB: so large that threads are worth it. */
async function writePatient(dbDir: string, id: number): Promise<void> {
  const random = new RandomState(id + 1);
  const [segments, samples] = [2, 250_000];
  const data = Float32Array.from(random.randomSample(segments * samples));
  await dump(patientFile(dbDir, id, '.pkl.gz'), ndarray('float32', [segments, samples], data));
  const code = (k: number) =>
    ndarray(
      'int32',
      [100],
      Int32Array.from({ length: 100 }, (_, i) => 2000 * i + k),
    );
  const labels = Array.from({ length: segments }, () => ({
    btype: [0, 1, 2, 3, 4].map(code),
    rtype: [0, 1, 2, 3, 4, 5].map(code),
  }));
  await dump(patientFile(dbDir, id, '_lbls.pkl.gz'), labels);
}

beforeAll(async () => {
  for (const id of ids) await writePatient(folder, id);
});
afterAll(() => rmSync(folder, { recursive: true }));

const show = ([signal, labels]: PatientData) => ({
  shape: signal.shape,
  source: signal.source,
  frame: signal.read(1, 100, 5000),
  labels,
});
const expected = (id: number, includeLabels = true) => show(loadPatientData(folder, id, { includeLabels }));

describe('PatientsAhead', () => {
  test.each([
    { what: 'labels too', threads: 2 },
    { what: 'no memory for more than one patient, no labels', threads: 2, maxBytes: 0, includeLabels: false },
  ])('gives what loadPatientData gives, for two generators in turns: $what', ({ what: _what, ...options }) => {
    const ahead = new PatientsAhead(folder, options);
    const lists = [
      [3, 0, 0, 4],
      [1, 2, 1, 2],
    ];
    for (let k = 0; k < 4; k++) {
      for (const list of lists) {
        const data = ahead.load(list[k], list, list.slice(k + 1));
        expect(show(data)).toEqual(expected(list[k], options.includeLabels));
        expect(ahead.threads).toBe(options.maxBytes === 0 ? 1 : 2);
      }
    }
    ahead.close();
  });

  test.each([
    { maxBytes: 3e6, threads: 1 },
    { maxBytes: 5e6, threads: 2 },
    { maxBytes: 7e6, threads: 3 },
  ])(
    'of patients of 2 MB, only as many as fit into $maxBytes bytes are unpacked at the same time',
    ({ maxBytes, threads }) => {
      const ahead = new PatientsAhead(folder, { threads: 4, maxBytes });
      for (const [k, id] of ids.entries()) {
        expect(show(ahead.load(id, ids, ids.slice(k + 1)))).toEqual(expected(id));
        expect(ahead.threads).toBe(threads);
      }
      ahead.close();
    },
  );

  test('loads a patient itself if a thread does not deliver it in time, and ends that thread', () => {
    const ahead = new PatientsAhead(folder, { threads: 1, patience: 1 });
    expect(show(ahead.load(2, ids, []))).toEqual(expected(2));
    expect(ahead.threads).toBe(0);
    ahead.close();
  });

  test('throws a fault when it is the turn of its patient, with its type and file, and goes on', async () => {
    const bad = join(folder, 'bad');
    mkdirSync(bad);
    for (const id of [0, 1, 3]) await writePatient(bad, id);
    truncateSync(patientFile(bad, 1, '.pkl.gz'), 1_100_000);
    const ahead = new PatientsAhead(bad, { threads: 2 });
    const order = [0, 1, 2, 3];
    const load = (k: number) => ahead.load(order[k], order, order.slice(k + 1));
    expect(load(0)[0].shape).toEqual([2, 250_000]);
    expect(() => load(1)).toThrow(/00001_batched\.pkl\.gz/);
    expect(() => load(2)).toThrow(FileNotFoundError);
    expect(load(3)[0].shape).toEqual([2, 250_000]);
    ahead.close();
  });
});

async function takeAll(readAhead: number): Promise<readonly FrameBatch[]> {
  const taken: FrameBatch[] = [];
  const options = { samplesPerPatient: 6, batchSize: 16, readAhead, random: new RandomState(7) };
  for (const stream of [
    beatDataset(folder, ids, 512, { ...options, parallelism: 2 }),
    cpcDataset(folder, ids, 256, 3, 2, { ...options, numBufferedPatients: 2 }),
  ]) {
    for (let k = 0; k < 6; k++) taken.push((await stream.next()).value!);
    await stream.close();
  }
  return taken;
}

const taskThreads = () => readdirSync('/proc/self/task').length;

describe('BatchStream of large zipped patients', () => {
  test('unpacks in threads, unless patients are small, unzipped or gone', () => {
    const spec = { task: 'beat', dbDir: folder, patientIds: ids, frameSize: 512, batch: { batchSize: 1 } } as const;
    expect(patientsAheadFor({ ...spec, options: {} }) !== undefined).toBe(true);
    expect(patientsAheadFor({ ...spec, options: { unzipped: true } })).toBeUndefined();
    expect(patientsAheadFor({ ...spec, options: {}, patientIds: [77] })).toBeUndefined();
    expect(patientsAheadFor({ ...spec, options: {}, patientIds: [] })).toBeUndefined();
  });

  test('the same batches as without threads, over several passes, with generators in turns and for CPC', async () => {
    expect(await takeAll(3)).toEqual(await takeAll(0));
  });

  test.skipIf(process.platform !== 'linux')('no thread is left after close', async () => {
    const before = taskThreads();
    const stream = beatDataset(folder, ids, 512, { batchSize: 4, random: new RandomState(1) });
    await stream.next();
    expect(taskThreads()).toBeGreaterThan(before);
    await stream.close();
    for (let k = 0; k < 100 && taskThreads() > before; k++) await setTimeout(50);
    expect(taskThreads()).toBeLessThanOrEqual(before);
  });
});
