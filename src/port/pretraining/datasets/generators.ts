/** Normalised frames of patients, and batches of them. Part of `datasets.ts`. */
import { random as globalRandom, type RandomState } from '../../../lib/numpy/random.ts';
import { ValueError } from '../../../lib/python/errors.ts';
import * as icentia11k from '../../transplant/datasets/icentia11k.ts';
import { bufferedGenerator } from '../../transplant/utils.ts';
import type { PretrainingTask } from '../utils.ts';
import {
  asFloat32,
  batched,
  type FrameBatch,
  type Item,
  interleaved,
  type ShuffleOptions,
  shuffled,
} from './batches.ts';

/** Options of all tasks. */
export interface GeneratorOptions {
  /** True (default): normalise with the data set's constants; false: do not normalise; or other constants. */
  readonly normalize?: boolean | icentia11k.FrameNormalization;
  /** The folder holds unzipped files; default false. */
  readonly unzipped?: boolean;
  /** Items to take from a patient before the next one is loaded; default 1. */
  readonly samplesPerPatient?: number;
  /** Source of the draws; default NumPy's global one. */
  readonly random?: RandomState;
  /** Loads patients in place of `loadPatientData`. */
  readonly load?: icentia11k.UniformPatientOptions['load'];
}

/** Further options of contrastive predictive coding; see `icentia11k.CpcOptions`. */
export interface CpcGeneratorOptions extends GeneratorOptions {
  readonly contextOverlap?: number;
  readonly positiveOffset?: number;
  /** Patients among which samples are drawn; default 16. */
  readonly numBufferedPatients?: number;
}

/** Options of a stream of batches. */
export interface BatchOptions {
  /** Samples of a batch. */
  readonly batchSize: number;
  /** Batches that a thread prepares ahead, default 4; 0: no thread. The draws are the same either way. */
  readonly readAhead?: number;
  /** How to shuffle the samples; default: not at all. */
  readonly shuffle?: ShuffleOptions;
  /** Batches to draw and skip first, to resume a stream; default 0. */
  readonly skip?: number;
  /** Number of generators that take turns, each with an equal share of the patients; default 1. Quirk Q45: the remainder is never used. */
  readonly parallelism?: number;
}

/** Everything that defines a stream of batches except its random state, as plain data that a thread can receive. */
export interface StreamSpec {
  readonly task: PretrainingTask;
  readonly dbDir: string;
  readonly patientIds: readonly number[];
  readonly frameSize: number;
  readonly contextSize?: number;
  readonly ns?: number;
  readonly options: Omit<CpcGeneratorOptions, 'random' | 'load'>;
  readonly batch: Omit<BatchOptions, 'readAhead'>;
}

type Frame = icentia11k.LabelledFrame[0];

function normalizer(normalize: GeneratorOptions['normalize'] = true): (x: Frame) => Frame {
  if (normalize === false) return (x) => x;
  const constants = normalize === true ? undefined : normalize;
  return (x) => icentia11k.normalize(x, isFloat(x) && ownsMemory(x), constants);
}

function isFloat({ dtype }: Frame): boolean {
  return dtype === 'float32' || dtype === 'float64' || dtype === 'float16';
}

/** Whether a frame can be changed in place: frames of a signal in memory are views of it, others are copies. */
function ownsMemory({ data }: Frame): boolean {
  return data.byteLength === data.buffer.byteLength;
}

function* framesOf(
  sample: typeof icentia11k.beatDataGenerator,
  dbDir: string,
  patientIds: ArrayLike<number>,
  frameSize: number,
  options: GeneratorOptions,
): Generator<icentia11k.LabelledFrame> {
  const { normalize, unzipped, samplesPerPatient, random, load } = options;
  const scale = normalizer(normalize);
  const patients = icentia11k.uniformPatientGenerator(dbDir, patientIds, { unzipped, random, load });
  for (const [x, y] of sample(patients, { frameSize, samplesPerPatient, random })) yield [scale(x), y];
}

/** Frames, shape `(frameSize, 1)`, with their rhythm codes, without end. Twin of `pretraining.datasets.rhythm_generator`. */
export function rhythmGenerator(
  dbDir: string,
  patientIds: ArrayLike<number>,
  frameSize: number,
  options: GeneratorOptions = {},
): Generator<icentia11k.LabelledFrame> {
  return framesOf(icentia11k.rhythmDataGenerator, dbDir, patientIds, frameSize, options);
}

/** Frames with their beat codes. Twin of `pretraining.datasets.beat_generator`. */
export function beatGenerator(
  dbDir: string,
  patientIds: ArrayLike<number>,
  frameSize: number,
  options: GeneratorOptions = {},
): Generator<icentia11k.LabelledFrame> {
  return framesOf(icentia11k.beatDataGenerator, dbDir, patientIds, frameSize, options);
}

/** Frames with their heart rate codes. Twin of `pretraining.datasets.heart_rate_generator`. */
export function heartRateGenerator(
  dbDir: string,
  patientIds: ArrayLike<number>,
  frameSize: number,
  options: GeneratorOptions = {},
): Generator<icentia11k.LabelledFrame> {
  return framesOf(icentia11k.heartRateDataGenerator, dbDir, patientIds, frameSize, options);
}

/** Contrastive tasks. Twin of `pretraining.datasets.cpc_generator`. */
export function* cpcGenerator(
  dbDir: string,
  patientIds: ArrayLike<number>,
  frameSize: number,
  contextSize: number,
  ns: number,
  options: CpcGeneratorOptions = {},
): Generator<icentia11k.CpcItem> {
  const {
    normalize,
    unzipped,
    samplesPerPatient,
    random,
    load,
    contextOverlap,
    positiveOffset,
    numBufferedPatients = 16,
  } = options;
  const scale = normalizer(normalize);
  const loading = { unzipped, random, load, includeLabels: false };
  const patients = icentia11k.uniformPatientGenerator(dbDir, patientIds, loading);
  const buffers = bufferedGenerator(patients, numBufferedPatients);
  const sampling = { frameSize, contextSize, ns, contextOverlap, positiveOffset, samplesPerPatient, random };
  for (const [{ context, samples }, y] of icentia11k.cpcDataGenerator(buffers, sampling)) {
    yield [{ context: scale(context), samples: scale(samples) }, y];
  }
}

function itemsOf(
  spec: StreamSpec,
  patientIds: ArrayLike<number>,
  random: RandomState,
  load: GeneratorOptions['load'],
): Generator<Item> {
  const { task, dbDir, frameSize, contextSize = 8, ns = 1 } = spec;
  const options = { ...spec.options, random, load };
  switch (task) {
    case 'rhythm':
      return rhythmGenerator(dbDir, patientIds, frameSize, options);
    case 'beat':
      return beatGenerator(dbDir, patientIds, frameSize, options);
    case 'hr':
      return heartRateGenerator(dbDir, patientIds, frameSize, options);
    case 'cpc':
      return cpcGenerator(dbDir, patientIds, frameSize, contextSize, ns, options);
    default:
      throw new ValueError(`unknown task ${String(task)}: choose rhythm, beat, hr or cpc`);
  }
}

/** Draws the batches of a specification in this thread. `load`: see `GeneratorOptions`. */
export function* drawBatches(
  spec: StreamSpec,
  random: RandomState = globalRandom,
  load?: GeneratorOptions['load'],
): Generator<FrameBatch> {
  const { batchSize, shuffle, skip = 0, parallelism = 1 } = spec.batch;
  if (!(Number.isInteger(parallelism) && parallelism > 0)) {
    throw new ValueError(`parallelism must be a whole number of at least 1; got ${parallelism}`);
  }
  const share = Math.floor(spec.patientIds.length / parallelism);
  const sources = Array.from({ length: parallelism }, (_, worker) =>
    itemsOf(
      spec,
      spec.patientIds.slice(worker * share, parallelism === 1 ? undefined : (worker + 1) * share),
      random,
      load,
    ),
  );
  const items = sources.length === 1 ? sources[0] : interleaved(sources);
  const ordered = shuffle === undefined ? items : shuffled(asFloat32(items), shuffle);
  let passed = 0;
  for (const batch of batched(ordered, batchSize)) if (passed++ >= skip) yield batch;
}
