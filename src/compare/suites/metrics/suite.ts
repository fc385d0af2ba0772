import type { MetricCall, MetricResult } from '../../../bridge/original_metrics.ts';
import { astype, toFloat64 } from '../../../lib/numpy/convert.ts';
import { type NdArray, ndarray } from '../../../lib/numpy/ndarray.ts';
import { RandomState } from '../../../lib/numpy/random.ts';
import { columnOf } from '../../../lib/sklearn/metrics.ts';
import { chooseThreshold, thresholdRule } from '../../../lib/thresholds.ts';
import {
  auc,
  challenge2020Metrics,
  f1,
  fMax,
  macroPrecisionRecall,
  multiF1,
} from '../../../port/transplant/evaluation.ts';
import { exactly, type Pair, type Row, sameText, vector } from '../../closeness.ts';
import type { Suite, SuiteCase, SuiteContext } from '../../suite.ts';
import { int64, outcomeOf } from '../shared/data_cases.ts';
import { callbackCases } from './callbacks.ts';

const name = 'metrics';

/** A metric on both sides. */
export interface MetricPair {
  readonly title: string;
  readonly call: MetricCall;
  readonly port: (yTrue: NdArray, yProb: NdArray) => readonly number[];
}

const grid = [0, 0.1, 0.25, 0.3, 0.5, 0.6, 0.9, 1, 2];

/** Metrics of truth and scores. */
export const scoreMetrics: readonly MetricPair[] = [
  { title: 'auc', call: { name: 'auc' }, port: (t, p) => [auc(t, p)] },
  { title: 'f1', call: { name: 'f1' }, port: (t, p) => [f1(t, p)] },
  { title: 'multi_f1', call: { name: 'multi_f1' }, port: (t, p) => [multiF1(t, p)] },
  { title: 'f_max', call: { name: 'f_max' }, port: (t, p) => fMax(t, p) },
  {
    title: 'macro_precision_recall',
    call: { name: 'macro_precision_recall', options: { thresholds: grid } },
    port: (t, p) => macroPrecisionRecall(t, p, grid).flatMap((values) => Array.from(values)),
  },
];

/** Options that `scoreMetrics` leave at their defaults. */
const optionMetrics: readonly MetricPair[] = [
  {
    title: 'f1 at one threshold',
    call: { name: 'f1', options: { multiclass: true, threshold: 0.3 } },
    port: (t, p) => [f1(t, p, { multiclass: true, threshold: 0.3 })],
  },
  {
    title: 'f1 without multiclass ignores thresholds (Quirk Q10)',
    call: { name: 'f1', options: { threshold: 0.9 } },
    port: (t, p) => [f1(t, p, { threshold: 0.9 })],
  },
  {
    title: 'f_max of few thresholds',
    call: { name: 'f_max', options: { thresholds: grid } },
    port: (t, p) => fMax(t, p, grid),
  },
];

/** Metrics of truth and decisions. */
const decisionMetrics: readonly MetricPair[] = [
  {
    title: 'challenge2020_metrics',
    call: { name: 'challenge2020_metrics' },
    port: (t, d) => betas(challenge2020Metrics(t, d)),
  },
  {
    title: 'challenge2020_metrics, other betas, single labels',
    call: { name: 'challenge2020_metrics', options: { beta_f: 1, beta_g: 3, single: true } },
    port: (t, d) => betas(challenge2020Metrics(t, d, { betaF: 1, betaG: 3, single: true })),
  },
  {
    title: 'challenge2020_metrics with class weights',
    call: { name: 'challenge2020_metrics', options: { class_weights: [0.5, 2] } },
    port: (t, d) => betas(challenge2020Metrics(t, d, { classWeights: [0.5, 2] })),
  },
];

function betas({ fBeta, gBeta }: { fBeta: number; gBeta: number }): number[] {
  return [fBeta, gBeta];
}

/** Truth and scores under a name that finds them again. */
interface Scored {
  readonly title: string;
  readonly yTrue: NdArray;
  readonly yProb: NdArray;
}

/** Rows of several metrics over several inputs: their results, and which calls raise which exception. */
export async function sameMetrics(
  { original }: SuiteContext,
  suite: string,
  inputs: readonly Scored[],
  metrics: readonly MetricPair[],
): Promise<Row[]> {
  const pairs = metrics.map((): Pair[] => []);
  const [ours, theirs]: [string[], string[]] = [[], []];
  for (const { title, yTrue, yProb } of inputs) {
    const results = await original.metrics.evaluate(
      yTrue,
      yProb,
      metrics.map(({ call }) => call),
    );
    for (const [i, metric] of metrics.entries()) {
      const port = await outcomeOf(() => metric.port(yTrue, yProb));
      const result = results[i];
      ours.push(`${title}, ${metric.title}: ${'error' in port ? port.error : 'a number'}`);
      theirs.push(`${title}, ${metric.title}: ${wordOf(result)}`);
      if ('value' in port && 'values' in result) {
        pairs[i].push({ name: title, port: numbers(port.value), original: numbers(result.values) });
      }
    }
  }
  const rows = metrics.flatMap(({ title }, i) =>
    pairs[i].length === 0 ? [] : [exactly(suite, `${title}: ${pairs[i].length} inputs`, pairs[i])],
  );
  return [...rows, sameText(suite, `which of ${ours.length} calls fail, and how`, ours.join('\n'), theirs.join('\n'))];
}

/** The sign of a NaN depends on the processor, and text does not carry it. */
function numbers(values: readonly number[]): NdArray {
  return vector(values.map((value) => (Number.isNaN(value) ? Number.NaN : value)));
}

function wordOf(result: MetricResult): string {
  return 'error' in result ? result.error : 'a number';
}

/** Single and several labels, ties, absent classes, unlabelled samples, one class, one sample, exact thresholds, long sums. */
function hardInputs(random: RandomState, count: number): Scored[] {
  return Array.from({ length: count }, (_, i) => {
    const samples = i % 10 === 9 ? 3000 + random.randint(3000) : 1 + random.randint(i % 4 ? 50 : 400);
    const classes = 1 + random.randint(i % 5 ? 6 : 12);
    const several = i % 3 === 0;
    const truth = new Float64Array(samples * classes);
    const prob = new Float64Array(samples * classes);
    for (let row = 0; row < samples; row++) {
      const label = random.randint(classes);
      for (let column = 0; column < classes; column++) {
        const position = row * classes + column;
        const isTrue = column === label || (several && random.randomSample() < 0.3);
        truth[position] = isTrue ? 1 : 0;
        const score = 0.25 * truth[position] + 0.75 * random.randomSample();
        prob[position] = i % 2 ? Math.round(score * 10) / 10 : score;
      }
    }
    if (i % 5 === 0) truth.fill(0, 0, classes);
    if (i % 7 === 0 && classes > 1) for (let row = 0; row < samples; row++) truth[row * classes + 1] = 0;
    const dtype = (['bool', 'int64', 'float64', 'float32'] as const)[i % 4];
    return {
      title: `input ${i} (${samples} × ${classes}, ${several ? 'several labels' : 'one label'}, ${dtype})`,
      yTrue: astype(ndarray('float64', [samples, classes], truth), dtype),
      yProb: astype(ndarray('float64', [samples, classes], prob), i % 3 ? 'float32' : 'float64'),
    };
  });
}

/** Scores that are not probabilities, and shapes that do not match. */
function oddInputs(): { readonly odd: Scored[]; readonly misfits: Scored[] } {
  const matrix = (rows: number[][], dtype: 'float32' | 'float64' = 'float64'): NdArray =>
    astype(ndarray('float64', [rows.length, rows[0].length], Float64Array.from(rows.flat())), dtype);
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
  const replaced = (value: number, dtype: 'float32' | 'float64' = 'float64'): NdArray => {
    const changed = Array.from({ length: 4 }, (_, row) =>
      Array.from({ length: 3 }, (_unused, column) =>
        (row + column) % 3 === 0 ? value : Number(prob.data[row * 3 + column]),
      ),
    );
    return matrix(changed, dtype);
  };
  const odd = [
    { title: 'check values', yTrue: truth, yProb: prob },
    { title: 'NaN', yTrue: truth, yProb: replaced(Number.NaN) },
    { title: 'NaN, float32', yTrue: truth, yProb: replaced(Number.NaN, 'float32') },
    { title: 'infinity', yTrue: truth, yProb: replaced(Number.POSITIVE_INFINITY) },
    { title: 'minus infinity', yTrue: truth, yProb: replaced(Number.NEGATIVE_INFINITY) },
    { title: 'minus zero', yTrue: truth, yProb: replaced(-0) },
    { title: 'logits', yTrue: truth, yProb: replaced(-7.5) },
    { title: 'all scores equal', yTrue: truth, yProb: matrix(Array.from({ length: 4 }, () => [0.5, 0.5, 0.5])) },
    { title: 'class indices', yTrue: int64([0, 1, 2, 0]), yProb: prob },
    { title: 'negative class indices', yTrue: int64([-1, 1, 2, 0]), yProb: prob },
    { title: 'a class index too high', yTrue: int64([3, 1, 2, 0]), yProb: prob },
    { title: 'no labels at all', yTrue: matrix(Array.from({ length: 4 }, () => [0, 0, 0])), yProb: prob },
    { title: 'every label', yTrue: matrix(Array.from({ length: 4 }, () => [1, 1, 1])), yProb: prob },
  ];
  const misfits = [
    {
      title: 'two shapes',
      yTrue: matrix([
        [1, 0, 0],
        [0, 1, 0],
      ]),
      yProb: prob,
    },
    { title: 'one sample of truth', yTrue: matrix([[1, 0, 1]]), yProb: prob },
    { title: 'one class of truth', yTrue: matrix([[1], [0], [1], [1]]), yProb: prob },
    { title: 'one class of scores', yTrue: truth, yProb: matrix([[0.7], [0.4], [0.3], [0.1]]) },
    { title: 'one sample of scores', yTrue: truth, yProb: matrix([[0.7, 0.2, 0.1]]) },
    { title: 'a vector of scores', yTrue: truth, yProb: vector([0.1, 0.2, 0.7]) },
  ];
  return { odd, misfits };
}

function decided({ title, yTrue, yProb }: Scored): Scored {
  const data = BigInt64Array.from(Array.from(yProb.data, Number), (value) => (value >= 0.5 ? 1n : 0n));
  return { title, yTrue, yProb: ndarray('int64', yProb.shape, data) };
}

const hardCase: SuiteCase = {
  name: 'hard inputs',
  on: {},
  quick: true,
  run: async (context) => {
    const inputs = hardInputs(new RandomState([context.seed, 9]), 40);
    // The original adds in a Python loop over samples, so long inputs test nothing more.
    const short = inputs.filter(({ yTrue }) => yTrue.shape[0] < 500);
    return [
      ...(await sameMetrics(context, name, inputs, [...scoreMetrics, ...optionMetrics])),
      ...(await sameMetrics(context, name, short.map(decided), decisionMetrics)),
    ];
  },
};

const thresholdCase: SuiteCase = {
  name: 'a threshold for each class',
  on: {},
  quick: true,
  run: async (context) => {
    const inputs = hardInputs(new RandomState([context.seed, 10]), 30);
    const rows: Row[] = [];
    for (const classes of new Set(inputs.map(({ yProb }) => yProb.shape[1]))) {
      const threshold = Array.from({ length: classes }, (_, i) => (1 + i) / 10);
      const metric: MetricPair = {
        title: `f1 at ${classes} thresholds`,
        call: { name: 'f1', options: { multiclass: true, threshold } },
        port: (t, p) => [f1(t, p, { multiclass: true, threshold })],
      };
      const fitting = inputs.filter(({ yProb }) => yProb.shape[1] === classes);
      rows.push(...(await sameMetrics(context, name, fitting, [metric])));
    }
    return rows;
  },
};

const rules = ['f1', 'youden', 'sensitivity=0.95', 'sensitivity=0.5', 'sensitivity=1'];

const chosenCase: SuiteCase = {
  name: 'thresholds chosen on validation records',
  on: {},
  quick: true,
  run: async ({ original, seed }) => {
    const inputs = hardInputs(new RandomState([seed, 11]), 40).filter(({ yTrue }) => yTrue.shape[0] < 500);
    const pairs = rules.map((): Pair[] => []);
    for (const { title, yTrue, yProb } of inputs) {
      const [classes, truth, prob] = [yProb.shape[1], toFloat64(yTrue), toFloat64(yProb)];
      const theirs = await original.metrics.chosenThresholds(yTrue, yProb, rules);
      for (const [i, rule] of rules.entries()) {
        const ours = Array.from({ length: classes }, (_, k) => {
          const [labels, scores] = [truth, prob].map((values) => columnOf(values, classes, k));
          return chooseThreshold(thresholdRule(rule)!, labels, scores) ?? -1;
        });
        pairs[i].push({ name: title, port: vector(ours), original: vector(theirs[i]) });
      }
    }
    return rules.map((rule, i) => exactly(name, `thresholds by ${rule}: ${inputs.length} inputs`, pairs[i]));
  },
};

const oddCase: SuiteCase = {
  name: 'NaN, infinities, class indices, shapes that do not fit',
  on: {},
  quick: true,
  run: async (context) => {
    const { odd, misfits } = oddInputs();
    return [
      ...(await sameMetrics(context, name, odd, [...scoreMetrics, ...optionMetrics])),
      ...(await sameMetrics(context, name, misfits, scoreMetrics)),
    ];
  },
};

/** Metrics of predictions, and the decisions that callbacks base on them during training. */
export const metrics: Suite = {
  name,
  summary: 'every function of transplant.evaluation to the last bit, and the decisions that follow from scores',
  cases: [hardCase, thresholdCase, chosenCase, oddCase, ...callbackCases],
};
