import { beforeAll, describe, expect, it } from 'vitest';
import { benchmarkScores } from '../../src/lib/benchmark_scores.ts';
import { bootstrapScores } from '../../src/lib/bootstrap.ts';
import { type NdArray, ndarray } from '../../src/lib/numpy/ndarray.ts';
import { RandomState } from '../../src/lib/numpy/random.ts';
import { auc, f1, fMax } from '../../src/port/transplant/evaluation.ts';
import { runPython } from '../python.ts';

const [records, classes] = [150, 6];

/** Labels of which every record has one or more, and probabilities with ties. */
function draw(seed: number): { yTrue: NdArray; yProb: NdArray } {
  const random = new RandomState(seed);
  const truth = new Float64Array(records * classes);
  const prob = new Float64Array(records * classes);
  for (let i = 0; i < records; i++) {
    truth[i * classes + (i % classes)] = 1;
    for (let j = i * classes; j < (i + 1) * classes; j++) {
      if (random.randomSample() < 0.1) truth[j] = 1;
      prob[j] = Math.round(50 * (0.4 * truth[j] + 0.6 * random.randomSample())) / 50;
    }
  }
  return { yTrue: ndarray('float64', [records, classes], truth), yProb: ndarray('float64', [records, classes], prob) };
}

const program = `import json, sys
import numpy as np
from sklearn.metrics import f1_score, roc_auc_score
y, p, resamples, seed = json.load(sys.stdin)
y, p = np.array(y), np.array(p)
def f_max(y, p):
    best = -1
    for t in np.linspace(0, 1, 100):
        chosen = p >= t
        hits, any_chosen = (chosen & (y == 1)).sum(1), chosen.sum(1) > 0
        if any_chosen.any():
            precision, recall = np.mean(hits[any_chosen] / chosen.sum(1)[any_chosen]), np.mean(hits / y.sum(1))
            if precision + recall > 0:
                best = max(best, 2 * precision * recall / (precision + recall))
    return best
def scores(rows):
    return [roc_auc_score(y[rows], p[rows], average="macro"), f_max(y[rows], p[rows])]
random, drawn = np.random.RandomState(seed), []
while len(drawn) < resamples:
    rows = random.randint(0, len(y), len(y))
    if y[rows].any(axis=0).all():
        drawn.append(rows)
values = np.array([scores(rows) for rows in drawn])
summary = [scores(np.arange(len(y))), values.mean(0), np.quantile(values, 0.05, axis=0), np.quantile(values, 0.95, axis=0)]
winner = (p == p.max(axis=1, keepdims=True)).astype(int)
print(json.dumps({"scores": np.transpose(summary).tolist(), "drawn": np.array(drawn).ravel().tolist(),
    "f1": f1_score(y, winner, average=None).tolist()}))`;

const rowsOf = ({ shape, data }: NdArray): number[][] =>
  Array.from({ length: shape[0] }, (_, i) => Array.from(data.slice(i * shape[1], (i + 1) * shape[1]), Number));

const { yTrue, yProb } = draw(5);
let python: { scores: number[][]; drawn: number[]; f1: number[] };
beforeAll(async () => {
  const input = JSON.stringify([rowsOf(yTrue), rowsOf(yProb), 40, 11]);
  python = JSON.parse(await runPython(['-c', program], { input }));
});

describe('scores of the PTB-XL benchmark', () => {
  it('macro AUC and Fmax, their resamples, means and 90 % intervals are those of scikit-learn and NumPy', () => {
    const { macroAuc, fMax: best, drawn } = benchmarkScores(yTrue, yProb, { resamples: 40, seed: 11 });
    expect(Array.from(drawn.data, Number)).toEqual(python.drawn);
    for (const [i, { point, mean, lower, upper }] of [macroAuc, best].entries()) {
      [point, mean, lower, upper].forEach((value, k) => {
        expect(Math.abs(value - python.scores[i][k])).toBeLessThan(1e-12);
      });
      expect(lower).toBeLessThan(upper);
    }
  });

  it('give what transplant.evaluation.auc and f_max give', () => {
    const { macroAuc, fMax: best } = benchmarkScores(yTrue, yProb, { resamples: 1 });
    expect(macroAuc.point).toBeCloseTo(auc(yTrue, yProb), 13);
    expect(best.point).toBeCloseTo(fMax(yTrue, yProb)[0], 13);
  });

  it('refuse a class without records, and sets of which no draw has every class', () => {
    const none = ndarray('float64', [2, 2], Float64Array.from([1, 0, 1, 0]));
    expect(() => benchmarkScores(none, none)).toThrow(/class 0 occurs in 2 of 2 records/);
    const identity = Float64Array.from({ length: 900 }, (_, i) => Number(i % 31 === 0));
    const each = ndarray('float64', [30, 30], identity);
    expect(() => benchmarkScores(each, each)).toThrow(/none of 1000 draws of 30 records has all 30 classes/);
  });
});

describe('bootstrapScores with fMax and f1Of', () => {
  it('gives Fmax and the mean F1 of the chosen classes, with intervals', () => {
    const {
      fMax: best,
      f1Of,
      perClass,
      ...rest
    } = bootstrapScores(yTrue, yProb, { resamples: 60, fMax: true, f1Of: [1, 0, 4] });
    expect(best!.value).toBeCloseTo(fMax(yTrue, yProb)[0], 13);
    expect(best!.low).toBeLessThan(best!.value);
    expect(best!.high).toBeGreaterThan(best!.value);
    expect(f1Of!.value).toBeCloseTo((python.f1[1] + python.f1[0] + python.f1[4]) / 3, 13);
    expect(f1Of!.low).toBeLessThan(f1Of!.high);
    expect(rest.macroF1.value).toBeCloseTo(f1(yTrue, yProb), 13);
    const plain = bootstrapScores(yTrue, yProb, { resamples: 60 });
    expect(plain).toEqual({ ...rest, perClass });
  });

  it('leaves Fmax undefined if a sample has no label', () => {
    const data = Float64Array.from(yTrue.data as Float64Array).fill(0, 0, classes);
    const scores = bootstrapScores(ndarray('float64', [records, classes], data), yProb, { resamples: 3, fMax: true });
    expect(scores.fMax!.value).toBeNaN();
  });
});
