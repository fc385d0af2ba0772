import { cpSync } from 'node:fs';
import { join } from 'node:path';
import type { Frames, FrameTask, GeneratorState } from '../../../bridge/original_sampling.ts';
import type { NdArray } from '../../../lib/numpy/ndarray.ts';
import { RandomState } from '../../../lib/numpy/random.ts';
import type { BatchStream } from '../../../port/pretraining/datasets.ts';
import { patientFile } from '../../../port/transplant/datasets/icentia11k/files.ts';
import * as icentia11k from '../../../port/transplant/datasets/icentia11k.ts';
import { bufferedGenerator } from '../../../port/transplant/utils.ts';
import { convertIcentia11k, findPatients, segmentsOf } from '../../../prepare/icentia11k/convert.ts';
import { exactly, type Pair, type Row, vector } from '../../closeness.ts';
import type { IcentiaPatients, OriginalForm } from '../../data.ts';
import type { SuiteCase, SuiteContext } from '../../suite.ts';
import { collectionFolder, int64, joinArrays, shown, stackArrays } from '../shared/data_cases.ts';
import { portBatches, portFrames, pythonOptions, type Stream, streams, tasks } from './streams.ts';

const suite = 'sampling';

/** State of the port's generator, in the form of the original's. */
export function stateOf(random: RandomState): GeneratorState {
  const { key, position, hasGauss, cachedGaussian } = random.getState();
  return {
    key: { dtype: 'uint32', shape: [key.length], data: key },
    position: int64([position]),
    gaussian: vector([hasGauss, cachedGaussian]),
  };
}

/** Checks that both sides have made the same number and kinds of draws. */
export function sameState(name: string, port: GeneratorState, original: GeneratorState): Row {
  return exactly(suite, `${name}: state of the generator after them`, [
    { name: 'key', port: port.key, original: original.key },
    { name: 'position', port: port.position, original: original.position },
    { name: 'kept normal draw', port: port.gaussian, original: original.gaussian },
  ]);
}

type Item = icentia11k.LabelledFrame | icentia11k.CpcItem | NdArray;

function takeFrames(items: Iterator<Item>, count: number, random: RandomState): Frames {
  const parts = new Map<string, NdArray[]>();
  const codes: number[] = [];
  for (let i = 0; i < count; i++) {
    const { value, done } = items.next();
    if (done) break;
    const [x, y] = Array.isArray(value) ? (value as icentia11k.LabelledFrame) : [value as NdArray, undefined];
    for (const [name, part] of Object.entries('dtype' in x ? { x } : (x as Record<string, NdArray>))) {
      parts.set(name, [...(parts.get(name) ?? []), part]);
    }
    if (y !== undefined) codes.push(y);
  }
  const inputs = new Map([...parts].map(([name, list]) => [name, stackArrays(list)]));
  return { inputs, y: codes.length > 0 ? int64(codes) : undefined, state: stateOf(random) };
}

function sameFrames(name: string, port: Omit<Frames, 'state'>, original: Omit<Frames, 'state'>): Row[] {
  const pairs: Pair[] = [...original.inputs].map(([part, theirs]) => {
    const ours = port.inputs.get(part);
    if (!ours) throw new Error(`the port's frames have no ${part}`);
    return { name: part, port: ours, original: theirs };
  });
  const rows = [exactly(suite, `${name}: frames`, pairs)];
  if (original.y || port.y) {
    const none = int64([]);
    rows.push(exactly(suite, `${name}: labels`, [{ name: 'y', port: port.y ?? none, original: original.y ?? none }]));
  }
  return rows;
}

async function compareStream(
  context: SuiteContext,
  name: string,
  stream: Stream,
  patients: IcentiaPatients,
  count: number,
  show = false,
): Promise<Row[]> {
  const { original, seed } = context;
  const theirs = await original.sampling.frames(stream.task, patients, stream.frameSize, pythonOptions(stream), {
    seed,
    count,
  });
  const random = new RandomState(seed);
  const ours = takeFrames(portFrames(stream, patients, random), count, random);
  if (show) showFrame(context, stream.task, ours, theirs);
  return [...sameFrames(name, ours, theirs), sameState(name, ours.state, theirs.state)];
}

/** Shows the first frame whose label is not the commonest one. */
function showFrame({ observe }: SuiteContext, task: FrameTask, ours: Frames, theirs: Frames): void {
  const names = { rhythm: icentia11k.dsRhythmNames, beat: icentia11k.dsBeatNames, heart_rate: icentia11k.dsHrNames };
  if (task === 'cpc' || !ours.y || !theirs.y) return;
  const codes = Array.from(ours.y.data, Number);
  const counts = names[task].map((_, code) => codes.filter((one) => one === code).length);
  const frame = Math.max(
    0,
    codes.findIndex((code) => counts[code] < Math.max(...counts)),
  );
  const x = ours.inputs.get('x')!;
  const samples = Array.from(x.data.subarray(frame * x.shape[1], (frame + 1) * x.shape[1]), shown);
  const label = ({ data }: NdArray): string => names[task][Number(data[frame])];
  observe({
    kind: 'strip',
    title: `Icentia11k, frame ${frame} of the task ${tasks[task]}`,
    fs: icentia11k.dsSamplingRate,
    leads: [{ name: 'normalised', samples }],
    truth: 'from the annotations, by each side',
    port: label(ours.y),
    original: label(theirs.y),
  });
}

function streamCase(task: FrameTask, form: OriginalForm): SuiteCase {
  return {
    name: `frames of ${tasks[task]}, ${form}`,
    on: { dataSet: 'icentia11k', task: tasks[task] },
    quick: (form === 'zipped') === (task === 'heart_rate' || task === 'cpc'),
    run: async (context) => {
      collectionFolder(context, 'icentia11k');
      const patients = await context.data.icentia(form);
      const rows: Row[] = [];
      for (const [i, stream] of streams[task].entries()) {
        const name = `${stream.options.samplesPerPatient} frames of ${stream.frameSize} samples a patient`;
        const show = i === 0 && form === 'zipped';
        rows.push(...(await compareStream(context, name, stream, patients, 240, show)));
      }
      return rows;
    },
  };
}

/** Batches, which TensorFlow makes in a thread of its own; so does the port when it reads ahead. */
function batchCase(task: FrameTask): SuiteCase {
  return {
    name: `batches of ${tasks[task]}`,
    on: { dataSet: 'icentia11k', task: tasks[task] },
    run: async (context) => {
      collectionFolder(context, 'icentia11k');
      const patients = await context.data.icentia('unzipped');
      const [stream] = streams[task];
      const size = { seed: context.seed, batches: 5, batchSize: 16 };
      const { task: name, frameSize } = stream;
      const theirs = await context.original.sampling.batches(name, patients, frameSize, pythonOptions(stream), size);
      const rows: Row[] = [];
      for (const readAhead of [0, 3]) {
        const random = new RandomState(context.seed);
        const batches = portBatches(stream, patients, { batchSize: size.batchSize, readAhead, random });
        const ours = await takeBatches(batches, size.batches);
        rows.push(...sameFrames(readAhead === 0 ? 'made when asked for' : `${readAhead} read ahead`, ours, theirs));
      }
      return rows;
    },
  };
}

async function takeBatches(batches: BatchStream, count: number): Promise<Omit<Frames, 'state'>> {
  const parts = new Map<string, NdArray[]>();
  const codes: NdArray[] = [];
  try {
    for (let i = 0; i < count; i++) {
      const { value } = await batches.next();
      if (!value) break;
      const inputs = 'context' in value.x ? value.x : { x: value.x };
      for (const [name, part] of Object.entries(inputs)) parts.set(name, [...(parts.get(name) ?? []), part]);
      codes.push(value.y);
    }
  } finally {
    await batches.close();
  }
  return { inputs: new Map([...parts].map(([name, list]) => [name, joinArrays(list)])), y: joinArrays(codes) };
}

/** Options of the underlying generators that `pretraining.datasets` leaves at their defaults. */
const rawCase: SuiteCase = {
  name: 'frames: options of the generators of icentia11k',
  on: { dataSet: 'icentia11k' },
  quick: true,
  run: async (context) => {
    collectionFolder(context, 'icentia11k');
    const patients = await context.data.icentia('unzipped');
    const { seed, original } = context;
    const frameSize = 512;
    const source = (random: RandomState) =>
      icentia11k.uniformPatientGenerator(patients.dbDir, patients.patientIds, {
        repeat: false,
        shuffle: false,
        unzipped: patients.unzipped,
        random,
      });
    const each = { frameSize, samplesPerPatient: 25 };
    const context3 = { contextSize: 3, ns: 4, frameSize: 256, nsSameSegmentProb: 0.7, samplesPerPatient: 10 };
    const variants: readonly [string, string, object, (random: RandomState) => Iterator<Item>, number | null][] = [
      [
        'labels of a larger frame',
        'heart_rate_data_generator',
        { frame_size: frameSize, label_frame_size: 1500, samples_per_patient: 25 },
        (random) => icentia11k.heartRateDataGenerator(source(random), { ...each, labelFrameSize: 1500, random }),
        null,
      ],
      [
        'labels of a smaller frame',
        'heart_rate_data_generator',
        { frame_size: frameSize, label_frame_size: 150, samples_per_patient: 25 },
        (random) => icentia11k.heartRateDataGenerator(source(random), { ...each, labelFrameSize: 150, random }),
        null,
      ],
      [
        'an odd frame size (Quirk Q22)',
        'heart_rate_data_generator',
        { frame_size: 501, samples_per_patient: 25 },
        (random) => icentia11k.heartRateDataGenerator(source(random), { ...each, frameSize: 501, random }),
        null,
      ],
      [
        'without labels',
        'signal_generator',
        { frame_size: frameSize, samples_per_patient: 25 },
        (random) => icentia11k.signalGenerator(source(random), { ...each, random }),
        null,
      ],
      [
        'negatives mostly of the same segment',
        'cpc_data_generator',
        { context_size: 3, ns: 4, frame_size: 256, ns_same_segment_prob: 0.7, samples_per_patient: 10 },
        (random) => icentia11k.cpcDataGenerator(bufferedGenerator(source(random), 2), { ...context3, random }),
        2,
      ],
    ];
    const rows: Row[] = [];
    for (const [name, generator, options, make, buffer] of variants) {
      const count = 1000; // One pass of the patients ends before.
      const theirs = await original.sampling.rawFrames(generator, patients, { ...options }, { seed, count, buffer });
      const random = new RandomState(seed);
      const ours = takeFrames(make(random), count, random);
      rows.push(...sameFrames(name, ours, theirs), sameState(name, ours.state, theirs.state));
    }
    return rows;
  },
};

/** Frames with few possible positions, so that one position more or less changes the draws. */
const rangeCase: SuiteCase = {
  name: 'frames: the last places of a segment',
  on: { dataSet: 'icentia11k' },
  quick: true,
  run: async (context) => {
    collectionFolder(context, 'icentia11k');
    const patients = await context.data.icentia('unzipped');
    const length = icentia11k.loadSignal(patients.dbDir, patients.patientIds[0], patients).shape[1];
    const rows: Row[] = [];
    for (const task of ['rhythm', 'beat', 'heart_rate'] as const) {
      for (const frameSize of [length / 2, length - 1]) {
        const stream = { task, frameSize, options: { samplesPerPatient: 4 } };
        rows.push(...(await compareStream(context, `${tasks[task]}, ${frameSize} of ${length}`, stream, patients, 16)));
      }
    }
    // Context and positive sample have one possible position, a negative one has half of the segment.
    const options = { samplesPerPatient: 4, contextOverlap: 1, numBufferedPatients: 2 };
    const stream = { task: 'cpc', frameSize: length / 2, contextSize: 1, ns: 2, options } as const;
    rows.push(...(await compareStream(context, `cpc, ${length / 2} of ${length}`, stream, patients, 16)));
    return rows;
  },
};

/** Two whole segments of up to two patients, which the port converts from PhysioNet's edition. */
function wholeCase(unzipped: boolean): SuiteCase {
  const form = unzipped ? 'unzipped' : 'zipped';
  return {
    name: `frames of whole segments, converted to ${form}`,
    on: { dataSet: 'icentia11k' },
    run: async (context) => {
      const source = collectionFolder(context, 'icentia11k');
      const target = join(context.scratch, form);
      const [first, ...others] = findPatients(source).slice(0, 2);
      const segments = segmentsOf(source, first).slice(0, 2);
      const patientIds = [
        first,
        ...others.filter((id) => segments.every((one) => segmentsOf(source, id).includes(one))),
      ];
      const { failed } = await convertIcentia11k({ source, target, patientIds, segments, unzipped });
      if (failed.length > 0) throw failed[0].error;
      const patients = { dbDir: target, patientIds, unzipped };
      const rows: Row[] = [];
      for (const task of Object.keys(streams) as FrameTask[]) {
        const [stream] = streams[task];
        rows.push(...(await compareStream(context, tasks[task], stream, patients, 80)));
      }
      return rows;
    },
  };
}

/** CPC needs no labels, so neither side may read them. */
const unlabelledCase: SuiteCase = {
  name: 'frames of cpc, patients without labels',
  on: { dataSet: 'icentia11k', task: 'cpc' },
  quick: true,
  run: async (context) => {
    collectionFolder(context, 'icentia11k');
    const { dbDir, patientIds, unzipped } = await context.data.icentia('unzipped');
    for (const id of patientIds) {
      cpSync(patientFile(dbDir, id, '.npy'), patientFile(context.scratch, id, '.npy'));
    }
    const [stream] = streams.cpc;
    return compareStream(context, 'no labels', stream, { dbDir: context.scratch, patientIds, unzipped }, 80);
  },
};

const frameTasks = Object.keys(streams) as FrameTask[];

/** Cases of the suite `sampling` about frames of Icentia11k. */
export const frameCases: readonly SuiteCase[] = [
  ...frameTasks.flatMap((task) => (['zipped', 'unzipped'] as const).map((form) => streamCase(task, form))),
  ...frameTasks.map(batchCase),
  rawCase,
  rangeCase,
  unlabelledCase,
  wholeCase(false),
  wholeCase(true),
];
