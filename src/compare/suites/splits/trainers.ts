import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { FitArrays } from '../../../bridge/original_data.ts';
import { batchesOf, permutations } from '../../../jobs/batches.ts';
import { inputsByName } from '../../../lib/keras/inputs.ts';
import { astype } from '../../../lib/numpy/convert.ts';
import { type NdArray, ndarray } from '../../../lib/numpy/ndarray.ts';
import { writeNpy } from '../../../lib/numpy/npy.ts';
import { RandomState, random } from '../../../lib/numpy/random.ts';
import { arrayRows } from '../../../lib/numpy/rows.ts';
import { dataSetToPickle } from '../../../port/finetuning/datasets/data_set.ts';
import type { DataSet, PreparedSet } from '../../../port/finetuning/datasets.ts';
import { samplesOf } from '../../../port/finetuning/trainer/classifier.ts';
import { type JobSetOptions, withJobSets } from '../../../port/finetuning/trainer/sets.ts';
import type { FrameSet } from '../../../port/pretraining/trainer/frames.ts';
import { fileSource, folderSource } from '../../../port/pretraining/trainer/sources.ts';
import type { PretrainOptions } from '../../../port/pretraining/trainer.ts';
import { type PretrainingTask, pretrainingTasks } from '../../../port/pretraining/utils.ts';
import { patientFile, writeUnzippedLabels } from '../../../port/transplant/datasets/icentia11k/files.ts';
import { savePkl } from '../../../port/transplant/utils.ts';
import { exactly, type Row, sameText } from '../../closeness.ts';
import type { SuiteCase } from '../../suite.ts';
import { collectionFolder, flagsOf, int64, joinArrays } from '../shared/data_cases.ts';

const suite = 'splits';

/** A small set: recordings of noise, with one label each or with several. */
function smallSet(draws: RandomState, records: number, leads: number, multiLabel: boolean): DataSet {
  const [samples, classes] = [48, 4];
  const x = Float32Array.from(draws.randomSample(records * samples * leads));
  const y = Uint8Array.from({ length: records * classes }, (_, i) =>
    Math.floor(i / classes) % classes === i % classes || (multiLabel && draws.randint(3) === 0) ? 1 : 0,
  );
  return {
    x: ndarray('float32', [records, samples, leads], x),
    y: multiLabel ? ndarray('int32', [records, classes], Int32Array.from(y)) : ndarray('bool', [records, classes], y),
    recordIds: Array.from({ length: records }, (_, i) => `A${String(i).padStart(5, '0')}`),
    classes: ['A', 'N', 'O', '~'],
  };
}

function allRows({ x, y }: PreparedSet): { x: NdArray; y: NdArray } {
  return { x: x.take(Array.from({ length: x.shape[0] }, (_, i) => i)), y };
}

/** Options of finetuning that choose records and leads. */
const jobs: readonly (readonly [
  title: string,
  multiLabel: boolean,
  options: Omit<JobSetOptions, 'train'> & { seed: number },
])[] = [
  ['validation and subset as fractions', false, { valSize: 0.25, subset: 0.5, seed: 7 }],
  ['validation and subset as counts, one lead', false, { valSize: 9, subset: 20, channel: 2, seed: 2 ** 32 - 1 }],
  ['several labels, the last lead but one', true, { valSize: 0.2, subset: 0.6, channel: -2, seed: 42 }],
  ['a validation file', false, { val: 'val', subset: 0.3, seed: 3 }],
  ['all records', true, { seed: 1 }],
];

const finetuningCase: SuiteCase = {
  name: 'what finetuning.trainer trains on and validates with',
  on: { task: 'finetuning' },
  quick: true,
  run: async ({ original, scratch, seed }) => {
    const draws = new RandomState([seed, 31]);
    const at = (file: string): string => join(scratch, `${file}.pkl`);
    for (const [file, records, multiLabel] of [
      ['single', 61, false],
      ['several', 50, true],
      ['val', 15, false],
    ] as const) {
      await savePkl(at(file), dataSetToPickle(smallSet(draws, records, 3, multiLabel)));
    }
    const rows: Row[] = [];
    for (const [title, multiLabel, { val, seed: jobSeed, ...rest }] of jobs) {
      const options = { train: at(multiLabel ? 'several' : 'single'), val: val && at(val), ...rest };
      const argv = ['--job-dir', join(scratch, 'job'), ...flagsOf({ ...options, seed: jobSeed })];
      const theirs = await original.data.fitData('finetuning.trainer', argv);
      random.seed(jobSeed);
      const ours = await withJobSets(options, { folder: scratch }, async ({ train, val: held }) => ({
        train: allRows(train),
        val: held && allRows(held),
        shuffled: shuffledLabels(train),
      }));
      for (const part of ['train', 'val'] as const) {
        const [port, found] = [ours[part], theirs[part]];
        rows.push(sameText(suite, `${title}: ${part} part`, port ? 'there' : 'absent', found ? 'there' : 'absent'));
        if (!port || !found) continue;
        rows.push(
          exactly(suite, `${title}: ${part} part, ${port.x.shape[0]} records`, [
            { name: 'x', port: port.x, original: found.inputs.get('x')! },
            { name: 'y', port: port.y, original: found.y },
          ]),
        );
      }
      const { order, labels } = ours.shuffled;
      const expected = astype(arrayRows(theirs.train.y).take(order), 'float32');
      rows.push(
        exactly(suite, `${title}: labels of shuffled batches`, [{ name: 'y', port: labels, original: expected }]),
      );
    }
    return rows;
  },
};

/** Labels of the batches of an epoch, in an order in which every record moves. */
function shuffledLabels(train: PreparedSet): { order: number[]; labels: NdArray } {
  const records = train.x.shape[0];
  const order = Array.from({ length: records }, (_, i) => (records - 1 - i + 5) % records);
  return { order, labels: joinArrays([...batchesOf(samplesOf(train), 7, { order })].map(({ y }) => y)) };
}

type PretrainCase = Pick<
  PretrainOptions,
  | 'valPatients'
  | 'valSize'
  | 'valFile'
  | 'frameSize'
  | 'contextSize'
  | 'ns'
  | 'samplesPerPatient'
  | 'valSamplesPerPatient'
  | 'seed'
>;

const silentSource = { initSeed: 5, position: { epoch: 0, step: 0 }, report: () => {} };

/** Frames whose positions do not count in a pretraining job, by input. */
function sameFrames(
  title: string,
  ours: { inputs: FrameSet['inputs']; y: NdArray } | undefined,
  theirs: FitArrays | null,
): Row[] {
  const rows = [sameText(suite, title, ours ? 'there' : 'absent', theirs ? 'there' : 'absent')];
  if (!ours || !theirs) return rows;
  const count = ours.y.shape[0];
  const pairs = Object.entries(ours.inputs).map(([part, all]) => ({
    name: part,
    port: all.take(Array.from({ length: count }, (_, i) => i)),
    original: theirs.inputs.get(part) ?? int64([]),
  }));
  return [
    ...rows,
    exactly(suite, `${title}, ${count} frames`, [...pairs, { name: 'y', port: ours.y, original: theirs.y }]),
  ];
}

/** Validation frames that pretraining collects from held-out patients of a folder. */
function folderCase(task: PretrainingTask): SuiteCase {
  const cpc = task === 'cpc' ? { contextSize: 3, ns: 2 } : {};
  // Sizes that are not given have the same defaults on both sides.
  const variants: readonly PretrainCase[] = [
    { valPatients: 0.5, valSize: 30, frameSize: 256, samplesPerPatient: 7, seed: 3, ...cpc },
    { valPatients: 1, samplesPerPatient: 50, valSamplesPerPatient: 20, seed: 2021 },
  ];
  return {
    name: `validation frames of pretraining.trainer, ${task}`,
    on: { dataSet: 'icentia11k', task },
    quick: task === 'rhythm' || task === 'cpc',
    run: async (context) => {
      collectionFolder(context, 'icentia11k');
      const { original, scratch, data } = context;
      const { dbDir, patientIds, unzipped } = await data.icentia('unzipped');
      const rows: Row[] = [];
      for (const variant of variants) {
        const options = { task, train: dbDir, unzipped, ...variant };
        const argv = ['--job-dir', join(scratch, 'job'), ...flagsOf(options)];
        const theirs = await original.data.fitData('pretraining.trainer', argv, { batches: 1, patientIds });
        random.seed(variant.seed);
        // A range, as users write it, because the patients have consecutive ids.
        const patients = `${patientIds[0]}-${patientIds.at(-1)}`;
        const { train, val } = await folderSource({ ...options, jobDir: scratch, patients }, silentSource);
        const title = `validation of ${variant.valPatients} patients`;
        rows.push(...sameFrames(title, val, theirs.val));
        // The port shuffles its frames by draws of its own, so only their number can be equal.
        const ours = await firstLabels(train);
        const shapes = [ours, theirs.train.y].map(({ shape }) => `(${shape.join(', ')})`);
        rows.push(sameText(suite, `${title}: size of a training batch`, shapes[0], shapes[1]));
      }
      return rows;
    },
  };
}

/**
 * Which patients several generators draw from. Each patient has a constant signal, so that a frame tells where it comes from: the draws of
 * the generators depend on a race in the original.
 */
const generatorsCase: SuiteCase = {
  name: 'patients of several generators of pretraining.trainer',
  on: { task: 'beat' },
  quick: true,
  run: async ({ original, scratch }) => {
    const [patients, samples] = [7, 512];
    const dbDir = join(scratch, 'patients');
    mkdirSync(dbDir);
    const marks = Int32Array.from({ length: 8 }, (_, i) => 64 * i);
    const labels = [marks, new Int32Array(marks.length).fill(1)] as const;
    const ids = Array.from({ length: patients }, (_, id) => id);
    for (const id of ids) {
      writeNpy(patientFile(dbDir, id, '.npy'), ndarray('float32', [1, samples], new Float32Array(samples).fill(id)));
      await writeUnzippedLabels(dbDir, id, { btype: [labels], rtype: [labels], size: 1 });
    }
    const [ours, theirs]: [string[], string[]] = [[], []];
    for (const dataParallelism of [undefined, 0, 1, 2, 3]) {
      const common = { task: 'beat', train: dbDir, unzipped: true, frameSize: 128, samplesPerPatient: 1 } as const;
      const chosen = { batchSize: 16, stepsPerEpoch: 6, seed: 5 } as const;
      const options = { ...common, ...chosen, ...(dataParallelism === undefined ? {} : { dataParallelism }) };
      const argv = ['--job-dir', join(scratch, 'job'), ...flagsOf(options)];
      const found = await original.data.fitData('pretraining.trainer', argv, { batches: 6, patientIds: ids });
      random.seed(options.seed);
      const { train } = await folderSource(
        { ...options, jobDir: scratch, patients: `0-${patients - 1}` },
        silentSource,
      );
      const frames: NdArray[] = [];
      try {
        for await (const { x } of train.batches(0, 0)) frames.push(inputsByName(x).x);
      } finally {
        await train.close();
      }
      const tell = (x: NdArray): string =>
        `${dataParallelism ?? 'as many as usual'} generators: patients with ${levelsOf(x).join(', ')}`;
      ours.push(tell(joinArrays(frames)));
      theirs.push(tell(found.train.inputs.get('x')!));
    }
    return [sameText(suite, 'normalised levels of the patients in 96 frames', ours.join('\n'), theirs.join('\n'))];
  },
};

/** The different values of frames, ascending. */
function levelsOf({ data }: NdArray): number[] {
  return [...new Set(data as Float32Array)].sort((a, b) => a - b);
}

/** Labels of the first training batch; ends the stream. */
async function firstLabels(train: Awaited<ReturnType<typeof folderSource>>['train']): Promise<NdArray> {
  try {
    for await (const { y } of train.batches(0, 0)) return y;
    throw new Error('the stream of training frames ended');
  } finally {
    await train.close();
  }
}

/** A file of frames, split by patient, or without the patients of a validation file. */
const fileCase: SuiteCase = {
  name: 'patients of a data file of pretraining.trainer',
  on: { task: 'beat' },
  quick: true,
  run: async (context) => {
    const { original, scratch, seed } = context;
    const draws = new RandomState([seed, 32]);
    const frameSize = 64;
    const write = async (file: string, frames: number, patients: readonly number[]): Promise<string> => {
      const path = join(scratch, `${file}.pkl`);
      await savePkl(path, {
        x: ndarray('float32', [frames, frameSize, 1], Float32Array.from(draws.randomSample(frames * frameSize))),
        y: ndarray('int32', [frames], Int32Array.from(draws.randint(0, 5, frames))),
        patient_ids: int64(Array.from({ length: frames }, () => patients[draws.randint(patients.length)])),
      });
      return path;
    };
    const train = await write('frames', 120, [3, 14, 15, 92, 65, 35, 89, 79]);
    const valFile = await write('val', 20, [14, 35]);
    const variants: readonly (readonly [title: string, options: PretrainCase])[] = [
      ['a fraction of the patients', { valPatients: 0.3, seed: 11 }],
      ['two patients', { valPatients: 2, seed: 12 }],
      ['a validation file', { valFile, seed: 13 }],
      ['no validation', { seed: 14 }],
    ];
    const rows: Row[] = [];
    for (const [title, variant] of variants) {
      const options = { task: 'beat' as const, train, frameSize, ...variant };
      const argv = ['--job-dir', join(scratch, 'job'), ...flagsOf(options)];
      const theirs = await original.data.fitData('pretraining.trainer', argv);
      random.seed(variant.seed);
      const found = await fileSource({ ...options, jobDir: scratch }, silentSource);
      rows.push(...sameFrames(`${title}: validation`, found.val, theirs.val));
      const ours = await inFileOrder(found.train, theirs.train.y.shape[0]);
      rows.push(
        exactly(suite, `${title}: training, ${ours.y.shape[0]} frames`, [
          { name: 'x', port: ours.x, original: theirs.train.inputs.get('x')! },
          { name: 'y', port: ours.y, original: theirs.train.y },
        ]),
      );
    }
    return rows;
  },
};

/** Training frames of the first epoch, put back from the port's order into that of the file. */
async function inFileOrder(
  { batches }: Awaited<ReturnType<typeof fileSource>>['train'],
  count: number,
): Promise<{ x: NdArray; y: NdArray }> {
  const parts: { x: NdArray; y: NdArray }[] = [];
  for await (const { x, y } of batches(0, 0)) parts.push({ x: (x as { x: NdArray }).x, y });
  const order = Array.from(permutations(silentSource.initSeed, count)(0));
  const places = order.map((_, position) => order.indexOf(position));
  const sorted = (array: NdArray): NdArray => {
    const width = array.data.length / array.shape[0];
    const out = array.data.slice();
    for (const [to, from] of places.entries()) {
      (out as { set(part: unknown, offset: number): void }).set(
        array.data.subarray(from * width, (from + 1) * width),
        to * width,
      );
    }
    return { ...array, data: out };
  };
  return { x: sorted(joinArrays(parts.map(({ x }) => x))), y: sorted(joinArrays(parts.map(({ y }) => y))) };
}

/** Cases of the suite `splits` that follow the trainers up to the start of training. */
export const trainerCases: readonly SuiteCase[] = [
  finetuningCase,
  ...pretrainingTasks.map(folderCase),
  generatorsCase,
  fileCase,
];
