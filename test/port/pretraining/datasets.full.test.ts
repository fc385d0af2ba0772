import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeIcentiaPatient } from '../../../src/synthetic/write_icentia.ts';
import { runJobs } from '../../fixtures/icentia11k/python.ts';
import { type StreamResult, streamCases, streamJob, takeStream } from '../../fixtures/icentia11k/streams.ts';

const folder = mkdtempSync(join(tmpdir(), 'pretraining-'));
const folderOf = (unzipped: boolean) => join(folder, unzipped ? 'unzipped' : 'zipped');
const ids = Array.from({ length: 12 }, (_, id) => id);
const [seed, count, chunk] = [7, 100_000, 1000];
let python: StreamResult[];

beforeAll(async () => {
  for (const id of ids) {
    await writeIcentiaPatient(
      id,
      { seed: 3, segments: 4, samples: 20_000 },
      { zipped: folderOf(false), unzipped: folderOf(true) },
    );
  }
  const settings = { kind: 'generator', seed, count, chunk } as const;
  const jobs = streamCases.map((stream) => streamJob(stream, folderOf(stream.unzipped), ids, settings));
  python = (await runJobs(jobs)) as StreamResult[];
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('100,000 samples to the last bit', () => {
  test.each(streamCases.map((stream, k) => [stream.task, stream, k] as const))(
    'pretraining.datasets.%s_generator',
    async (_, stream, k) => {
      const settings = { seed, count, chunk, batchSize: 32, readAhead: 4 };
      expect(python[k].hashes).toHaveLength(count / chunk);
      expect(await takeStream(stream, folderOf(stream.unzipped), ids, settings)).toEqual(python[k]);
    },
  );
});
