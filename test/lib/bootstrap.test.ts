import { describe, expect, it } from 'vitest';
import { bootstrapDifference, bootstrapScores } from '../../src/lib/bootstrap.ts';
import { type NdArray, ndarray } from '../../src/lib/numpy/ndarray.ts';
import { RandomState } from '../../src/lib/numpy/random.ts';
import { ValueError } from '../../src/lib/python/errors.ts';
import { averagePrecisionScore, columnOf } from '../../src/lib/sklearn/metrics.ts';
import { auc, f1 } from '../../src/port/transplant/evaluation.ts';
import { runPython } from '../python.ts';

const matrix = (rows: number[][]): NdArray<'float64'> =>
  ndarray('float64', [rows.length, rows[0].length], Float64Array.from(rows.flat()));

describe('bootstrap intervals', () => {
  const samples = 300;
  const truth = Array.from({ length: samples }, (_, i) => [Number(i % 3 === 0), Number(i % 3 !== 0)]);
  const draw = new RandomState(3);
  const noisy = (noise: number): NdArray => {
    const rows = truth.map((row) => row[0] * (1 - noise) + draw.randomSample() * noise);
    return matrix(rows.map((p) => [p, 1 - p]));
  };
  const [yTrue, good, poor] = [matrix(truth), noisy(0.7), noisy(0.95)];

  it('contain the value, are seeded, and are narrower at a lower confidence', () => {
    const scores = bootstrapScores(yTrue, good, { resamples: 300, seed: 4 });
    expect(scores).toEqual(bootstrapScores(yTrue, good, { resamples: 300, seed: 4 }));
    expect(scores).not.toEqual(bootstrapScores(yTrue, good, { resamples: 300, seed: 5 }));
    const narrow = bootstrapScores(yTrue, good, { resamples: 300, seed: 4, confidence: 0.5 });
    for (const key of ['accuracy', 'macroF1', 'macroAuc'] as const) {
      const { value, low, high } = scores[key];
      expect(low).toBeLessThan(value);
      expect(high).toBeGreaterThan(value);
      expect(narrow[key].high - narrow[key].low).toBeLessThan(high - low);
    }
    expect(scores.macroAuc.value).toBeCloseTo(auc(yTrue, good), 12);
    expect(scores.macroF1.value).toBeCloseTo(f1(yTrue, good), 12);
    const average = averagePrecisionScore(columnOf(yTrue.data, 2, 0), columnOf(good.data as Float64Array, 2, 0));
    const { averagePrecision } = scores.perClass[0];
    expect(averagePrecision.value).toBeCloseTo(average, 12);
    expect(averagePrecision.low).toBeLessThan(average);
    expect(averagePrecision.high).toBeGreaterThan(average);
  });

  it('agree with numpy.quantile over the same resamples', async () => {
    // Recall of class 0 keeps its denominator in a stratified resample, so the scores can be drawn again by hand.
    const { recall } = bootstrapScores(yTrue, poor, { resamples: 200, seed: 8 }).perClass[0];
    const program = `import sys, json, numpy as np
hits = np.array(json.load(sys.stdin)); r = np.random.RandomState(8); other = 200; scores = []
for _ in range(200):
    scores.append(np.mean([hits[r.randint(len(hits))] for _ in hits])); [r.randint(other) for _ in range(other)]
print(json.dumps([hits.mean(), *np.quantile(scores, [0.025, 0.975])]))`;
    const hits = truth.flatMap((row, i) => (row[0] ? [Number(poor.data[2 * i] >= poor.data[2 * i + 1])] : []));
    const [value, low, high] = JSON.parse(await runPython(['-c', program], { input: JSON.stringify(hits) }));
    expect(recall.value).toBeCloseTo(value, 12);
    expect(recall.low).toBeCloseTo(low, 12);
    expect(recall.high).toBeCloseTo(high, 12);
  });

  it('cover a paired difference', () => {
    const difference = bootstrapDifference(yTrue, poor, good, { resamples: 300 });
    expect(difference.macroAuc.value).toBeCloseTo(auc(yTrue, good) - auc(yTrue, poor), 12);
    expect(difference.macroAuc.low).toBeGreaterThan(0);
    const none = bootstrapDifference(yTrue, good, good, { resamples: 50 });
    expect([none.macroF1.low, none.macroF1.high]).toEqual([0, 0]);
  });

  it('are wider by patient when recordings of a patient are alike, and count undefined resamples', () => {
    const repeated = (array: NdArray): NdArray =>
      ndarray(
        'float64',
        [samples, 2],
        Float64Array.from({ length: 2 * samples }, (_, i) =>
          Number(array.data[2 * (Math.floor(i / 20) * 10) + (i % 2)]),
        ),
      );
    const [t, p] = [repeated(yTrue), repeated(poor)];
    const groups = Array.from({ length: samples }, (_, i) => `patient${Math.floor(i / 10)}`);
    const [single, grouped] = [
      bootstrapScores(t, p, { resamples: 200 }),
      bootstrapScores(t, p, { resamples: 200, groups }),
    ];
    expect(grouped.accuracy.value).toBe(single.accuracy.value);
    expect(grouped.accuracy.high - grouped.accuracy.low).toBeGreaterThan(
      1.5 * (single.accuracy.high - single.accuracy.low),
    );
    const rare = matrix(truth.slice(0, 4).map((_, i) => [Number(i === 0), Number(i !== 0)]));
    const few = bootstrapScores(
      rare,
      matrix([
        [0.9, 0.1],
        [0.2, 0.8],
        [0.3, 0.7],
        [0.1, 0.9],
      ]),
      { resamples: 200, groups: [1, 2, 3, 4] },
    );
    expect(few.macroAuc.undefinedResamples).toBeGreaterThan(20);
    expect(few.macroAuc.low).not.toBeNaN();
  });

  it.each<[string, () => unknown, RegExp]>([
    ['shapes', () => bootstrapScores(yTrue, matrix([[1, 0]])), /expected \(samples, classes\) twice/],
    ['labels', () => bootstrapScores(matrix([[2, 0]]), matrix([[1, 0]])), /a label is 2/],
    ['NaN', () => bootstrapScores(matrix([[1, 0]]), matrix([[Number.NaN, 0]])), /score 0 is NaN/],
    ['resamples', () => bootstrapScores(yTrue, good, { resamples: 0 }), /resamples is 0/],
    ['confidence', () => bootstrapScores(yTrue, good, { confidence: 95 }), /confidence is 95/],
    ['groups', () => bootstrapScores(yTrue, good, { groups: ['a'] }), /1 groups for 300 samples/],
  ])('%s that do not fit are a ValueError', (_, call, message) => {
    expect(call).toThrow(message);
    expect(call).toThrow(ValueError);
  });
});
