import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { toFloat64 } from '../../../src/lib/numpy/convert.ts';
import { type DType, type NdArray, zeros } from '../../../src/lib/numpy/ndarray.ts';
import { DataFrame, toCsv } from '../../../src/lib/pandas/csv.ts';
import {
  auc,
  challenge2020Metrics,
  f1,
  fMax,
  macroPrecisionRecall,
  multiF1,
} from '../../../src/port/transplant/evaluation.ts';
import { createPredictionsFrame } from '../../../src/port/transplant/utils/predictions.ts';
import { isMulticlass, padSequences, runningMeanStd } from '../../../src/port/transplant/utils.ts';
import { runPython } from '../../python.ts';
import { root } from '../../shared_data.ts';

interface Outcome {
  readonly error?: string;
  readonly columns?: readonly string[];
  readonly values?: string | readonly string[];
}

interface Found {
  readonly arrays: Record<string, { dtype: DType; shape: number[]; data: (number | boolean)[] }>;
  readonly outcomes: Record<string, Outcome>;
}

const script = join(root, 'test/fixtures/error_types/outcomes.py');
const found = JSON.parse(await runPython([script, join(root, 'original')])) as Found;
const arrays = new Map<string, NdArray>(
  Object.entries(found.arrays).map(([name, { dtype, shape, data }]) => {
    const made = zeros(dtype, shape) as { data: { [index: number]: number | bigint } };
    data.forEach((value, i) => {
      made.data[i] = dtype === 'int64' ? BigInt(value) : Number(value);
    });
    return [name, made as unknown as NdArray];
  }),
);

type Result = ArrayLike<number> | DataFrame;

const thresholds = [0, 0.25, 0.5, 0.75];
const classWeights = [1, 2, 0.5];
const classNames: Readonly<Record<string, string[]>> = {
  abc: ['a', 'b', 'c'],
  aab: ['a', 'a', 'b'],
  ab: ['a', 'b'],
  none: [],
};

/** The port's functions by the name of their twin, called with the arrays. */
const functions: Readonly<Record<string, (a: NdArray, b: NdArray, second: string) => Result>> = {
  auc: (a, b) => [auc(a, b)],
  f1: (a, b) => [f1(a, b)],
  multi_f1: (a, b) => [multiF1(a, b)],
  f_max: (a, b) => fMax(a, b),
  macro_precision_recall: (a, b) => macroPrecisionRecall(a, b, thresholds).flatMap((values) => [...values]),
  challenge2020_metrics: (a, b) => Object.values(challenge2020Metrics(a, b)),
  'challenge2020_metrics, weights': (a, b) => Object.values(challenge2020Metrics(a, b, { classWeights })),
  'create_predictions_frame, y_true': (a, b) => createPredictionsFrame(a, { yTrue: b }),
  'create_predictions_frame, y_pred': (a, b) => createPredictionsFrame(a, { yPred: b }),
  'create_predictions_frame, names': (a, _, second) =>
    createPredictionsFrame(a, { yTrue: a, classNames: classNames[second] }),
  is_multiclass: (a) => [Number(isMulticlass(a))],
  running_mean_std: (a) => runningMeanStd([a, a]),
  ...Object.fromEntries(
    ['None', '0', '1', '2', '5'].flatMap((length) =>
      (['pre', 'post'] as const).map((padding) => [
        `pad_sequences, ${length}, ${padding}`,
        (a: NdArray) => toFloat64(padSequences([a, a], length === 'None' ? undefined : Number(length), padding)),
      ]),
    ),
  ),
};

/** Where the port deliberately does otherwise, or an argument cannot be given to it; see docs/divergences.md. */
const otherwise: readonly RegExp[] = [
  // Quirk Q61: the port refuses two classes of one name.
  /^create_predictions_frame, names\|.*\|aab$/,
];

function outcomeOf(call: () => Result): Outcome {
  try {
    const result = call();
    if (result instanceof DataFrame) return { columns: [...result.columns.keys()], values: toCsv(result) };
    return { values: Array.from(result, String) };
  } catch (error) {
    return { error: (error as Error).name };
  }
}

/** Numbers that agree to the last bit, whatever their text. */
function comparable({ error, columns, values }: Outcome): unknown {
  if (error !== undefined) return error;
  if (typeof values !== 'string') return values!.map((value) => Number(value.replace('inf', 'Infinity')));
  return { columns, values: values.replaceAll('\r\n', '\n').trim() };
}

describe('wrong ranks, sizes and types', () => {
  it.each(Object.keys(functions))('%s: the outcome, and the type of the error, of Python', (name) => {
    const keys = Object.keys(found.outcomes).filter(
      (key) => key.startsWith(`${name}|`) && !otherwise.some((pattern) => pattern.test(key)),
    );
    expect(keys.length).toBeGreaterThan(50);
    const different = keys.flatMap((key) => {
      const [, first, second = ''] = key.split('|');
      const wanted = comparable(found.outcomes[key]);
      const got = comparable(outcomeOf(() => functions[name](arrays.get(first)!, arrays.get(second)!, second)));
      return isDeepStrictEqual(got, wanted) ? [] : [{ key, got, wanted }];
    });
    expect(different.slice(0, Number(process.env.SHOWN ?? 5))).toEqual([]);
  });

  it('two classes of one name are refused', () => {
    const prob = arrays.get('float64 4x3')!;
    expect(() => createPredictionsFrame(prob, { classNames: ['a', 'a', 'b'] })).toThrow(/two columns are named prob_a/);
  });
});

describe('readers of collections', () => {
  it('original/: the outcome of odd arguments is that of the published code', async () => {
    const fixture = join(root, 'test/fixtures/error_types/reader_outcomes');
    const published = JSON.parse(readFileSync(`${fixture}.json`, 'utf8')) as Record<string, unknown>;
    const ours = JSON.parse(await runPython([`${fixture}.py`, join(root, 'original')])) as Record<string, unknown>;
    expect(Object.keys(published).length).toBeGreaterThan(100);
    expect(ours).toEqual(published);
  });
});
