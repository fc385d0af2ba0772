import { astype } from '../../../lib/numpy/convert.ts';
import { type DType, type NdArray, ndarray, sizeOf } from '../../../lib/numpy/ndarray.ts';
import { RandomState } from '../../../lib/numpy/random.ts';
import { openResampler } from '../../../lib/samplerate/resample.ts';
import type { WfdbRecord } from '../../../lib/wfdb/record.ts';
import * as icentia11k from '../../../port/transplant/datasets/icentia11k.ts';
import * as physionet from '../../../port/transplant/datasets/physionet.ts';
import { isMulticlass, padSequences, runningMeanStd } from '../../../port/transplant/utils.ts';
import { exactly, type Pair, type Row, sameText, vector } from '../../closeness.ts';
import type { SuiteCase } from '../../suite.ts';
import { outcomeOf, wordFor } from '../shared/data_cases.ts';

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
      [[3], []],
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
    // Sums and squares beyond 64 bits, of which the lowest bits remain.
    for (const [kind, half] of [
      ['uint64', 2n ** 63n],
      ['int64', -(2n ** 63n)],
    ] as const) {
      const data = kind === 'uint64' ? BigUint64Array.of(half, half + 5n, 7n) : BigInt64Array.of(half, half + 5n, 7n);
      const x = [ndarray(kind, [3], data)];
      const theirs = await original.data.apply('running_mean_std', x, { dtype: null });
      pairs.push({ name: `sums of ${kind} that wrap`, port: vector(runningMeanStd(x)), original: theirs[0] });
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

const normalizers: Readonly<Record<string, readonly [leads: number, normalizer: physionet.Normalizer]>> = {
  'physionet.normalize_challenge17': [1, physionet.normalizeChallenge17],
  'physionet.normalize_challenge20': [12, physionet.normalizeChallenge20],
  'physionet.normalize_ptb_xl': [12, physionet.normalizePtbXl],
};

const normalizeCase: SuiteCase = {
  name: 'normalisation',
  on: {},
  quick: true,
  proves: [
    'transplant.datasets.physionet.normalize_challenge17',
    'transplant.datasets.physionet.normalize_challenge20',
    'transplant.datasets.physionet.normalize_ptb_xl',
  ],
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
        port: icentia11k.normalize(structuredClone(array), inplace),
        original: theirs[i],
      }));
      rows.push(exactly(name, `icentia11k.normalize, ${how}`, pairs));
    }
    return rows;
  },
};

/** Short recordings, in which the ends matter most, and long ones of odd lengths, resampled up and down by several factors. */
const resampleCase: SuiteCase = {
  name: 'resampling',
  on: {},
  quick: true,
  proves: ['transplant.datasets.physionet.resample_records'],
  run: async ({ original, seed }) => {
    const random = new RandomState([seed, 5]);
    const lengths = [...Array.from({ length: 41 }, (_, i) => i), 997, 1001, 4000];
    const resampler = await openResampler();
    const rows: Row[] = [];
    for (const [rate, fs] of [
      [300, 250],
      [257, 250],
      [500, 250],
      [360, 250],
      [100, 500],
      [250, 250],
    ]) {
      const x = lengths.flatMap((length) => [1, 3].map((leads) => drawn(random, 'float64', [length, leads], 4)));
      const theirs = await original.data.apply('physionet.resample_records', x, { rate, fs });
      const records = x.map((pSignal) => ({ fs: rate, pSignal }) as WfdbRecord);
      const pairs = physionet.resampleRecords(records, fs, resampler).map((port, i) => ({
        name: `${x[i].shape[0]} samples of ${x[i].shape[1]} leads`,
        port,
        original: theirs[i],
      }));
      rows.push(exactly(name, `${x.length} recordings from ${rate} to ${fs} Hz`, pairs));
    }
    return rows;
  },
};

/** The constants by their Python names. */
const constants: Readonly<Record<string, number | readonly number[]>> = {
  ds_segment_size: icentia11k.dsSegmentSize,
  ds_frame_size: icentia11k.dsFrameSize,
  ds_patient_ids: icentia11k.dsPatientIds,
  ds_sampling_rate: icentia11k.dsSamplingRate,
  ds_mean: icentia11k.dsMean,
  ds_std: icentia11k.dsStd,
  challenge17_mean: physionet.challenge17Mean,
  challenge17_std: physionet.challenge17Std,
  challenge20_mean: physionet.challenge20Mean,
  challenge20_std: physionet.challenge20Std,
  ptb_xl_mean: physionet.ptbXlMean,
  ptb_xl_std: physionet.ptbXlStd,
};

const names: Readonly<Record<string, readonly string[]>> = {
  ds_beat_names: icentia11k.dsBeatNames,
  ds_rhythm_names: icentia11k.dsRhythmNames,
  ds_hr_names: icentia11k.dsHrNames,
};

const constantCase: SuiteCase = {
  name: 'constants of the data sets',
  on: {},
  quick: true,
  run: async ({ original }) => {
    const theirs = await original.data.constants();
    const pairs = Object.entries(theirs.numbers).map(([key, values]) => ({
      name: key,
      port: vector([constants[key]].flat()),
      original: vector(values),
    }));
    const tell = (lists: readonly (readonly [string, readonly (readonly [string, string])[]])[]): string =>
      lists.flatMap(([key, list]) => list.map(([code, text]) => `${key} ${code} ${text}`)).join('\n');
    const ours = Object.entries(names).map(([key, list]) => [key, Object.entries(list)] as const);
    const found = Object.entries(theirs.names).map(([key, list]) => [key, Object.entries(list)] as const);
    return [
      exactly(name, 'sizes, means and standard deviations', pairs),
      sameText(name, 'names by code', tell(ours), tell(found)),
    ];
  },
};

/** Cases of the suite `preprocessing` about its single steps. */
export const stepCases: readonly SuiteCase[] = [constantCase, paddingCase, sumCase, normalizeCase, resampleCase];
