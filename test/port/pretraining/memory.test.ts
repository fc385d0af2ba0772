import { linkSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formatNpyHeader } from '../../../src/lib/numpy/npy_header.ts';
import { RandomState } from '../../../src/lib/numpy/random.ts';
import { beatGenerator } from '../../../src/port/pretraining/datasets.ts';
import { patientFile, writeUnzippedLabels } from '../../../src/port/transplant/datasets/icentia11k/files.ts';
import { loadSignal, type Marks } from '../../../src/port/transplant/datasets/icentia11k.ts';

const folder = mkdtempSync(join(tmpdir(), 'sparse-'));
const patients = process.env.ECG_TEST_FULL === '1' ? 11_000 : 1_000;
const shape = [50, 1_048_577] as const;

beforeAll(async () => {
  // One patient of 210 MB without a block on the disk, under every patient's name.
  const first = patientFile(folder, 0, '.npy');
  const head = formatNpyHeader({ dtype: 'float32', shape });
  writeFileSync(first, head);
  truncateSync(first, head.length + 4 * shape[0] * shape[1]);
  const marks: Marks = [Int32Array.of(500, 1_000_000), Int32Array.of(1, 4)];
  const labels = Array.from({ length: shape[0] }, () => marks);
  await writeUnzippedLabels(folder, 0, { btype: labels, rtype: labels, size: shape[0] });
  for (let id = 1; id < patients; id++) {
    for (const ending of ['.npy', '_lbls.npz'])
      linkSync(patientFile(folder, 0, ending), patientFile(folder, id, ending));
  }
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Bytes that this process has read so far, from files and elsewhere. */
const bytesRead = () => Number(/rchar: (\d+)/.exec(readFileSync('/proc/self/io', 'utf8'))![1]);

describe.skipIf(process.platform !== 'linux')('what a frame of a large patient costs', () => {
  test('a frame of 2,048 samples from a patient of 210 MB reads kilobytes', () => {
    const before = bytesRead();
    const frame = loadSignal(folder, 7, { unzipped: true }).read(49, 1_000_000, 1_002_048);
    const cost = bytesRead() - before;
    expect(frame.shape).toEqual([2048]);
    expect(cost).toBeGreaterThan(8192);
    expect(cost).toBeLessThan(32_768);
  });

  test(`memory is flat over ${patients} such patients`, () => {
    const ids = Array.from({ length: patients }, (_, id) => id);
    const frames = beatGenerator(folder, ids, 2048, {
      unzipped: true,
      samplesPerPatient: 2,
      random: new RandomState(1),
    });
    const take = (count: number): void => {
      for (let k = 0; k < count; k++) expect(frames.next().value[0].shape[0]).toBe(2048);
    };
    take(400);
    const before = process.memoryUsage().rss;
    take(2 * patients - 400);
    // 210 GB (all patients: 2.3 TB) pass by; a single one of them would show.
    expect(process.memoryUsage().rss - before).toBeLessThan(150e6);
  });
});
