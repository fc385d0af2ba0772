import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ndarray } from '../../../src/lib/numpy/ndarray.ts';
import { RandomState, random } from '../../../src/lib/numpy/random.ts';
import { ValueError } from '../../../src/lib/python/errors.ts';
import {
  type SplitOptions,
  type StratifyLabels,
  splitIndices,
  trainTestSplit,
} from '../../../src/lib/sklearn/model_selection.ts';
import { runPython } from '../../python.ts';
import { root } from '../../shared_data.ts';

interface Case {
  n: number;
  classes: number;
  labels: number[];
  kind: string;
  options: { test_size?: number; train_size?: number };
  seed: number;
  parts: [number[], number[], number] | null;
}

function stratifyOf({ n, classes, labels, kind }: Case): StratifyLabels | undefined {
  const oneHot = labels.flatMap((label) => Array.from({ length: classes }, (_, i) => Number(i === label)));
  switch (kind) {
    case 'none':
      return undefined;
    case 'vector':
      return labels;
    case 'text':
      return labels.map((label) => ['é𝒳', 'Z', 'a', 'aa', '~'][label]);
    case 'bool':
      return ndarray('bool', [n, classes], Uint8Array.from(oneHot));
    case 'float32':
      return ndarray('float32', [n, classes], Float32Array.from(oneHot));
    case 'int64':
      return ndarray('int64', [n, classes], BigInt64Array.from(oneHot, BigInt));
    default:
      return ndarray(
        'float64',
        [n, classes],
        Float64Array.from(oneHot, (value) => value / 3),
      );
  }
}

describe('sklearn.model_selection.train_test_split', () => {
  it('makes the same 220 splits from the global state: parts, order, errors, next draw', async () => {
    const cases = JSON.parse(await runPython([join(root, 'test/fixtures/sklearn/splits.py')])) as Case[];
    for (const one of cases) {
      random.seed(one.seed);
      const items = Array.from({ length: one.n }, (_, i) => i);
      const options: SplitOptions = {
        testSize: one.options.test_size,
        trainSize: one.options.train_size,
        stratify: stratifyOf(one),
      };
      const where = `seed ${one.seed}, ${one.kind}, ${JSON.stringify(one.options)}`;
      if (one.parts === null) expect(() => trainTestSplit(items, options), where).toThrow(ValueError);
      else expect([...trainTestSplit(items, options), random.randomSample()], where).toEqual(one.parts);
    }
    expect(cases.filter(({ parts }) => parts === null).length).toBeGreaterThan(20);
    expect(cases.filter(({ parts, kind }) => parts !== null && kind !== 'none').length).toBeGreaterThan(60);
  });

  it('does not change the global state if it gets a seed or a generator', () => {
    random.seed(1);
    const state = random.getState();
    const [a, b] = [splitIndices(50, { randomState: 9 }), splitIndices(50, { randomState: new RandomState(9) })];
    expect(a).toEqual(b);
    expect(random.getState()).toEqual(state);
  });

  it('without shuffling the first samples are the training part', () => {
    expect(splitIndices(5, { testSize: 2, shuffle: false })).toEqual({ train: [0, 1, 2], test: [3, 4] });
  });

  it.each<[string, number, SplitOptions, RegExp]>([
    ['nothing to split', 0, {}, /would be empty/],
    ['a fraction of 1.5', 10, { testSize: 1.5 }, /testSize is 1.5; expected a fraction/],
    ['a negative size', 10, { trainSize: -1 }, /trainSize is -1/],
    ['NaN', 10, { testSize: Number.NaN }, /testSize is NaN/],
    ['more than there are', 10, { testSize: 6, trainSize: 6 }, /more than the 10/],
    ['a class of one member', 4, { testSize: 2, stratify: [0, 0, 0, 1] }, /only 1 member/],
    [
      'more classes than test samples',
      6,
      { testSize: 1, stratify: [0, 0, 1, 1, 2, 2] },
      /test_size = 1 should be greater or equal to the number of classes = 3/,
    ],
    ['other labels than samples', 4, { stratify: [0, 0] }, /2 labels for 4 samples/],
    ['NaN labels', 4, { stratify: [0, 0, Number.NaN, 1] }, /is NaN/],
    ['stratified without shuffling', 4, { shuffle: false, stratify: [0, 0, 1, 1] }, /shuffle=False/],
  ])('%s is a ValueError', (_, n, options, message) => {
    expect(() => splitIndices(n, options)).toThrow(message);
    expect(() => splitIndices(n, options)).toThrow(ValueError);
  });
});
