import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { ProgressEvent } from '../../src/events.ts';
import { type NdArray, ndarray } from '../../src/lib/numpy/ndarray.ts';
import { random } from '../../src/lib/numpy/random.ts';
import { ArrayStream, dump } from '../../src/lib/python/pickle.ts';
import { dataSetToPickle } from '../../src/port/finetuning/datasets/data_set.ts';
import type { PreparedSet } from '../../src/port/finetuning/datasets.ts';
import { trainTestSplit } from '../../src/port/finetuning/utils.ts';
import { savePkl } from '../../src/port/transplant/utils.ts';
import { openPreparedSet } from '../../src/prepare/prepared_set.ts';
import { smallSet, temporaryFolder, writeSmallSet } from '../port/training_data.ts';

const folder = temporaryFolder();
const at = (...names: string[]): string => join(folder, ...names);
const everything = ({ x }: PreparedSet): NdArray => x.take(Array.from({ length: x.shape[0] }, (_, i) => i));

describe('a prepared set that is too large for the memory', () => {
  let file: string;

  beforeAll(async () => {
    file = await writeSmallSet(at('small.pkl'), { records: 24, samples: 100, leads: 2 });
  });

  test('has the same records and parts as in memory, and leaves no file', async () => {
    const events: ProgressEvent[] = [];
    const held = await openPreparedSet(file);
    const unpacked = await openPreparedSet(file, {
      folder,
      threshold: 1000,
      report: (event) => events.push(event),
    });
    expect(readdirSync(folder)).toEqual(['small.pkl']);
    expect(events).toEqual([
      { kind: 'message', text: `${file}: 0.0 GB of recordings are read from the disk as needed` },
    ]);
    expect(everything(unpacked)).toEqual(everything(held));
    const parts = [held, unpacked].map((set) => {
      random.seed(4);
      return trainTestSplit(set, { testSize: 0.25, stratify: set.y }).map((part) => [everything(part), part.recordIds]);
    });
    expect(parts[1]).toEqual(parts[0]);
    unpacked.close();
    expect(() => unpacked.x.take([0])).toThrow();
  });

  test('float64 is read alike', async () => {
    const { x, ...rest } = smallSet({ records: 6, samples: 5, leads: 3 });
    const set = { ...rest, x: ndarray('float64', x.shape, Float64Array.from(x.data as Float32Array)) };
    await savePkl(at('double.pkl'), dataSetToPickle(set));
    const unpacked = await openPreparedSet(at('double.pkl'), { folder, threshold: 100 });
    expect(everything(unpacked)).toEqual(set.x);
    unpacked.close();
  });

  test('memory does not grow with it', async () => {
    const [records, samples] = [1024, 65_536];
    const { y, recordIds, classes } = smallSet({ records, samples: 1 });
    const row = new Float32Array(samples);
    function* rows(): Generator<Uint8Array> {
      for (let record = 0; record < records; record++) {
        row.fill(record);
        yield new Uint8Array(row.buffer.slice(0));
      }
    }
    const x = new ArrayStream('float32', [records, samples, 1], rows());
    await dump(at('large.pkl'), dataSetToPickle({ x, y, recordIds, classes }));
    const before = process.resourceUsage().maxRSS;
    const set = await openPreparedSet(at('large.pkl'), { folder, threshold: 2 ** 20 });
    const [train] = trainTestSplit(set, { testSize: 0.5, stratify: y });
    for (let start = 0; start < train.x.shape[0]; start += 32) {
      const batch = train.x.take(Array.from({ length: 32 }, (_, i) => start + i));
      const numbers = train.recordIds.slice(start, start + 32).map((id) => Number(String(id).slice(1)));
      expect(numbers.map((_, i) => batch.data[i * samples])).toEqual(numbers);
    }
    set.close();
    // Kilobytes; the recordings have 262,144 of them.
    expect(process.resourceUsage().maxRSS - before).toBeLessThan(120_000);
  });
});
