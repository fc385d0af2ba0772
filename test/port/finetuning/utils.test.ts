import { beforeAll, describe, expect, it } from 'vitest';
import { ndarray } from '../../../src/lib/numpy/ndarray.ts';
import { RandomState } from '../../../src/lib/numpy/random.ts';
import { arrayRows } from '../../../src/lib/numpy/rows.ts';
import { AssertionError, ValueError } from '../../../src/lib/python/errors.ts';
import type { PreparedSet } from '../../../src/port/finetuning/datasets.ts';
import { splitSize, trainTestSplit } from '../../../src/port/finetuning/utils.ts';
import { proves } from '../../proofs/proves.ts';
import { runPython } from '../../python.ts';

const values = [0.25, 0.999, 1, 1.5, 2, 19.99, 0, -1, -0.5];

function numbered(records: number): PreparedSet {
  const numbers = Array.from({ length: records }, (_, i) => i);
  return {
    x: arrayRows(ndarray('float32', [records, 1, 1], Float32Array.from(numbers))),
    y: ndarray('int32', [records, 1], Int32Array.from(numbers)),
    recordIds: numbers,
    classes: ['a'],
  };
}

const program = `
import json, sys
import numpy as np
from finetuning.utils import split_size, train_test_split

numbers = np.arange(10)
data_set = {"x": numbers, "y": numbers, "record_ids": numbers, "classes": ["a"]}
np.random.seed(1)
parts = train_test_split(data_set, test_size=3)
sizes = [split_size(value) for value in json.load(sys.stdin)]
print(json.dumps({"sizes": sizes, "parts": [part["record_ids"].tolist() for part in parts]}))`;

let python: { sizes: number[]; parts: number[][] };
beforeAll(async () => {
  python = JSON.parse(await runPython(['-c', program], { input: JSON.stringify(values) }));
}, 120_000);

describe('finetuning.utils.split_size', () => {
  it('gives what the original gives', () => {
    proves('finetuning.utils.split_size');
    expect(values.map(splitSize)).toEqual(python.sizes);
  });
});

describe('finetuning.utils.train_test_split', () => {
  it('splits records, labels and ids alike, as the original does', () => {
    proves('finetuning.utils.train_test_split');
    const parts = trainTestSplit(numbered(10), { testSize: 3, randomState: new RandomState(1) });
    expect(parts.map(({ recordIds }) => recordIds)).toEqual(python.parts);
    expect(parts.map(({ recordIds }) => recordIds.length)).toEqual([7, 3]);
    for (const { x, y, recordIds } of parts) {
      expect([...x.take(recordIds.map((_, i) => i)).data]).toEqual(recordIds);
      expect([...y.data]).toEqual(recordIds);
    }
  });

  it('raises an AssertionError if they differ in number, and a ValueError for more records than there are', () => {
    expect(() => trainTestSplit({ ...numbered(10), recordIds: [1, 2] }, { testSize: 3 })).toThrow(AssertionError);
    expect(() => trainTestSplit(numbered(10), { testSize: 11 })).toThrow(ValueError);
  });
});
