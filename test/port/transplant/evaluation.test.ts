import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bootstrapScores } from '../../../src/lib/bootstrap.ts';
import { astype } from '../../../src/lib/numpy/convert.ts';
import { type NdArray, ndarray } from '../../../src/lib/numpy/ndarray.ts';
import { RandomState } from '../../../src/lib/numpy/random.ts';
import { IndexError, ValueError } from '../../../src/lib/python/errors.ts';
import {
  auc,
  challenge2020Metrics,
  f1,
  fMax,
  macroPrecisionRecall,
  multiF1,
} from '../../../src/port/transplant/evaluation.ts';
import { readPredictions } from '../../../src/port/transplant/utils.ts';
import { floatHex } from '../../lib/numpy/plain.ts';
import { proves } from '../../proofs/proves.ts';
import { runPython } from '../../python.ts';
import { haveSharedData, root, sharedData } from '../../shared_data.ts';

const matrix = (rows: number[][]): NdArray<'float64'> =>
  ndarray('float64', [rows.length, rows[0].length], Float64Array.from(rows.flat()));

const state = new RandomState(5);

interface Case {
  truth: number[][];
  prob: number[][];
  dtype: 'bool' | 'int64' | 'float64' | 'float32';
  prob_dtype: 'float32' | 'float64';
}

/** Single-label and multi-label truth, ties, absent classes, unlabelled samples, one class, one sample. */
const cases: Case[] = Array.from({ length: 80 }, (_, i) => {
  const [samples, classes] = [1 + state.randint(i % 4 ? 50 : 400), 1 + state.randint(6)];
  const truth = Array.from({ length: samples }, () => {
    const label = state.randint(classes);
    return Array.from({ length: classes }, (_, j) =>
      Number(j === label || (i % 3 === 0 && state.randomSample() < 0.3)),
    );
  });
  if (i % 5 === 0) truth[0].fill(0);
  const prob = truth.map((row) =>
    row.map((value) => Number((0.25 * value + 0.75 * state.randomSample()).toFixed(i % 2 ? 1 : 12))),
  );
  return {
    truth,
    prob,
    dtype: (['bool', 'int64', 'float64', 'float32'] as const)[i % 4],
    prob_dtype: i % 3 ? 'float32' : 'float64',
  };
});

function attempt(call: () => unknown): unknown {
  try {
    return plain(call());
  } catch (error) {
    return (error as Error).name;
  }
}

function plain(value: unknown): unknown {
  if (typeof value === 'number') return floatHex(value);
  if (Array.isArray(value) || value instanceof Float64Array) return Array.from(value as unknown[], plain);
  const { fBeta, gBeta } = value as { fBeta: number; gBeta: number };
  return { F_beta: floatHex(fBeta), G_beta: floatHex(gBeta) };
}

describe('transplant.evaluation', () => {
  it('auc, f1, multi_f1, f_max, macro_precision_recall, challenge2020_metrics to the last bit', async () => {
    proves('transplant.evaluation.auc', 'transplant.evaluation.f1', 'transplant.evaluation.multi_f1');
    proves('transplant.evaluation.f_max', 'transplant.evaluation.macro_precision_recall');
    proves('transplant.evaluation.challenge2020_metrics');
    const program = join(root, 'test/fixtures/transplant/evaluation_cases.py');
    const expected = JSON.parse(await runPython([program], { input: JSON.stringify(cases) }));
    const found = cases.map(({ truth, prob, dtype, prob_dtype }) => {
      const [yTrue, yProb] = [astype(matrix(truth), dtype), astype(matrix(prob), prob_dtype)];
      const indices = ndarray(
        'int64',
        [truth.length],
        BigInt64Array.from(truth, (row) => BigInt(row.indexOf(Math.max(...row)))),
      );
      const decision = ndarray(
        'int64',
        yProb.shape,
        BigInt64Array.from(yProb.data, (p) => BigInt(p >= 0.5)),
      );
      const classes = prob[0].length;
      return {
        auc: attempt(() => auc(yTrue, yProb)),
        f1: attempt(() => f1(yTrue, yProb)),
        f1_indices: attempt(() => f1(indices, yProb)),
        multi_f1: attempt(() => multiF1(yTrue, yProb)),
        f1_threshold: attempt(() => f1(yTrue, yProb, { multiclass: true, threshold: 0.3 })),
        f1_thresholds: attempt(() =>
          f1(yTrue, yProb, { multiclass: true, threshold: Array.from({ length: classes }, (_, j) => (1 + j) / 10) }),
        ),
        f_max: attempt(() => fMax(yTrue, yProb)),
        macro: attempt(() => macroPrecisionRecall(yTrue, yProb, [0, 0.3, 0.6, 0.9, 2])),
        challenge: attempt(() => challenge2020Metrics(yTrue, decision)),
        challenge_single: attempt(() =>
          challenge2020Metrics(yTrue, decision, { betaF: 1, betaG: 3, classWeights: [0.5, 2], single: true }),
        ),
      };
    });
    expect(found).toEqual(expected);
    expect(found.filter((one) => one.auc === 'ValueError').length).toBeGreaterThan(3);
    expect(found.filter((one) => one.f_max === 'ValueError').length).toBeGreaterThan(3);
  }, 120_000);

  const truth = matrix([
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
    [1, 0, 0],
  ]);
  const prob = matrix([
    [0.7, 0.2, 0.1],
    [0.4, 0.4, 0.2],
    [0.3, 0.5, 0.2],
    [0.1, 0.8, 0.1],
  ]);

  it('the check values of the specification', () => {
    expect(f1(truth, prob)).toBe(0.3333333333333333);
    expect(f1(ndarray('int64', [4], BigInt64Array.of(0n, 1n, 2n, 0n)), prob)).toBe(0.3333333333333333);
    expect(f1(truth, prob, { multiclass: true })).toBe(0.2222222222222222);
    expect(f1(truth, prob, { multiclass: true, threshold: [0.1, 0.4, 0.15] })).toBe(0.611111111111111);
    expect(auc(truth, prob)).toBe(0.5555555555555556);
    const [p, r] = macroPrecisionRecall(truth, prob, [0, 0.3, 0.6, 0.9]);
    expect([[...p], [...r]]).toEqual([
      [1 / 3, 0.375, 0.5, Number.NaN],
      [1, 0.5, 0.25, 0],
    ]);
    expect(fMax(truth, prob)).toEqual([0.5, 0]);
    const [t, d] = [
      matrix([
        [1, 1, 0],
        [0, 1, 0],
        [0, 0, 1],
        [1, 0, 1],
      ]),
      matrix([
        [1, 0, 0],
        [0, 1, 1],
        [0, 0, 1],
        [1, 1, 0],
      ]),
    ];
    expect(challenge2020Metrics(t, d)).toEqual({ fBeta: 0.7638888888888888, gBeta: 0.5777777777777777 });
    expect(challenge2020Metrics(t, d, { classWeights: [1, 2, 0] })).toEqual({ fBeta: 0.7777777777777777, gBeta: 0.6 });
  });

  it('NaN probabilities predict nothing', () => {
    const nan = matrix([
      [Number.NaN, 0.2, 0.1],
      [Number.NaN, Number.NaN, Number.NaN],
    ]);
    expect(
      f1(
        matrix([
          [1, 0, 0],
          [0, 1, 0],
        ]),
        nan,
      ),
    ).toBe(0);
  });

  it.each<[string, () => unknown, new (...args: never[]) => Error]>([
    ['auc of a vector', () => auc(truth, ndarray('float64', [3], new Float64Array(3))), ValueError],
    ['auc of two shapes', () => auc(matrix([[1, 0]]), prob), ValueError],
    ['auc with NaN', () => auc(truth, matrix(Array.from({ length: 4 }, () => [Number.NaN, 0, 0]))), ValueError],
    [
      'f1 of indices with multiclass',
      () => f1(ndarray('int8', [4], new Int8Array(4)), prob, { multiclass: true }),
      ValueError,
    ],
    [
      'f1 with a class index that is not there',
      () => f1(ndarray('int8', [4], Int8Array.of(0, 1, 2, 3)), prob),
      IndexError,
    ],
    ['f_max with an unlabelled sample', () => fMax(matrix([[0, 0]]), matrix([[0.5, 0.5]])), ValueError],
  ])('%s is an error', (_, call, kind) => {
    expect(call).toThrow(kind);
  });

  describe.skipIf(!haveSharedData)('published figures', () => {
    it.each([
      ['af', 'test', 0.7361224341147975, 0.7299115717838178, 0.9431832723110818, 0.8515929830554336, 20],
      ['af', 'val', 0.7449580928989472, 0.7209574690130873, 0.9407384821553233, 0.8651031725826116, 25],
      ['beat', 'test', 0.7363092239280915, 0.7247526121411166, 0.9439700572876202, 0.8533451184713631, 26],
      ['beat', 'val', 0.7146458047523224, 0.7102125221973993, 0.9416640372695293, 0.8505996345574799, 28],
      ['rhythm', 'test', 0.7077099640846096, 0.7085519966336407, 0.9353338600202965, 0.8476027080305379, 23],
      ['hr', 'test', 0.7250877549790594, 0.7089927842451393, 0.9411105364577431, 0.8467110056591857, 20],
      ['beat_random', 'test', 0.7110824093186333, 0.7046362652402803, 0.938857889633943, 0.8464717099149393, 29],
      ['ptbxl', 'test', 0.34088040135188563, 0.34002013290642213, 0.8819779486619915, 0.9068254623855748, 27],
      ['ptbxl_random', 'test', 0.36170576887478095, 0.344183746362208, 0.9120591017013143, 0.9150593660072857, 24],
      ['ptbxl_random', 'val', 0.42569641788496154, 0.3306915105794985, null, 0.9195252012091052, 18],
    ] as const)('%s %s, to the last bit', (job, part, macroF1, atHalf, macroAuc, best, step) => {
      const { yTrue, yProb } = readPredictions(
        join(sharedData, 'published', `${job}_classification`, `${part}_predictions.csv`),
      );
      expect(f1(yTrue!, yProb!)).toBe(macroF1);
      expect(multiF1(yTrue!, yProb!)).toBe(atHalf);
      if (macroAuc === null) expect(() => auc(yTrue!, yProb!)).toThrow(/Only one class present/);
      else expect(auc(yTrue!, yProb!)).toBe(macroAuc);
      const [score, threshold] = fMax(yTrue!, yProb!);
      expect([score, Math.round(threshold * 99)]).toEqual([best, step]);
      const scores = bootstrapScores(yTrue!, yProb!, { resamples: 50 });
      expect(Math.abs(scores.macroF1.value - macroF1)).toBeLessThan(1e-14);
      expect(scores.macroF1.low).toBeLessThan(macroF1);
      expect(scores.macroF1.high).toBeGreaterThan(macroF1);
    });
  });
});
