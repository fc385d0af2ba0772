import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ndarray } from '../../../src/lib/numpy/ndarray.ts';
import { RandomState } from '../../../src/lib/numpy/random.ts';
import { ValueError } from '../../../src/lib/python/errors.ts';
import { calibrationCurve, expectedCalibrationError } from '../../../src/lib/sklearn/calibration.ts';
import {
  averagePrecisionScore,
  columnOf,
  confusionMatrix,
  f1Score,
  fullRocCurve,
  type Indicator,
  precisionRecallCurve,
  precisionRecallFscoreSupport,
  rocAucScore,
} from '../../../src/lib/sklearn/metrics.ts';
import { runPython } from '../../python.ts';
import { root } from '../../shared_data.ts';
import { floatHex } from '../numpy/plain.ts';

const state = new RandomState(11);

/** Truth and scores of many sizes: ties, classes that never occur, perfect and useless scores. */
const cases = Array.from({ length: 120 }, (_, i) => {
  const [samples, classes] = [2 + state.randint(i < 100 ? 60 : 3000), 1 + state.randint(5)];
  const digits = [1, 2, 8][i % 3];
  const truth = Array.from({ length: samples }, () =>
    Array.from({ length: classes }, (_, j) => Number(state.randomSample() < (j === 4 ? 0 : 0.3))),
  );
  const scores = truth.map((row) =>
    row.map((label) => Number((label * 0.3 + state.randomSample() * 0.7).toFixed(digits))),
  );
  return { truth, scores };
});

const curve = (parts: () => readonly ArrayLike<number>[]): string[][] | string => {
  try {
    return parts().map((part) => Array.from(part, floatHex));
  } catch (error) {
    expect(error).toBeInstanceOf(ValueError);
    return 'ValueError';
  }
};

const attempt = (score: () => number): string => {
  try {
    return floatHex(score());
  } catch (error) {
    expect(error).toBeInstanceOf(ValueError);
    return 'ValueError';
  }
};

const argmax = (row: number[]): number => row.indexOf(Math.max(...row));

describe('sklearn.metrics', () => {
  it('the scores, roc_curve, precision_recall_curve, calibration_curve and confusion_matrix are equal to the last bit', async () => {
    const program = join(root, 'test/fixtures/sklearn/metrics.py');
    const expected = JSON.parse(await runPython([program], { input: JSON.stringify(cases) }));
    const found = cases.map(({ truth, scores }) => {
      const [rows, columns] = [truth.length, truth[0].length];
      const flat = { truth: Float64Array.from(truth.flat()), scores: Float64Array.from(scores.flat()) };
      const prediction: Indicator = {
        rows,
        columns,
        data: Uint8Array.from(flat.scores, (score) => Number(score >= 0.5)),
      };
      const indicator: Indicator = { rows, columns, data: Uint8Array.from(flat.truth) };
      const entry = {
        auc: Array.from({ length: columns }, (_, i) =>
          attempt(() => rocAucScore(columnOf(flat.truth, columns, i), columnOf(flat.scores, columns, i))),
        ),
        f1: attempt(() => f1Score(ndarray('float64', [rows, columns], flat.truth), prediction)),
      };
      const curves = Array.from({ length: columns }, (_, i) => {
        const [own, prob] = [columnOf(flat.truth, columns, i), columnOf(flat.scores, columns, i)];
        return {
          averagePrecision: attempt(() => averagePrecisionScore(own, prob)),
          precisionRecall: curve(() => {
            const { x, y, thresholds } = precisionRecallCurve(own, prob);
            return [y, x, thresholds];
          }),
          roc: curve(() => {
            const { x, y, thresholds } = fullRocCurve(own, prob);
            return [x, y, thresholds];
          }),
          calibration: curve(() => {
            const bins = calibrationCurve(own, prob);
            return [bins.map(({ observed }) => observed), bins.map(({ predicted }) => predicted)];
          }),
        };
      });
      if (columns === 1) return { ...entry, curves };
      return {
        ...entry,
        curves,
        scores: precisionRecallFscoreSupport(indicator, prediction).map((s) =>
          [s.precision, s.recall, s.f1, s.support].map(floatHex),
        ),
        confusion: confusionMatrix(truth.map(argmax), scores.map(argmax), columns),
      };
    });
    expect(found).toEqual(expected);
    const aucs = found.flatMap(({ auc }) => auc);
    expect(aucs.filter((auc) => auc === 'ValueError').length).toBeGreaterThan(5);
    expect(aucs.filter((auc) => auc !== 'ValueError').length).toBeGreaterThan(200);
  });

  it('the expected calibration error weighs bins by their samples', () => {
    // Two bins: 0.05 predicted and 0.5 observed of 2 samples, 0.9 and 1 of 1.
    const bins = calibrationCurve([0, 1, 1], [0.05, 0.05, 0.9]);
    expect(bins.map(({ samples }) => samples)).toEqual([2, 1]);
    expect(expectedCalibrationError(bins)).toBeCloseTo((2 * 0.45 + 0.1) / 3, 12);
    expect(() => calibrationCurve([0], [1.5])).toThrow(/probability 0 is 1.5; expected 0 … 1/);
  });

  it.each<[string, () => unknown, RegExp]>([
    ['NaN scores', () => rocAucScore([0, 1], [Number.NaN, 1]), /score 0 is NaN/],
    ['infinite scores', () => rocAucScore([0, 1], [0, Number.POSITIVE_INFINITY]), /score 1 is Infinity/],
    ['one class', () => rocAucScore([1, 1], [0, 1]), /Only one class present/],
    ['no samples', () => rocAucScore([], []), /Only one class present/],
    ['labels that are not 0 and 1', () => rocAucScore([0, 2], [0, 1]), /a label is 2/],
    ['lengths', () => rocAucScore([0, 1], [0]), /2 labels for 1 scores/],
    ['a class that is not there', () => confusionMatrix([0, 3], [0, 0], 2), /sample 1 has the classes 3 and 0/],
    [
      'fractional truth',
      () =>
        f1Score(ndarray('float64', [1, 2], Float64Array.of(0.5, 1)), { rows: 1, columns: 2, data: new Uint8Array(2) }),
      /a label is 0.5/,
    ],
  ])('%s are a ValueError', (_, call, message) => {
    expect(call).toThrow(message);
    expect(call).toThrow(ValueError);
  });
});
