import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, vi } from 'vitest';
import type { ProgressEvent } from '../../src/events.ts';
import { type NdArray, ndarray } from '../../src/lib/numpy/ndarray.ts';
import { RandomState } from '../../src/lib/numpy/random.ts';
import { dataSetToPickle } from '../../src/port/finetuning/datasets/data_set.ts';
import type { DataSet } from '../../src/port/finetuning/datasets.ts';
import { savePkl } from '../../src/port/transplant/utils.ts';

/** A folder that is removed when the test file ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ecg-jobs-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface SmallSetOptions {
  readonly records: number;
  readonly samples?: number;
  readonly leads?: number;
  readonly multiLabel?: boolean;
  readonly seed?: number;
}

/** Records of noise around the number of their class: bool one-hot labels of four classes as in Challenge 2017, or several labels as in PTB-XL. */
export function smallSet({ records, samples = 64, leads = 1, multiLabel = false, seed = 1 }: SmallSetOptions): DataSet {
  const random = new RandomState(seed);
  const noise = random.randomSample(records * samples * leads) as unknown as Float64Array;
  const patterns = multiLabel
    ? [
        [1, 0, 0],
        [0, 1, 0],
        [1, 0, 1],
        [0, 1, 1],
      ]
    : [0, 1, 2, 3].map((k) => [0, 1, 2, 3].map((c) => Number(c === k)));
  const width = patterns[0].length;
  const labels = Array.from({ length: records }, (_, i) => patterns[i % 4]).flat();
  const y: NdArray = multiLabel
    ? ndarray('int32', [records, width], Int32Array.from(labels))
    : ndarray('bool', [records, width], Uint8Array.from(labels));
  const x = Float32Array.from(noise as ArrayLike<number>, (v, i) => v + (Math.floor(i / (samples * leads)) % 4));
  return {
    x: ndarray('float32', [records, samples, leads], x),
    y,
    recordIds: Array.from({ length: records }, (_, i) => (multiLabel ? 100 + i : `A${String(i).padStart(5, '0')}`)),
    classes: multiLabel ? ['SR', 'AFIB', 'PACE'] : ['A', 'N', 'O', '~'],
  };
}

/** Writes a small data set; returns the file's name. */
export async function writeSmallSet(file: string, options: SmallSetOptions): Promise<string> {
  await savePkl(file, dataSetToPickle(smallSet(options)));
  return file;
}

/** Does something without what it prints. */
export async function quietly<T>(work: () => Promise<T>): Promise<T> {
  const streams = [process.stdout, process.stderr].map((stream) => vi.spyOn(stream, 'write').mockReturnValue(true));
  try {
    return await work();
  } finally {
    for (const stream of streams) stream.mockRestore();
  }
}

/** A context that pauses when a task has got so far. */
export function pausing(where: string): { report: (event: ProgressEvent) => void; signal: AbortSignal } {
  const controller = new AbortController();
  const [task, done] = where.split(':');
  return {
    signal: controller.signal,
    report: (event) => {
      if (event.kind === 'progress' && event.task === task && event.done === Number(done)) controller.abort('test');
    },
  };
}
