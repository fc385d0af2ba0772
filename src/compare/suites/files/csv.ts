import { join } from 'node:path';
import type { PredictionArrays } from '../../../bridge/original_files.ts';
import { CSVLogger, type Logs } from '../../../lib/keras/callbacks.ts';
import { astype } from '../../../lib/numpy/convert.ts';
import { bytesOf, type DType, type NdArray, ndarray, sizeOf } from '../../../lib/numpy/ndarray.ts';
import { RandomState } from '../../../lib/numpy/random.ts';
import { toCsv } from '../../../lib/pandas/csv.ts';
import { writeFileAtomic } from '../../../lib/python/atomic_file.ts';
import { createPredictionsFrame, readPredictions } from '../../../port/transplant/utils.ts';
import { exactly, type Pair, type Row, sameText } from '../../closeness.ts';
import type { SuiteCase, SuiteContext } from '../../suite.ts';
import { asBytes, bytesOfFile, outcomeOf, unlessRefused, wordFor } from '../shared/data_cases.ts';

const name = 'files';

/** A table of predictions: its arrays and texts. */
interface Table {
  readonly title: string;
  readonly arrays: PredictionArrays;
  readonly classes?: readonly string[];
  readonly ids?: readonly (string | number)[];
}

/**
 * Tables with probabilities of every magnitude in both float types, truth in every dtype, binary and single columns, and names that need
 * quoting.
 */
function tables(random: RandomState): Table[] {
  const spread = (dtype: 'float32' | 'float64', rows: number, columns: number): NdArray => {
    const values = Float64Array.from(random.randomSample(rows * columns), (value, i) => value ** (1 + (i % 40)));
    return astype(ndarray('float64', [rows, columns], values), dtype);
  };
  const labels = (dtype: DType, shape: readonly number[], below = 2): NdArray =>
    astype(ndarray('float64', shape, Float64Array.from(random.randint(0, below, sizeOf(shape)))), dtype);
  const special = Float32Array.of(
    0,
    1,
    1e-4,
    9.999e-5,
    1e-45,
    3.4e38,
    1e16,
    9.99e15,
    Number.NaN,
    Infinity,
    -Infinity,
    -0,
    -0.5,
    -3e-7,
    1.00005e-4,
    1.5e16,
    // The exact digits of these end in a tie.
    2_097_152.25,
    2_097_153.75,
  );
  const names = ['A', 'N', 'O', '~'];
  const records = Array.from({ length: 1500 }, (_, i) => `A${String(i).padStart(5, '0')}`);
  return [
    {
      title: 'Challenge 2017',
      arrays: { y_prob: spread('float32', 1500, 4), y_true: labels('bool', [1500, 4]) },
      classes: names,
      ids: records,
    },
    {
      title: 'PTB-XL',
      arrays: {
        y_prob: spread('float32', 400, 12),
        y_true: labels('int32', [400, 12]),
        y_pred: labels('bool', [400, 12]),
      },
      ids: Array.from({ length: 400 }, (_, i) => 21_837 - i),
    },
    { title: 'float64', arrays: { y_prob: spread('float64', 500, 3), y_true: labels('float64', [500, 3]) } },
    {
      title: 'class indices',
      arrays: { y_prob: spread('float32', 300, 4), y_true: labels('int64', [300], 4) },
      classes: names,
    },
    {
      title: 'class indices beyond the classes',
      arrays: { y_prob: spread('float32', 300, 4), y_true: labels('int64', [300], 1000) },
    },
    {
      title: 'one column of probabilities',
      arrays: { y_prob: spread('float32', 50, 1), y_true: labels('int64', [50]) },
    },
    {
      title: 'odd numbers',
      arrays: { y_prob: ndarray('float32', [9, 2], special) },
      ids: ['a,b', '"', 'é', '𝒳', '', ' x ', '7', '8', '9'],
    },
    { title: 'names to be quoted', arrays: { y_prob: spread('float32', 3, 2) }, classes: ['a,b', 'c"d'] },
    { title: 'one record (Quirk Q2)', arrays: { y_prob: spread('float32', 1, 2), y_true: labels('int64', [1, 2]) } },
    { title: 'one record of four classes (Quirk Q2)', arrays: { y_prob: spread('float32', 1, 4) }, classes: names },
    { title: 'too few names', arrays: { y_prob: spread('float32', 3, 4) }, classes: ['A'] },
    { title: 'truth of another shape', arrays: { y_prob: spread('float32', 3, 4), y_true: labels('int64', [3, 2]) } },
    {
      title: 'the smallest normal numbers, float32',
      arrays: { y_prob: ndarray('float32', [3, 2], Float32Array.from([-126, -125, -127].flatMap(powers))) },
    },
    {
      title: 'the smallest normal numbers, float64',
      arrays: { y_prob: ndarray('float64', [3, 2], Float64Array.from([-1022, -1021, -1023].flatMap(powers))) },
    },
    { title: 'float class indices', arrays: { y_prob: spread('float32', 3, 4), y_true: labels('float64', [3], 4) } },
  ];
}

/** A power of two and its negative. */
function powers(exponent: number): number[] {
  return [2 ** exponent, -(2 ** exponent)];
}

/** Columns as users edit them: whole numbers at the edges of the types that pandas chooses, and beyond. */
const editedColumns: readonly (readonly string[])[] = [
  ['-9223372036854775808', '5'],
  ['-9223372036854775809', '5'],
  ['9223372036854775807', '-1'],
  ['9223372036854775808', '1'],
  ['9223372036854775808', '-1'],
  ['18446744073709551615', '0'],
  ['18446744073709551616', '0'],
  ['7', ''],
  ['-9223372036854775809', '0.5'],
];

const editedCase: SuiteCase = {
  name: 'prediction CSVs with whole numbers of any size',
  on: {},
  quick: true,
  run: async ({ original, scratch }) => {
    const found: [string[], string[]] = [[], []];
    const pairs: Pair[] = [];
    for (const cells of editedColumns) {
      const file = join(scratch, 'edited.csv');
      writeFileAtomic(file, Buffer.from(['prob_a,true_a', ...cells.map((cell) => `0.5,${cell}`), ''].join('\n')));
      const ours = await outcomeOf(() => unlessRefused(() => readPredictions(file)));
      const theirs = await outcomeOf(() => original.files.readPredictions(file));
      // Columns that are no numbers are objects in pandas, which cannot be sent; the port refuses them.
      const outcomes = [ours, theirs].map((one) =>
        'value' in one ? (one.value.yTrue?.dtype ?? 'absent') : 'no numbers',
      );
      for (const side of [0, 1] as const) found[side].push(`${cells.join(' and ')}: ${outcomes[side]}`);
      if (!('value' in ours && 'value' in theirs && ours.value.yTrue && theirs.value.yTrue)) continue;
      pairs.push({ name: cells.join(' and '), port: ours.value.yTrue, original: theirs.value.yTrue });
    }
    return [
      exactly(name, `${pairs.length} columns of whole numbers as read`, pairs),
      sameText(name, 'types of columns of whole numbers', found[0].join('\n'), found[1].join('\n')),
    ];
  },
};

function portCsv({ arrays, classes, ids }: Table): Uint8Array {
  const { y_prob, y_true, y_pred } = arrays;
  const frame = createPredictionsFrame(y_prob, { yTrue: y_true, yPred: y_pred, classNames: classes, recordIds: ids });
  return Buffer.from(toCsv(frame));
}

/** Arrays of a prediction file as both sides read it. */
export async function sameReading(
  { original }: SuiteContext,
  suite: string,
  title: string,
  file: string,
): Promise<Row[]> {
  const [ours, theirs] = [readPredictions(file), await original.files.readPredictions(file)];
  const pairs: Pair[] = [];
  const found: [string[], string[]] = [[], []];
  for (const key of ['yTrue', 'yPred', 'yProb'] as const) {
    found[0].push(`${key}: ${ours[key] ? 'there' : 'absent'}`);
    found[1].push(`${key}: ${theirs[key] ? 'there' : 'absent'}`);
    if (ours[key] && theirs[key]) pairs.push({ name: key, port: ours[key], original: theirs[key] });
  }
  return [
    exactly(suite, `${title}: numbers as read`, pairs),
    sameText(
      suite,
      `${title}: columns as read`,
      [...found[0], ...ours.classes].join('\n'),
      [...found[1], ...theirs.classes].join('\n'),
    ),
  ];
}

const predictionCase: SuiteCase = {
  name: 'prediction CSVs, written and read',
  on: {},
  quick: true,
  run: async (context) => {
    const { original, scratch, seed } = context;
    const rows: Row[] = [];
    const outcomes: [string[], string[]] = [[], []];
    for (const [i, table] of tables(new RandomState([seed, 20])).entries()) {
      const texts = {
        ...(table.classes ? { class_names: table.classes } : {}),
        ...(table.ids ? { record_ids: table.ids } : {}),
      };
      const theirs = await outcomeOf(() => original.files.predictionsCsv(table.arrays, texts));
      const ours = await outcomeOf(() => portCsv(table));
      outcomes[0].push(`${table.title}: ${wordFor(ours)}`);
      outcomes[1].push(`${table.title}: ${wordFor(theirs)}`);
      if (!('value' in ours && 'value' in theirs)) continue;
      const pair = { name: 'bytes', port: asBytes(ours.value), original: theirs.value };
      const bytes = exactly(name, `${table.title}: bytes of the CSV`, [pair]);
      rows.push(bytes);
      if (!bytes.passed) continue;
      const file = join(scratch, `${i}.csv`);
      writeFileAtomic(file, bytesOf(theirs.value));
      rows.push(...(await sameReading(context, name, table.title, file)));
    }
    return [
      ...rows,
      sameText(name, 'which tables are refused, and how', outcomes[0].join('\n'), outcomes[1].join('\n')),
    ];
  },
};

const historyCase: SuiteCase = {
  name: 'history.csv',
  on: {},
  quick: true,
  run: async ({ original, scratch, seed }) => {
    const random = new RandomState([seed, 21]);
    const epochs = (keys: readonly string[], count: number, single: boolean): Logs[] =>
      Array.from({ length: count }, (_, epoch) =>
        Object.fromEntries(
          keys.map((key, i) => {
            const value = random.randomSample() ** (1 + ((epoch + i) % 30)) * (epoch % 5 === 0 ? 1e5 : 1);
            return [key, single ? Math.fround(value) : value];
          }),
        ),
      );
    const trainings: Record<string, readonly Logs[]> = {
      'with validation': epochs(['acc', 'loss', 'val_acc', 'val_loss'], 60, true),
      'without validation (Quirk Q38)': epochs(['acc', 'loss'], 60, true),
      'with a score of its own': epochs(['acc', 'loss', 'val_acc', 'val_loss', 'f1'], 30, false),
      'with NaN and infinity': [
        { acc: Number.NaN, loss: Infinity, val_acc: 0, val_loss: -0 },
        { acc: 1, loss: 1e-45, val_acc: 1e16, val_loss: 123_456_789 },
      ],
    };
    const rows: Row[] = [];
    for (const [title, logs] of Object.entries(trainings)) {
      const path = join(scratch, 'history.csv');
      const logger = new CSVLogger(path);
      for (const [epoch, values] of logs.entries()) await logger.onEpochEnd(epoch, { ...values });
      const pair = { name: 'bytes', port: bytesOfFile(path), original: await original.files.historyCsv(logs) };
      rows.push(exactly(name, `history ${title}: bytes of ${logs.length} epochs`, [pair]));
    }
    return rows;
  },
};

/** Cases of the suite `files` about CSV files. */
export const csvCases: readonly SuiteCase[] = [predictionCase, editedCase, historyCase];
