import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { InputError } from '../../../src/errors.ts';
import { astype } from '../../../src/lib/numpy/convert.ts';
import { type DType, type NdArray, ndarray, sizeOf } from '../../../src/lib/numpy/ndarray.ts';
import { RandomState } from '../../../src/lib/numpy/random.ts';
import { toCsv } from '../../../src/lib/pandas/csv.ts';
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
import { proves } from '../../proofs/proves.ts';
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

/** Arrays or specifications, in the form that the Python side reads. */
type Structure =
  | { readonly shape: readonly (number | null)[]; readonly dtype: DType }
  | readonly Structure[]
  | { readonly dict: readonly (readonly [string, Structure])[] };

const inMaps = (structure: Structure): Spec => {
  if ('shape' in structure) return structure;
  if ('dict' in structure) return new Map(structure.dict.map(([name, part]) => [name, inMaps(part)]));
  return structure.map(inMaps);
};

const x: Structure = { shape: [8, 2048, 1], dtype: 'float32' };
const y: Structure = { shape: [8], dtype: 'int32' };
const specOfX: Structure = { shape: [null, 2048, 1], dtype: 'float32' };
const dict = (...dict: (readonly [string, Structure])[]): Structure => ({ dict });
// Quirk Q5: only the first entry of a dict counts.
const wrongSecond = dict(['a', specOfX], ['b', { shape: [3], dtype: 'int64' }]);

const matches: { o: Structure; spec: Structure; ignore_batch_dim: boolean; outcome: boolean | string | undefined }[] = [
  { o: x, spec: specOfX, ignore_batch_dim: true, outcome: true },
  { o: x, spec: specOfX, ignore_batch_dim: false, outcome: false },
  { o: x, spec: { shape: [8, 2048, 1], dtype: 'float64' }, ignore_batch_dim: false, outcome: false },
  { o: [x, y], spec: [specOfX, { shape: [null], dtype: 'int32' }], ignore_batch_dim: true, outcome: true },
  { o: [x, y], spec: [specOfX, { shape: [null], dtype: 'int64' }], ignore_batch_dim: true, outcome: false },
  { o: dict(['a', x], ['b', y]), spec: wrongSecond, ignore_batch_dim: true, outcome: true },
  { o: dict(), spec: dict(), ignore_batch_dim: false, outcome: undefined },
  { o: x, spec: [specOfX], ignore_batch_dim: false, outcome: 'ValueError' },
  { o: [x], spec: [specOfX, specOfX], ignore_batch_dim: false, outcome: 'ValueError' },
  { o: x, spec: wrongSecond, ignore_batch_dim: false, outcome: 'ValueError' },
  { o: dict(['a', x]), spec: wrongSecond, ignore_batch_dim: false, outcome: 'ValueError' },
];

const buffered: { items: number; list: boolean; size: number; lists: number[][] }[] = [
  {
    items: 4,
    list: false,
    size: 2,
    lists: [
      [0, 1],
      [1, 2],
      [2, 3],
    ],
  },
  { items: 4, list: false, size: 9, lists: [[0, 1, 2, 3]] },
  { items: 4, list: false, size: 0, lists: [[0, 1, 2, 3]] },
  { items: 0, list: true, size: 3, lists: [[]] },
  // Quirk Q7: a list is started over.
  {
    items: 3,
    list: true,
    size: 2,
    lists: [
      [0, 1],
      [1, 0],
      [0, 1],
      [1, 2],
    ],
  },
];

const signals = randomArray('float32', [4, 8, 1]);
const pickles = ['packed.pkl', 'plain.pkl'].map((name, i) => ({ path: join(folder, name), compress: i === 0 }));

let python: {
  pad: unknown[];
  frame: unknown[];
  mean_std: unknown[];
  multiclass: boolean[];
  buffered: number[][][];
  matches: (boolean | string | null)[];
  pickled: unknown[];
};

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
    buffered,
    matches,
    pickled: pickles.map(({ path, compress }) => [path, compress]),
  };
  for (const { path, compress } of pickles) await savePkl(path, { x: signals, classes: ['a', 'b'] }, { compress });
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
    proves('transplant.utils.pad_sequences');
    const found = pads.map(({ x, max_len, padding }) =>
      attempt(() => plain(padSequences(x, max_len ?? undefined, padding))),
    );
    expect(found).toEqual(python.pad);
    expect(found.filter((one) => one === 'ValueError').length).toBeGreaterThan(5);
  });

  it('create_predictions_frame and read_predictions: bytes, values, dtypes, errors', () => {
    proves('transplant.utils.create_predictions_frame', 'transplant.utils.read_predictions');
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
    proves('transplant.utils.running_mean_std');
    const found = sums.map(({ x, dtype }) => attempt(() => runningMeanStd(x, dtype ?? undefined).map(floatHex)));
    expect(found).toEqual(python.mean_std);
    expect(
      runningMeanStd([ndarray('int8', [4], Int8Array.of(0, 1, 2, 3)), ndarray('int8', [3], Int8Array.of(0, 1, 2))]),
    ).toEqual([1.2857142857142858, 1.0301575072754254]);
  });

  it('is_multiclass', () => {
    proves('transplant.utils.is_multiclass');
    expect(multiclass.map(isMulticlass)).toEqual(python.multiclass);
    expect(new Set(python.multiclass).size).toBe(2);
  });

  it('buffered_generator', () => {
    proves('transplant.utils.buffered_generator');
    const found = buffered.map(({ items, list, size }) => {
      const source = Array.from({ length: items }, (_, i) => i);
      return [...bufferedGenerator(list ? source : source.values(), size)];
    });
    expect(found).toEqual(buffered.map(({ lists }) => lists));
    expect(found).toEqual(python.buffered);
    const [first, second] = bufferedGenerator([1, 2, 3, 4].values(), 3);
    expect(first).not.toBe(second);
  });

  it('matches_spec', () => {
    proves('transplant.utils.matches_spec');
    const found = matches.map(({ o, spec, ignore_batch_dim: ignoreBatchDim }) =>
      attempt(() => matchesSpec(inMaps(o) as Nested, inMaps(spec), ignoreBatchDim)),
    );
    expect(found).toEqual(matches.map(({ outcome }) => outcome));
    expect(found.map((outcome) => outcome ?? null)).toEqual(python.matches);
  });

  it('save_pkl and load_pkl, with and without compression: each side reads what the other wrote', async () => {
    proves('transplant.utils.load_pkl', 'transplant.utils.save_pkl');
    expect(python.pickled).toEqual(pickles.map(() => [['x', 'classes'], plain(signals), ['a', 'b']]));
    const values = new Map<string, unknown>([
      ['x', signals],
      ['classes', ['a', 'b']],
    ]);
    for (const { path } of pickles) {
      expect(await loadPkl(path)).toEqual(values);
      expect(await loadPkl(`${path}.python`)).toEqual(values);
    }
  });
});
