import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.ts';
import { astype } from '../../../src/lib/numpy/convert.ts';
import { type DType, type NdArray, ndarray, sizeOf } from '../../../src/lib/numpy/ndarray.ts';
import { RandomState } from '../../../src/lib/numpy/random.ts';
import { toCsv } from '../../../src/lib/pandas/csv.ts';
import { ValueError } from '../../../src/lib/python/errors.ts';
import {
  bufferedGenerator,
  createPredictionsFrame,
  isMulticlass,
  loadPkl,
  matchesSpec,
  type Nested,
  padSequences,
  readPredictions,
  runningMeanStd,
  type Spec,
  savePkl,
} from '../../../src/port/transplant/utils.ts';
import { floatHex, plain } from '../../lib/numpy/plain.ts';
import { runPython } from '../../python.ts';
import { root } from '../../shared_data.ts';

const state = new RandomState(21);
const folder = mkdtempSync(join(tmpdir(), 'utils-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function randomArray(dtype: DType, shape: number[], scale = 10): NdArray {
  const values = Float64Array.from({ length: sizeOf(shape) }, () => (state.randomSample() - 0.3) * scale);
  return astype(ndarray('float64', shape, values), dtype);
}

const probabilities = (dtype: DType, shape: number[]): NdArray =>
  astype(ndarray('float64', shape, state.randomSample(sizeOf(shape))), dtype);
const labels = (dtype: DType, shape: number[], below = 2): NdArray =>
  astype(ndarray('float64', shape, Float64Array.from(state.randint(0, below, sizeOf(shape)))), dtype);
const forPython = (array: NdArray) => {
  const { dtype, shape, data } = plain(array);
  return { dtype, shape, data: dtype === 'bool' ? data.map((text) => text === 'True') : data };
};

const pads: { x: NdArray[]; max_len: number | null; padding: 'pre' | 'post' }[] = [
  ...(['pre', 'post'] as const).flatMap((padding) =>
    [null, 5, 2, 0].flatMap((max_len) =>
      [
        [
          [3, 1],
          [7, 1],
          [5, 1],
        ],
        [
          [4, 2],
          [4, 2],
        ],
        [
          [0, 2],
          [3, 2],
        ],
        [[1], [0]],
        [[0], [0]],
        [[2], [2]],
      ].map((shapes) => ({
        x: shapes.map((shape, i) => randomArray(i % 2 ? 'float64' : 'float32', shape)),
        max_len,
        padding,
      })),
    ),
  ),
  { x: [randomArray('int16', [3]), randomArray('int16', [2])], max_len: 4, padding: 'pre' },
  { x: [], max_len: null, padding: 'pre' },
  { x: [randomArray('float32', [3, 1]), randomArray('float32', [3, 2])], max_len: 4, padding: 'pre' },
  { x: [randomArray('float32', [3])], max_len: null, padding: 'both' as 'pre' },
];

interface FrameCase {
  y_prob: NdArray;
  y_true?: NdArray;
  y_pred?: NdArray;
  classes?: string[];
  ids?: (string | number)[];
}

const frames: FrameCase[] = [
  { y_prob: probabilities('float32', [20, 4]) },
  { y_prob: probabilities('float32', [20, 4]), y_true: labels('int64', [20], 4), classes: ['A', 'N', 'O', '~'] },
  { y_prob: probabilities('float64', [5, 3]), y_true: labels('bool', [5, 3]), ids: ['a', 'b,c', '"', 'd', 'é'] },
  {
    y_prob: probabilities('float32', [5, 3]),
    y_true: labels('int32', [5, 3]),
    y_pred: labels('bool', [5, 3]),
    ids: [1, 2, 3, 4, 5],
  },
  { y_prob: probabilities('float32', [6]), y_true: labels('int64', [6]), y_pred: labels('int64', [6]) },
  { y_prob: probabilities('float64', [6, 1]), y_true: labels('float64', [6, 2]), y_pred: labels('bool', [6]) },
  { y_prob: probabilities('float32', [1, 4]), classes: ['x', 'y'] },
  { y_prob: probabilities('float32', [1, 4]), classes: ['a', 'b', 'c', 'd'] },
  { y_prob: probabilities('float32', [1, 1]) },
  { y_prob: probabilities('float32', [6, 1]), classes: ['x'] },
  { y_prob: probabilities('float32', [4, 3]), y_true: labels('int64', [5], 3) },
  { y_prob: probabilities('float32', [4, 3]), y_true: ndarray('int64', [4], BigInt64Array.of(0n, 1n, 2n, 3n)) },
  { y_prob: probabilities('float32', [4, 3]), y_true: ndarray('int64', [4], BigInt64Array.of(0n, 1n, -1n, 2n)) },
  { y_prob: probabilities('float32', [4, 3]), y_true: labels('float64', [4], 3) },
  { y_prob: probabilities('float32', [4, 3]), y_true: labels('bool', [4]) },
  { y_prob: probabilities('float32', [3, 3]), y_true: ndarray('bool', [3], Uint8Array.of(1, 0, 1)) },
  { y_prob: probabilities('float32', [4, 3]), y_pred: labels('int64', [4, 2]) },
  { y_prob: probabilities('float32', [4, 3]), ids: [1, 2] },
  { y_prob: ndarray('float32', [2, 2], Float32Array.of(1e-5, 1, 0.0001, Number.NaN)) },
];

const sums: { x: NdArray[]; dtype: 'float32' | 'float64' | null }[] = [
  null,
  'float32' as const,
  'float64' as const,
].flatMap((dtype) => [
  {
    x: [ndarray('float64', [4], Float64Array.of(0, 1, 2, 3)), ndarray('float64', [3], Float64Array.of(0, 1, 2))],
    dtype,
  },
  { x: [], dtype },
  ...(['float64', 'float32', 'float16', 'int16', 'uint8', 'int64', 'int32'] as const).map((kind) => ({
    x: [5, 2048, 9001].map((size) => astype(randomArray('float64', [size], 80), kind)),
    dtype,
  })),
  { x: [ndarray('bool', [3], Uint8Array.of(1, 0, 1))], dtype },
]);

const multiclass = [
  labels('bool', [6, 3]),
  ndarray('bool', [2, 2], Uint8Array.of(1, 0, 0, 1)),
  ndarray('int64', [2, 2], BigInt64Array.of(1n, 0n, 0n, 0n)),
  ndarray('float32', [1, 3], Float32Array.of(0, 0, 0)),
  labels('int64', [6, 1]),
  labels('int64', [6]),
  ndarray('float32', [2, 3], Float32Array.of(0.1, 0.2, 0.7, 0.3, 0.3, 0.4)),
];

let python: { pad: unknown[]; frame: unknown[]; mean_std: unknown[]; multiclass: boolean[] };

beforeAll(async () => {
  const input = {
    pad: pads.map(({ x, ...rest }) => ({ ...rest, x: x.map(forPython) })),
    frame: frames.map((one) =>
      Object.fromEntries(
        Object.entries(one).map(([key, value]) => [key, Array.isArray(value) ? value : forPython(value)]),
      ),
    ),
    mean_std: sums.map(({ x, dtype }) => ({ x: x.map(forPython), dtype })),
    multiclass: multiclass.map(forPython),
  };
  python = JSON.parse(
    await runPython([join(root, 'test/fixtures/transplant/utils_cases.py')], { input: JSON.stringify(input) }),
  );
}, 120_000);

function attempt<T>(call: () => T): T | string {
  try {
    return call();
  } catch (error) {
    return (error as Error).name;
  }
}

describe('transplant.utils', () => {
  it('pad_sequences', () => {
    const found = pads.map(({ x, max_len, padding }) =>
      attempt(() => plain(padSequences(x, max_len ?? undefined, padding))),
    );
    expect(found).toEqual(python.pad);
    expect(found.filter((one) => one === 'ValueError').length).toBeGreaterThan(5);
  });

  it('create_predictions_frame and read_predictions: bytes, values, dtypes, errors', () => {
    const found = frames.map((one) =>
      attempt(() => {
        const csv = toCsv(
          createPredictionsFrame(one.y_prob, {
            yTrue: one.y_true,
            yPred: one.y_pred,
            classNames: one.classes,
            recordIds: one.ids,
          }),
        );
        const path = join(folder, 'predictions.csv');
        writeFileSync(path, csv);
        const { classes, yTrue, yPred, yProb } = readPredictions(path);
        const arrays = Object.entries({ y_true: yTrue, y_pred: yPred, y_prob: yProb }).filter(([, array]) => array);
        return { csv, read: { ...Object.fromEntries(arrays.map(([key, array]) => [key, plain(array!)])), classes } };
      }),
    );
    expect(found).toEqual(python.frame);
    expect(found.filter((one) => typeof one === 'object').length).toBeGreaterThan(7);
  });

  it('read_predictions refuses columns without numbers', () => {
    const path = join(folder, 'bad.csv');
    writeFileSync(path, 'prob_A,prob_B\n0.5,x\n');
    expect(() => readPredictions(path)).toThrow(/column prob_B: a column of predictions does not hold numbers/);
    writeFileSync(path, 'true_A,true_B,prob_A,prob_B\nTrue,1,0,0\n');
    expect(() => readPredictions(path)).toThrow(InputError);
  });

  it('running_mean_std, to the last bit', () => {
    const found = sums.map(({ x, dtype }) => attempt(() => runningMeanStd(x, dtype ?? undefined).map(floatHex)));
    expect(found).toEqual(python.mean_std);
    expect(
      runningMeanStd([ndarray('int8', [4], Int8Array.of(0, 1, 2, 3)), ndarray('int8', [3], Int8Array.of(0, 1, 2))]),
    ).toEqual([1.2857142857142858, 1.0301575072754254]);
  });

  it('is_multiclass', () => {
    expect(multiclass.map(isMulticlass)).toEqual(python.multiclass);
    expect(new Set(python.multiclass).size).toBe(2);
  });

  it('buffered_generator', () => {
    const lists = (source: Iterable<number>, size: number) => [...bufferedGenerator(source, size)];
    const generator = function* () {
      yield* [1, 2, 3, 4];
    };
    expect(lists(generator(), 2)).toEqual([
      [1, 2],
      [2, 3],
      [3, 4],
    ]);
    expect(lists(generator(), 9)).toEqual([[1, 2, 3, 4]]);
    expect(lists(generator(), 0)).toEqual([[1, 2, 3, 4]]);
    expect(lists([], 3)).toEqual([[]]);
    // Quirk Q7: an array is started over.
    expect(lists([1, 2, 3], 2)).toEqual([
      [1, 2],
      [2, 1],
      [1, 2],
      [2, 3],
    ]);
    const [first, second] = lists(generator(), 3);
    expect(first).not.toBe(second);
  });

  it('matches_spec', () => {
    const [x, y] = [
      ndarray('float32', [8, 2048, 1], new Float32Array(16384)),
      ndarray('int32', [8], new Int32Array(8)),
    ];
    const specOfX = { shape: [null, 2048, 1], dtype: 'float32' as const };
    expect(matchesSpec(x, specOfX, true)).toBe(true);
    expect(matchesSpec(x, specOfX)).toBe(false);
    expect(matchesSpec(x, { shape: [8, 2048, 1], dtype: 'float64' })).toBe(false);
    expect(matchesSpec([x, y], [specOfX, { shape: [null], dtype: 'int32' }], true)).toBe(true);
    expect(matchesSpec([x, y], [specOfX, { shape: [null], dtype: 'int64' }], true)).toBe(false);
    // Quirk Q5: only the first entry of a map counts.
    const wrongSecond = new Map<string, Spec>([
      ['a', specOfX],
      ['b', { shape: [3], dtype: 'int64' as const }],
    ]);
    expect(
      matchesSpec(
        new Map<string, Nested>([
          ['a', x],
          ['b', y],
        ]),
        wrongSecond,
        true,
      ),
    ).toBe(true);
    expect(matchesSpec(new Map(), new Map())).toBeUndefined();
    const misfits: [Nested, Spec][] = [
      [x, [specOfX]],
      [[x], [specOfX, specOfX]],
      [x, wrongSecond],
      [new Map([['a', x]]), wrongSecond],
    ];
    for (const [o, spec] of misfits) expect(() => matchesSpec(o, spec)).toThrow(ValueError);
  });

  it('save_pkl and load_pkl, with and without compression', async () => {
    const x = randomArray('float32', [4, 8, 1]);
    const paths = ['packed.pkl', 'plain.pkl'].map((name) => join(folder, name));
    for (const [i, path] of paths.entries()) {
      await savePkl(path, { x, classes: ['a', 'b'] }, { compress: i === 0 });
      expect(await loadPkl(path)).toEqual(
        new Map<string, unknown>([
          ['x', x],
          ['classes', ['a', 'b']],
        ]),
      );
    }
    const program = `import sys; from transplant.utils import load_pkl
for path, compress in zip(sys.argv[1:], (True, False)):
    d = load_pkl(path, compress=compress); print(list(d), d["x"].dtype, d["x"].shape, d["classes"])`;
    const line = "['x', 'classes'] float32 (4, 8, 1) ['a', 'b']";
    expect((await runPython(['-c', program, ...paths])).trim().split('\n')).toEqual([line, line]);
  }, 120_000);
});
