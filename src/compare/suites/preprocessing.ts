import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { astype } from '../../lib/numpy/convert.ts';
import { type DType, type NdArray, ndarray, sizeOf } from '../../lib/numpy/ndarray.ts';
import { RandomState } from '../../lib/numpy/random.ts';
import { dump } from '../../lib/python/pickle.ts';
import {
  calculateDurations,
  countLabels,
  dsBeatNames,
  dsRhythmNames,
  flattenRawLabels,
  type Labels,
  loadLabels,
  loadRawLabels,
  loadSignal,
  type Marks,
  normalize,
  patientFile,
} from '../../port/transplant/datasets/icentia11k.ts';
import {
  type Normalizer,
  normalizeChallenge17,
  normalizeChallenge20,
  normalizePtbXl,
} from '../../port/transplant/datasets/physionet.ts';
import { isMulticlass, padSequences, runningMeanStd } from '../../port/transplant/utils.ts';
import { exactly, type Pair, type Row, sameText, vector } from '../closeness.ts';
import type { Suite, SuiteCase, SuiteContext } from '../suite.ts';
import { collectionOf, int64, outcomeOf, stack, wordFor } from './data_cases.ts';
import { recordCases } from './preprocessing_records.ts';

const name = 'preprocessing';

/** Values of both signs over several magnitudes. */
function drawn(random: RandomState, dtype: DType, shape: readonly number[], scale = 10): NdArray {
  const values = Float64Array.from(random.randomSample(sizeOf(shape)), (value) => (value - 0.4) * scale);
  return astype(ndarray('float64', shape, values), dtype);
}

const paddingCase: SuiteCase = {
  name: 'pad_sequences',
  on: {},
  quick: true,
  run: async ({ original, seed }) => {
    const random = new RandomState([seed, 1]);
    const shapes = [
      [
        [300, 1],
        [70, 1],
        [5, 1],
      ],
      [
        [40, 12],
        [41, 12],
      ],
      [
        [0, 2],
        [3, 2],
      ],
      [[0], [0]],
      [[1], [4]],
    ];
    const pairs: Pair[] = [];
    const outcomes: [string[], string[]] = [[], []];
    for (const padding of ['pre', 'post'] as const) {
      for (const maxLen of [null, 64, 2, 0]) {
        for (const [i, group] of shapes.entries()) {
          const x = group.map((shape, k) => drawn(random, k === 0 && i % 2 === 0 ? 'float32' : 'float64', shape));
          const ours = await outcomeOf(() => padSequences(x, maxLen ?? undefined, padding));
          const theirs = await outcomeOf(() => original.data.apply('pad_sequences', x, { max_len: maxLen, padding }));
          const label = `${padding} ${maxLen} shapes ${i}`;
          outcomes[0].push(`${label}: ${wordFor(ours)}`);
          outcomes[1].push(`${label}: ${wordFor(theirs)}`);
          if ('value' in ours && 'value' in theirs) {
            pairs.push({ name: label, port: ours.value, original: theirs.value[0] });
          }
        }
      }
    }
    return [
      exactly(name, `pad_sequences, ${pairs.length} calls`, pairs),
      sameText(name, 'pad_sequences: what fails (Quirk Q1)', outcomes[0].join('\n'), outcomes[1].join('\n')),
    ];
  },
};

const sumCase: SuiteCase = {
  name: 'running_mean_std and is_multiclass',
  on: {},
  quick: true,
  run: async ({ original, seed }) => {
    const random = new RandomState([seed, 2]);
    const pairs: Pair[] = [];
    const outcomes: [string[], string[]] = [[], []];
    for (const dtype of [null, 'float32', 'float64'] as const) {
      for (const kind of ['float64', 'float32', 'int16', 'int32', 'int64', 'uint8'] as const) {
        const x = [5, 2048, 20_001].map((size) => drawn(random, kind, [size], kind === 'uint8' ? 20 : 80));
        const ours = await outcomeOf(() => runningMeanStd(x, dtype ?? undefined));
        const theirs = await outcomeOf(() => original.data.apply('running_mean_std', x, { dtype }));
        const label = `sums in ${dtype ?? 'their own type'} of ${kind}`;
        outcomes[0].push(`${label}: ${wordFor(ours)}`);
        outcomes[1].push(`${label}: ${wordFor(theirs)}`);
        if ('value' in ours && 'value' in theirs) {
          pairs.push({ name: label, port: vector(ours.value), original: theirs.value[0] });
        }
      }
    }
    const labels = (['bool', 'int64', 'float32'] as const).flatMap((dtype) =>
      [[8, 3], [8, 1], [8], [1, 4]].map((shape) =>
        astype(ndarray('float64', shape, Float64Array.from(random.randint(0, 2, sizeOf(shape)))), dtype),
      ),
    );
    const oneHot = ndarray('bool', [3, 3], Uint8Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1));
    const sets = [...labels, oneHot];
    const [theirs] = await original.data.apply('is_multiclass', sets);
    const ours = ndarray(
      'bool',
      [sets.length],
      Uint8Array.from(sets, (set) => (isMulticlass(set) ? 1 : 0)),
    );
    return [
      exactly(name, 'running_mean_std', pairs),
      sameText(name, 'running_mean_std: what fails (Quirk Q6)', outcomes[0].join('\n'), outcomes[1].join('\n')),
      exactly(name, `is_multiclass, ${sets.length} label sets`, [
        { name: 'is_multiclass', port: ours, original: theirs },
      ]),
    ];
  },
};

const normalizers: Readonly<Record<string, readonly [leads: number, normalizer: Normalizer]>> = {
  'physionet.normalize_challenge17': [1, normalizeChallenge17],
  'physionet.normalize_challenge20': [12, normalizeChallenge20],
  'physionet.normalize_ptb_xl': [12, normalizePtbXl],
};

const normalizeCase: SuiteCase = {
  name: 'normalisation',
  on: {},
  quick: true,
  run: async ({ original, seed }) => {
    const random = new RandomState([seed, 4]);
    const rows: Row[] = [];
    for (const inplace of [false, true]) {
      const how = inplace ? 'in place' : 'a copy';
      for (const [title, [leads, normalizer]] of Object.entries(normalizers)) {
        const x = (['float32', 'float64'] as const).map((dtype) => drawn(random, dtype, [3000, leads], 4));
        const theirs = await original.data.apply(title, x, { inplace });
        const pairs = x.map((array, i) => ({
          name: array.dtype,
          port: normalizer(structuredClone(array) as NdArray<'float32' | 'float64'>, inplace),
          original: theirs[i],
        }));
        rows.push(exactly(name, `${title}, ${how}`, pairs));
      }
      const kinds = ['float32', 'float64', 'float16', ...(inplace ? [] : (['int16', 'int32'] as const))] as const;
      const x = kinds.map((dtype) => drawn(random, dtype, [2, 3000], 40));
      const theirs = await original.data.apply('icentia11k.normalize', x, { inplace });
      const pairs = x.map((array, i) => ({
        name: array.dtype,
        port: normalize(structuredClone(array), inplace),
        original: theirs[i],
      }));
      rows.push(exactly(name, `icentia11k.normalize, ${how}`, pairs));
    }
    return rows;
  },
};

/** Positions and codes of each segment in turn, then counts and durations, as the original's side tells them. */
function labelArrays(marks: readonly Marks[], codes: number): NdArray[] {
  return [
    ...marks.flatMap(([positions, kinds]) => [int64(positions), int64(kinds)]),
    int64(countLabels(marks, codes).flat(), [marks.length, codes]),
    int64(calculateDurations(marks, codes).flat(), [marks.length, codes]),
  ];
}

async function sameLabels(
  { original }: SuiteContext,
  title: string,
  ours: Labels,
  { dbDir, id, unzipped }: { dbDir: string; id: number; unzipped: boolean },
): Promise<Row[]> {
  const theirs = await original.data.patientLabels(dbDir, id, unzipped);
  return (
    [
      ['btype', ours.btype, dsBeatNames.length],
      ['rtype', ours.rtype, dsRhythmNames.length],
    ] as const
  ).map(([kind, marks, codes]) => {
    const arrays = labelArrays(marks, codes);
    const names = [...marks.flatMap((_, s) => [`segment ${s} positions`, `segment ${s} codes`]), 'counts', 'durations'];
    const pairs = arrays.map((port, i) => ({ name: names[i], port, original: theirs[kind][i] ?? int64([]) }));
    return exactly(name, `${title}: ${kind}, counts and durations`, pairs);
  });
}

const patientCase: SuiteCase = {
  name: 'Icentia11k: signals and labels of patients',
  on: { dataSet: 'icentia11k' },
  quick: true,
  run: async (context) => {
    collectionOf(context, 'icentia11k');
    const rows: Row[] = [];
    for (const form of ['zipped', 'unzipped'] as const) {
      const { dbDir, patientIds, unzipped } = await context.data.icentia(form);
      const signals: Pair[] = [];
      for (const id of patientIds) {
        const signal = loadSignal(dbDir, id, { unzipped });
        const [segments, samples] = signal.shape;
        const port = stack(Array.from({ length: segments }, (_, segment) => signal.read(segment, 0, samples)));
        signals.push({
          name: `patient ${id}`,
          port,
          original: await context.original.data.patientSignal(dbDir, id, unzipped),
        });
        const labels = loadLabels(dbDir, id, { unzipped });
        rows.push(...(await sameLabels(context, `patient ${id}, ${form}`, labels, { dbDir, id, unzipped })));
      }
      rows.push(exactly(name, `signals of ${patientIds.length} patients, ${form}`, signals));
    }
    rows.push(...(await distributedLabels(context)));
    return rows;
  },
};

/** Label files as the data set's authors pickled them, where there are some. Python gets them from the port's hands, never as they came. */
async function distributedLabels(context: SuiteContext): Promise<Row[]> {
  const folder = join(collectionOf(context, 'icentia11k'), 'pickle_labels');
  if (!existsSync(folder)) return [];
  const ids = readdirSync(folder).flatMap((file) => /^(\d{5})_batched_lbls\.pkl\.gz$/.exec(file)?.[1] ?? []);
  const rows: Row[] = [];
  for (const id of ids.map(Number)) {
    const raw = loadRawLabels(folder, id);
    await dump(patientFile(context.scratch, id, '_lbls.pkl.gz'), raw);
    const place = { dbDir: context.scratch, id, unzipped: false };
    rows.push(...(await sameLabels(context, `patient ${id} as first distributed`, flattenRawLabels(raw), place)));
  }
  return rows;
}

/** What is made of recordings before a network sees them. */
export const preprocessing: Suite = {
  name,
  summary: 'recordings as read, normalised, resampled and padded, and their labels, to the last bit',
  cases: [paddingCase, sumCase, normalizeCase, patientCase, ...recordCases],
};
