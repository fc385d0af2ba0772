import type { Draw, GeneratorState } from '../../../bridge/original_sampling.ts';
import { type NdArray, ndarray } from '../../../lib/numpy/ndarray.ts';
import { RandomState } from '../../../lib/numpy/random.ts';
import {
  getBeatLabel,
  getCompleteBeats,
  getHeartRateLabel,
  getRhythmDurations,
  getRhythmLabel,
  loadLabels,
  type Marks,
  randomPatientGenerator,
  uniformPatientGenerator,
} from '../../../port/transplant/datasets/icentia11k.ts';
import { exactly, type Row } from '../../closeness.ts';
import type { Suite, SuiteCase } from '../../suite.ts';
import { collectionFolder, int64 } from '../shared/data_cases.ts';
import { frameCases, sameState, stateOf } from './frames.ts';

const name = 'sampling';

/** Every method of the generator that the code uses, with sizes that exhaust its state several times. */
const plan: readonly (readonly [title: string, draw: Draw])[] = [
  ['random_sample', { method: 'random_sample', size: 20_000 }],
  ['randint', { method: 'randint', low: 4488, size: 20_000 }],
  ['randint of two bounds', { method: 'randint', low: -50, high: 50, size: 5000 }],
  ['randint of 31 bits', { method: 'randint', low: 2 ** 31, size: 1000 }],
  ['randint of a little more than 31 bits', { method: 'randint', low: 2 ** 31 + 1, size: 1000 }],
  ['randint of 32 bits', { method: 'randint', low: 2 ** 32, size: 1000 }],
  ['randint of more than 32 bits', { method: 'randint', low: 2 ** 40 + 1, size: 1000 }],
  ['randint of one value', { method: 'randint', low: 1, size: 3 }],
  ['shuffle', { method: 'shuffle', n: 11_000 }],
  ['permutation', { method: 'permutation', n: 6822 }],
  ['choice', { method: 'choice', n: 11_000, size: 1024 }],
  ['choice of one', { method: 'choice', n: 11_000, size: 1 }],
  ['choice with probabilities', { method: 'choice', n: 5, size: 2000, p: [0.1, 0.2, 0.3, 0.15, 0.25] }],
  ['choice without replacement', { method: 'choice', n: 100, size: 40, replace: false }],
  [
    'choice with probabilities, without replacement',
    { method: 'choice', n: 6, size: 4, replace: false, p: [0.5, 0.1, 0.1, 0.1, 0.1, 0.1] },
  ],
];

/** What the port's generator draws. */
function perform(random: RandomState, draw: Draw): NdArray {
  switch (draw.method) {
    case 'random_sample':
      return ndarray('float64', [draw.size], random.randomSample(draw.size));
    case 'randint':
      return int64(random.randint(draw.low, draw.high, draw.size));
    case 'shuffle': {
      const numbers = Array.from({ length: draw.n }, (_, i) => i);
      random.shuffle(numbers);
      return int64(numbers);
    }
    case 'permutation':
      return int64(random.permutation(draw.n));
    case 'choice':
      return int64(random.choice(draw.n, draw));
  }
}

type Drawn = { readonly results: readonly NdArray[]; readonly state: GeneratorState };

const drawCase: SuiteCase = {
  name: "draws of NumPy's generator",
  on: {},
  quick: true,
  run: async ({ original, seed }) => {
    const seeds: readonly (number | number[])[] = [0, 1, 42, 2 ** 32 - 1, seed, [1, 2, 3], [seed, 7]];
    const draws = plan.map(([, draw]) => draw);
    const sides: { label: string; ours: NdArray[]; theirs: Drawn; state: GeneratorState }[] = [];
    for (const one of seeds) {
      const theirs = await original.sampling.draws(one, draws);
      const random = new RandomState(one);
      sides.push({
        label: `seed ${one}`,
        ours: draws.map((draw) => perform(random, draw)),
        theirs,
        state: stateOf(random),
      });
    }
    return [
      ...plan.map(([title], i) =>
        exactly(
          name,
          `${title}, ${seeds.length} seeds`,
          sides.map(({ label, ours, theirs }) => ({ name: label, port: ours[i], original: theirs.results[i] })),
        ),
      ),
      ...sides.map(({ label, state, theirs }) => sameState(label, state, theirs.state)),
    ];
  },
};

const patientCase: SuiteCase = {
  name: 'order of patients',
  on: { dataSet: 'icentia11k' },
  quick: true,
  run: async (context) => {
    collectionFolder(context, 'icentia11k');
    const patients = await context.data.icentia('unzipped');
    const { dbDir, patientIds, unzipped } = patients;
    const { original, seed } = context;
    const weights = patientIds.map((id) => (id + 1) / ((patientIds.length * (patientIds.length + 1)) / 2));
    const [count, passes] = [40, 25];
    const variants = [
      ['uniform', 'shuffled passes', {}, {}],
      ['uniform', 'one pass without shuffling', { repeat: false, shuffle: false }, { repeat: false, shuffle: false }],
      ['uniform', 'one shuffled pass without labels', { repeat: false, include_labels: false }, { repeat: false }],
      ['random', 'drawn', {}, {}],
      ['random', 'drawn with weights', { patient_weights: weights }, { patientWeights: weights }],
    ] as const;
    const rows: Row[] = [];
    for (const [generator, title, options, portOptions] of variants) {
      const wanted = generator === 'uniform' ? passes * patientIds.length : count;
      const theirs = await original.sampling.patients(generator, patients, { ...options }, { seed, count: wanted });
      const random = new RandomState(seed);
      const make = generator === 'uniform' ? uniformPatientGenerator : randomPatientGenerator;
      const ids: number[] = [];
      for (const [id] of make(dbDir, patientIds, { ...portOptions, unzipped, random })) {
        ids.push(id);
        if (ids.length === wanted) break;
      }
      rows.push(exactly(name, `patients, ${title}`, [{ name: 'ids', port: int64(ids), original: theirs.ids }]));
      rows.push(sameState(`patients, ${title}`, stateOf(random), theirs.state));
    }
    return rows;
  },
};

/** Labels of frames `[start, end]` over one set of annotations, under the original's names. */
function labelsOf([positions, codes]: Marks, frames: readonly (readonly [number, number])[]): Map<string, NdArray> {
  const found: Record<string, number[]> = {
    rhythm: [],
    beat: [],
    heart_rate: [],
    durations: [],
    rhythms: [],
    ends: [],
    beats: [],
  };
  for (const [start, end] of frames) {
    const [durations, rhythms] = getRhythmDurations(positions, codes, start, end);
    const [ends, beats] = getCompleteBeats(positions, codes, start, end);
    found.rhythm.push(getRhythmLabel(durations, rhythms));
    found.beat.push(getBeatLabel(beats));
    found.heart_rate.push(getHeartRateLabel(ends, 250));
    found.durations.push(...durations);
    found.rhythms.push(...rhythms);
    found.ends.push(...ends);
    found.beats.push(...beats);
  }
  return new Map(Object.entries(found).map(([key, values]) => [key, int64(values)]));
}

/** Annotations at random positions, in clusters, and at intervals whose mean lies on a heart rate threshold. */
function hardMarks(random: RandomState): { marks: Marks; length: number }[] {
  return Array.from({ length: 40 }, (_, k) => {
    const count = 1 + random.randint(40);
    const positions =
      k % 3 === 0
        ? Array.from({ length: count }, (_, i) => (i + 1) * [150, 250, 149, 251][Math.floor(k / 3) % 4])
        : random.randint(0, 4000, count).sort((a, b) => a - b);
    const marks = [Int32Array.from(positions), Int32Array.from(random.randint(0, 6, count))] as const;
    return { marks, length: 5000 };
  });
}

const labelCase: SuiteCase = {
  name: 'labels of frames',
  on: { dataSet: 'icentia11k' },
  quick: true,
  run: async (context) => {
    collectionFolder(context, 'icentia11k');
    const { dbDir, patientIds, unzipped } = await context.data.icentia('zipped');
    const { original, seed } = context;
    const random = new RandomState([seed, 3]);
    const sets = hardMarks(random).map((one, i) => ({ ...one, title: `drawn marks ${i}`, frames: 40 }));
    for (const id of patientIds) {
      const { btype, rtype } = loadLabels(dbDir, id, { unzipped });
      for (const [kind, segments] of [
        ['beats', btype],
        ['rhythms', rtype],
      ] as const) {
        for (const [segment, marks] of segments.entries()) {
          if (marks[0].length === 0) continue;
          const title = `${kind} of patient ${id}, segment ${segment}`;
          sets.push({ marks, length: marks[0][marks[0].length - 1], title, frames: 60 });
        }
      }
    }
    const compared = new Map<string, { name: string; port: NdArray; original: NdArray }[]>();
    for (const { marks, length, title, frames } of sets) {
      const places = Array.from({ length: frames }, () => {
        const start = random.randint(length);
        return [start, start + 1 + random.randint(3000)] as const;
      });
      const ours = labelsOf(marks, places);
      const sent = [int64(marks[0]), int64(marks[1])] as const;
      const theirs = await original.sampling.labels(sent, int64(places.flat(), [places.length, 2]));
      for (const [rule, found] of theirs) {
        const pair = { name: title, port: ours.get(rule)!, original: found };
        compared.set(rule, [...(compared.get(rule) ?? []), pair]);
      }
    }
    return [...compared].map(([rule, pairs]) =>
      exactly(name, `${rule} of frames in ${sets.length} sets of marks`, pairs),
    );
  },
};

/** Everything that is drawn at random: numbers, patients, frames and their labels. */
export const sampling: Suite = {
  name,
  summary:
    "random draws, patients, frames of Icentia11k and their labels, to the last bit and to the generator's state",
  cases: [drawCase, patientCase, labelCase, ...frameCases],
};
