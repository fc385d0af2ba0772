import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RandomState } from '../../../src/lib/numpy/random.ts';
import { FileNotFoundError, ValueError } from '../../../src/lib/python/errors.ts';
import {
  beatDataset,
  beatGenerator,
  cpcDataset,
  type FrameBatch,
  type GeneratorOptions,
} from '../../../src/port/pretraining/datasets.ts';
import { normalize } from '../../../src/port/transplant/datasets/icentia11k.ts';
import { writeIcentiaPatient } from '../../../src/synthetic/write_icentia.ts';
import { runJobs } from '../../fixtures/icentia11k/python.ts';
import { digest } from '../../fixtures/icentia11k/stream.ts';
import { type StreamResult, streamCases, streamJob, takeStream } from '../../fixtures/icentia11k/streams.ts';
import { proves } from '../../proofs/proves.ts';

const folder = mkdtempSync(join(tmpdir(), 'pretraining-'));
const folderOf = (unzipped: boolean) => join(folder, unzipped ? 'unzipped' : 'zipped');
const ids = [0, 1, 2, 3, 4];
const [seed, count, chunk] = [42, 2000, 100];
const few = 200;
let python: StreamResult[];
let dataSets: StreamResult[];

const declare = {
  rhythm: {
    generator: () =>
      proves('pretraining.datasets.rhythm_generator', 'transplant.datasets.icentia11k.rhythm_data_generator'),
    dataset: () => proves('pretraining.datasets.rhythm_dataset'),
  },
  beat: {
    generator: () =>
      proves('pretraining.datasets.beat_generator', 'transplant.datasets.icentia11k.beat_data_generator'),
    dataset: () => proves('pretraining.datasets.beat_dataset'),
  },
  heart_rate: {
    generator: () =>
      proves('pretraining.datasets.heart_rate_generator', 'transplant.datasets.icentia11k.heart_rate_data_generator'),
    dataset: () => proves('pretraining.datasets.heart_rate_dataset'),
  },
  cpc: {
    generator: () => proves('pretraining.datasets.cpc_generator', 'transplant.datasets.icentia11k.cpc_data_generator'),
    dataset: () => proves('pretraining.datasets.cpc_dataset'),
  },
};

beforeAll(async () => {
  for (const id of ids) {
    const size = { seed: 2, segments: 3, samples: 12_000 };
    await writeIcentiaPatient(id, size, { zipped: folderOf(false), unzipped: folderOf(true) });
  }
  const jobs = (settings: { kind: 'generator' | 'dataset'; count: number }) =>
    streamCases.map((one) => streamJob(one, folderOf(one.unzipped), ids, { seed, chunk, ...settings }));
  const results = await runJobs([...jobs({ kind: 'generator', count }), ...jobs({ kind: 'dataset', count: few })]);
  python = results.slice(0, streamCases.length) as StreamResult[];
  dataSets = results.slice(streamCases.length) as StreamResult[];
}, 180_000);
afterAll(() => rmSync(folder, { recursive: true }));

describe('2,000 samples to the last bit, and the draw after them', () => {
  test.each(streamCases.map((stream, k) => [stream.task, stream, k] as const))(
    'pretraining.datasets.%s_generator',
    async (task, stream, k) => {
      declare[task].generator();
      const place = folderOf(stream.unzipped);
      const settings = { seed, count, chunk, batchSize: 50 };
      expect(python[k].hashes).toHaveLength(count / chunk);
      expect(await takeStream(stream, place, ids, { ...settings, readAhead: 0 })).toEqual(python[k]);
      expect(await takeStream(stream, place, ids, { ...settings, readAhead: 3 })).toEqual(python[k]);
    },
  );

  test.each(streamCases.map((stream, k) => [stream.task, stream, k] as const))(
    'pretraining.datasets.%s_dataset: the first 200',
    async (task, stream, k) => {
      declare[task].dataset();
      const settings = { seed, count: few, chunk, batchSize: 50, readAhead: 0 };
      const { hashes, labels } = dataSets[k];
      expect(hashes).toHaveLength(few / chunk);
      expect(await takeStream(stream, folderOf(stream.unzipped), ids, settings)).toMatchObject({ hashes, labels });
    },
  );

  test('the streams hold every kind of label', () => {
    const kinds = python.map(({ labels }) => labels.flatMap((n, label) => (n > 0 ? [label] : [])));
    expect(kinds[0]).toEqual(expect.arrayContaining([2, 3, 4]));
    expect(kinds[1]).toEqual(expect.arrayContaining([0, 1, 2, 4]));
    expect(kinds[2]).toEqual([0, 1, 2]);
    expect(kinds[3]).toEqual([0, 1, 2]);
  });
});

const stream = (options: Partial<Parameters<typeof beatDataset>[3]> = {}) =>
  beatDataset(folderOf(true), ids, 512, {
    unzipped: true,
    samplesPerPatient: 10,
    batchSize: 8,
    random: new RandomState(1),
    ...options,
  });
async function take(batches: AsyncIterator<FrameBatch>, count: number): Promise<FrameBatch[]> {
  const taken: FrameBatch[] = [];
  while (taken.length < count) taken.push((await batches.next()).value as FrameBatch);
  return taken;
}
/** A digest of each batch, and its labels. */
const values = (batches: readonly FrameBatch[]) =>
  batches.map(({ x, y }) => ['context' in x ? '' : digest(x), Array.from(y.data)]);

describe('pretraining.datasets.beat_dataset as batches', () => {
  test('x float32 (batch, frame, 1), y int32 (batch)', async () => {
    const batches = stream({ readAhead: 0 });
    const [{ x, y }] = (await take(batches, 1)) as [FrameBatch];
    expect(x).toMatchObject({ dtype: 'float32', shape: [8, 512, 1] });
    expect(y).toMatchObject({ dtype: 'int32', shape: [8] });
    await batches.close();
  });

  test('reading ahead changes neither the batches nor later draws', async () => {
    const runs = [];
    for (const readAhead of [0, 1, 5]) {
      const random = new RandomState(9);
      const first = stream({ random, readAhead });
      const batches = await take(first, 3);
      await first.close();
      const between = random.randint(1000);
      const second = stream({ random, readAhead });
      batches.push(...(await take(second, 2)));
      await second.close();
      runs.push([values(batches), between, random.getState()]);
    }
    expect(runs[1]).toEqual(runs[0]);
    expect(runs[2]).toEqual(runs[0]);
  });

  test('refuses a draw from the random state of a stream that reads ahead', async () => {
    const random = new RandomState(9);
    const ahead = stream({ random, readAhead: 2 });
    await take(ahead, 1);
    random.randint(5);
    await expect(ahead.next()).rejects.toThrow(/RandomState of its own/);
    await ahead.close();
    const direct = stream({ random, readAhead: 0 });
    await take(direct, 1);
    random.randint(5);
    expect(await take(direct, 1)).toHaveLength(1);
    await direct.close();
  });

  test('skip resumes a stream', async () => {
    const whole = stream();
    const all = values(await take(whole, 6));
    await whole.close();
    const rest = stream({ skip: 4 });
    expect(values(await take(rest, 2))).toEqual(all.slice(4));
    await rest.close();
  });

  test('shuffle: the same samples in another order, fixed by its seed, with the draws unchanged', async () => {
    const states = [];
    const runs = [];
    for (const shuffle of [
      undefined,
      { bufferSize: 40, seed: 3 },
      { bufferSize: 40, seed: 3 },
      { bufferSize: 40, seed: 4 },
    ]) {
      const random = new RandomState(1);
      const batches = stream({ random, shuffle, batchSize: 1 });
      runs.push(values(await take(batches, 100)).map(String));
      states.push(random.randint(2 ** 30));
      await batches.close();
    }
    expect(runs[2]).toEqual(runs[1]);
    expect(runs[3]).not.toEqual(runs[1]);
    expect(new Set(runs[1]).size).toBe(100);
    const ordered = stream({ batchSize: 1 });
    const source = values(await take(ordered, 140)).map(String);
    await ordered.close();
    expect(runs[1].every((sample) => source.includes(sample))).toBe(true);
    // A sample leaves the buffer at the earliest when it is full: the k-th one is among the first k + 40.
    for (const [k, sample] of runs[1].entries()) expect(source.indexOf(sample)).toBeLessThan(k + 40);
    expect(runs[1]).not.toEqual(source.slice(0, 100));
  });

  test('parallelism: generators take turns; Quirk Q45: the remainder is not used', async () => {
    const shared = { unzipped: true, samplesPerPatient: 3 } satisfies GeneratorOptions;
    const random = new RandomState(4);
    const halves = [ids.slice(0, 2), ids.slice(2, 4)].map((half) =>
      beatGenerator(folderOf(true), half, 512, { ...shared, random }),
    );
    const expected = Array.from({ length: 12 }, (_, k) =>
      Array.from(halves[k % 2].next().value[0].data as Float32Array),
    );
    const batches = stream({ ...shared, random: new RandomState(4), parallelism: 2, batchSize: 12 });
    const [batch] = (await take(batches, 1)) as [FrameBatch];
    expect('context' in batch.x || Array.from(batch.x.data)).toEqual(expected.flat());
    await batches.close();
  });

  test('normalize: constants of the data set, others, none', async () => {
    const of = async (option: GeneratorOptions['normalize']) => {
      const batches = stream({ normalize: option, readAhead: 0 });
      const [{ x }] = (await take(batches, 1)) as [FrameBatch];
      await batches.close();
      if ('context' in x) throw new Error('not a frame');
      return x;
    };
    const raw = await of(false);
    expect(await of(true)).toEqual(normalize(raw));
    expect(await of({ mean: 0.25, std: 0.5 })).toEqual(normalize(raw, false, { mean: 0.25, std: 0.5 }));
  });

  test.each([0, 2])('errors keep their type, readAhead %i', async (readAhead) => {
    const missing = beatDataset(folder, [1], 512, { batchSize: 2, readAhead, random: new RandomState(1) });
    await expect(missing.next()).rejects.toThrow(FileNotFoundError);
    expect((await missing.next()).done).toBe(true);
    const long = stream({ readAhead, random: new RandomState(1), samplesPerPatient: 1 });
    await long.close();
    expect(await long.next()).toEqual({ done: true, value: undefined });
    const tooLong = beatDataset(folderOf(true), ids, 12_000, {
      unzipped: true,
      batchSize: 2,
      readAhead,
      random: new RandomState(1),
    });
    await expect(tooLong.next()).rejects.toThrow(ValueError);
    await expect(
      beatDataset(folder, [], 512, { batchSize: 2, readAhead, random: new RandomState(1) }).next(),
    ).rejects.toThrow(ValueError);
  });

  test('throws a ValueError for impossible settings', async () => {
    await expect(stream({ batchSize: 0, readAhead: 0 }).next()).rejects.toThrow(ValueError);
    await expect(stream({ parallelism: 0, readAhead: 0 }).next()).rejects.toThrow(ValueError);
    await expect(stream({ shuffle: { bufferSize: 0 }, readAhead: 0 }).next()).rejects.toThrow(ValueError);
    expect(() => stream({ readAhead: -1 })).toThrow(ValueError);
  });

  test('for await closes the stream; close while waiting ends it', async () => {
    const random = new RandomState(2);
    let seen = 0;
    for await (const { y } of stream({ random })) {
      seen += y.data.length;
      if (seen >= 24) break;
    }
    expect(seen).toBe(24);
    const waiting = stream({ readAhead: 1 });
    const next = waiting.next();
    await waiting.close();
    expect(await next).toEqual({ done: true, value: undefined });
  });
});

test('pretraining.datasets.cpc_dataset as batches', async () => {
  const options = { unzipped: true, batchSize: 4, numBufferedPatients: 2, random: new RandomState(1) };
  const batches = cpcDataset(folderOf(true), ids, 128, 5, 3, options);
  const [{ x, y }] = (await take(batches, 1)) as [FrameBatch];
  await batches.close();
  expect(x).toMatchObject({
    context: { dtype: 'float32', shape: [4, 5, 128, 1] },
    samples: { dtype: 'float32', shape: [4, 4, 128, 1] },
  });
  expect(Math.max(...y.data)).toBeLessThan(4);
});
