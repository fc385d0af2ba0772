import { join } from 'node:path';
import { astype } from '../../../lib/numpy/convert.ts';
import { type NdArray, ndarray } from '../../../lib/numpy/ndarray.ts';
import { RandomState, random } from '../../../lib/numpy/random.ts';
import { arrayRows } from '../../../lib/numpy/rows.ts';
import { writeFileAtomic } from '../../../lib/python/atomic_file.ts';
import { trainTestSplit } from '../../../port/finetuning/utils.ts';
import { parsePatientIds } from '../../../port/pretraining/trainer/patients.ts';
import { exactly, type Pair, sameText, vector } from '../../closeness.ts';
import type { Suite, SuiteCase } from '../../suite.ts';
import { int64, outcomeOf, wordFor } from '../shared/data_cases.ts';
import { trainerCases } from './trainers.ts';

const name = 'splits';

/** Sizes that the trainers and the recipe use, and some that are impossible. */
const sizes: readonly { readonly test_size?: number; readonly train_size?: number }[] = [
  { test_size: 0.2 },
  { test_size: 0.0625 },
  { train_size: 0.25 },
  { test_size: 5 },
  { test_size: 0.3, train_size: 0.4 },
  { train_size: 10, test_size: 8 },
  {},
  { test_size: 3 },
  { test_size: 0.7, train_size: 0.7 },
  { test_size: 500 },
  { train_size: 0.001 },
];

/** Labels of `count` records: none, numbers of classes, one-hot rows in various dtypes, or label rows with few distinct combinations. */
function labels(draws: RandomState, count: number, kind: string): NdArray | undefined {
  if (kind === 'none') return undefined;
  const classes = 2 + draws.randint(4);
  const numbers = draws.randint(0, classes, count);
  // Sometimes a class has a single member and cannot be split.
  if (draws.randint(7) === 0) for (const [i, one] of numbers.entries()) numbers[i] = i === 0 ? 0 : Math.max(one, 1);
  if (kind === 'numbers') return int64(numbers);
  const matrix = Float64Array.from({ length: count * classes }, (_, i) =>
    numbers[Math.floor(i / classes)] === i % classes || (kind === 'several' && i % classes === 0) ? 1 : 0,
  );
  return astype(ndarray('float64', [count, classes], matrix), kind === 'several' ? 'int64' : (kind as 'bool'));
}

const numberCase: SuiteCase = {
  name: 'train_test_split of numbered records',
  on: {},
  quick: true,
  run: async ({ original, seed }) => {
    const draws = new RandomState([seed, 30]);
    const kinds = ['none', 'bool', 'int64', 'float32', 'several', 'numbers'];
    const found: Record<'train' | 'test' | 'next', Pair[]> = { train: [], test: [], next: [] };
    const outcomes: [string[], string[]] = [[], []];
    for (let i = 0; i < 198; i++) {
      const count = 12 + draws.randint(400);
      const kind = kinds[i % kinds.length];
      const size = sizes[i % sizes.length];
      const y = labels(draws, count, kind);
      const label = `${count} records, ${JSON.stringify(size)}, labels ${kind}, seed ${i}`;
      const theirs = await outcomeOf(() => original.data.splitNumbers(count, { seed: i, ...size }, y));
      const ours = await outcomeOf(() => {
        random.seed(i);
        const numbers = int64(Array.from({ length: count }, (_, k) => k));
        const set = { x: arrayRows(numbers), y: numbers, recordIds: Array.from(numbers.data, Number), classes: ['0'] };
        const { test_size: testSize, train_size: trainSize } = size;
        const [train, test] = trainTestSplit(set, { testSize, trainSize, stratify: y });
        return { train: train.y, test: test.y, next: vector([random.randomSample()]) };
      });
      outcomes[0].push(`${label}: ${wordFor(ours)}`);
      outcomes[1].push(`${label}: ${wordFor(theirs)}`);
      if (!('value' in ours && 'value' in theirs)) continue;
      for (const part of ['train', 'test', 'next'] as const) {
        found[part].push({ name: label, port: ours.value[part], original: theirs.value[part] });
      }
    }
    return [
      exactly(name, `training parts of ${found.train.length} splits`, found.train),
      exactly(name, `test parts of ${found.test.length} splits`, found.test),
      exactly(name, `the draw after each of ${found.next.length} splits`, found.next),
      sameText(name, 'which splits are refused', outcomes[0].join('\n'), outcomes[1].join('\n')),
    ];
  },
};

/** `--patients` of pretraining, which upstream does not have. */
const patientCase: SuiteCase = {
  name: 'patients named on the command line of pretraining.trainer',
  on: {},
  quick: true,
  run: async ({ original, scratch }) => {
    const file = join(scratch, 'patients.txt');
    writeFileAtomic(file, '3, 1-2\n10999\r\n1 0007\n');
    const texts = ['10999', '10998-10999', '0-10999', '0-19,25', ' 7, 3\t3 ', '5-5', file];
    const wrong = join(scratch, 'wrong.txt');
    writeFileAtomic(wrong, '1, 2\n11000\n');
    const numbers = ['', ',', '11000', '0-11000', '9-3', '-3', '1-', '1-2-3', '1000000000'];
    const refused = [...numbers, wrong, join(scratch, 'none.txt')];
    const found: Pair[] = [];
    const outcomes: [string[], string[]] = [[], []];
    for (const text of [...texts, ...refused]) {
      const theirs = await outcomeOf(() => original.data.patientIds(text));
      const ours = await outcomeOf(() => int64(parsePatientIds(text)));
      outcomes[0].push(`${text}: ${'error' in ours ? ours.message : 'a list'}`);
      outcomes[1].push(`${text}: ${'error' in theirs ? theirs.message : 'a list'}`);
      if (!('value' in ours && 'value' in theirs)) continue;
      found.push({ name: text, port: ours.value, original: theirs.value });
    }
    return [
      exactly(name, `patients of ${found.length} lists`, found),
      sameText(name, 'which lists are refused, and with what message', outcomes[0].join('\n'), outcomes[1].join('\n')),
    ];
  },
};

/** How records and patients are split into training, validation and test sets. */
export const splits: Suite = {
  name,
  summary: 'divisions of records and patients by the recipe and by both trainers, with their order and their draws',
  cases: [numberCase, patientCase, ...trainerCases],
};
