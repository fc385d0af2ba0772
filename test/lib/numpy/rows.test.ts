import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ndarray } from '../../../src/lib/numpy/ndarray.ts';
import { NpyFile, writeNpy } from '../../../src/lib/numpy/npy.ts';
import { random } from '../../../src/lib/numpy/random.ts';
import { arrayRows, fileRows, selectLead, selectRows } from '../../../src/lib/numpy/rows.ts';
import { trainTestSplit } from '../../../src/port/finetuning/utils.ts';

/** Three records of two samples and two leads: record·100 + sample·10 + lead. */
const x = ndarray('float32', [3, 2, 2], Float32Array.from([0, 1, 10, 11, 100, 101, 110, 111, 200, 201, 210, 211]));

describe('rows of a data set', () => {
  it('reads records in the requested order, including repeated ones', () => {
    const taken = arrayRows(x).take([2, 0, 2]);
    expect(taken.shape).toEqual([3, 2, 2]);
    expect([...(taken.data as Float32Array)]).toEqual([200, 201, 210, 211, 0, 1, 10, 11, 200, 201, 210, 211]);
  });

  it('refuses a record that does not exist', () => {
    expect(() => arrayRows(x).take([3])).toThrow('record 3 of 3 does not exist');
    expect(() => arrayRows(x).take([-1])).toThrow(RangeError);
  });

  it('reads the same records from a file', () => {
    const folder = mkdtempSync(join(tmpdir(), 'rows-'));
    writeNpy(join(folder, 'x.npy'), x);
    const file = NpyFile.open(join(folder, 'x.npy'));
    try {
      expect(fileRows(file).take([1, 2])).toEqual(arrayRows(x).take([1, 2]));
    } finally {
      file.close();
      rmSync(folder, { recursive: true });
    }
  });

  it('can select from a selection', () => {
    const rows = selectRows(selectRows(arrayRows(x), [2, 0]), [1, 0, 0]);
    expect(rows.shape).toEqual([3, 2, 2]);
    expect(Array.from(rows.take([0, 1, 2]).data as Float32Array, (value) => Math.floor(value / 100))).toEqual([
      0, 0, 0, 0, 2, 2, 2, 2, 2, 2, 2, 2,
    ]);
  });

  // NumPy: x[:, :, c:c + 1]
  it.each([
    [0, [0, 10]],
    [1, [1, 11]],
    [2, []],
    [-1, []],
    [-2, [0, 10]],
    [-3, []],
  ])('--channel %d takes lead values %j of the first record', (channel, values) => {
    const lead = selectLead(arrayRows(x), channel);
    expect(lead.shape).toEqual([3, 2, values.length === 0 ? 0 : 1]);
    expect([...(lead.take([0]).data as Float32Array)]).toEqual(values);
  });
});

describe('finetuning.utils.train_test_split', () => {
  it('keeps recordings, labels and names of a record together', () => {
    const records = 20;
    const set = {
      x: arrayRows(
        ndarray(
          'float32',
          [records, 1, 1],
          Float32Array.from({ length: records }, (_, i) => i),
        ),
      ),
      y: ndarray(
        'int64',
        [records, 2],
        BigInt64Array.from({ length: 2 * records }, (_, i) => BigInt(i)),
      ),
      recordIds: Array.from({ length: records }, (_, i) => `r${i}`),
      classes: ['a', 'b'],
    };
    random.seed(3);
    const parts = trainTestSplit(set, { testSize: 0.25 });
    expect(parts.map(({ recordIds }) => recordIds.length)).toEqual([15, 5]);
    expect(parts.flatMap(({ recordIds }) => recordIds).sort()).toEqual([...set.recordIds].sort());
    for (const { x: rows, y, recordIds } of parts) {
      const numbers = recordIds.map((name) => Number(String(name).slice(1)));
      expect([...(rows.take(numbers.map((_, i) => i)).data as Float32Array)]).toEqual(numbers);
      expect([...(y.data as BigInt64Array)].map(Number)).toEqual(numbers.flatMap((i) => [2 * i, 2 * i + 1]));
    }
  });
});
