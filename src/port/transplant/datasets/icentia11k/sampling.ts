import { bytesOf, itemSize, type NdArray, ndarray, zeros } from '../../../../lib/numpy/ndarray.ts';
import { random as globalRandom, type RandomState } from '../../../../lib/numpy/random.ts';
import { IndexError, ValueError } from '../../../../lib/python/errors.ts';
import { loadPatientData, type PatientData, type Signal } from './files.ts';
import { getBeatLabel, getCompleteBeats, getHeartRateLabel, getRhythmDurations, getRhythmLabel } from './labels.ts';

/** A patient: its number and its data. */
export type Patient = readonly [id: number, data: PatientData];

/** A frame, shape `(frameSize, 1)` in the signal's dtype, and its code. */
export type LabelledFrame = readonly [x: NdArray, y: number];

/** A contrastive task: which of `samples`, shape `(ns + 1, frameSize, 1)`, follows `context`, shape `(contextSize, frameSize, 1)`. */
export type CpcItem = readonly [x: { readonly context: NdArray; readonly samples: NdArray }, y: number];

export interface SamplingOptions {
  /** Samples of a frame; default 2048. */
  readonly frameSize?: number;
  /** Items from a patient before the next one is asked for; default 1. */
  readonly samplesPerPatient?: number;
  /** Source of the draws; default NumPy's global one. */
  readonly random?: RandomState;
}

/** A frame, its segment and its first sample. The two draws of every frame generator, in their order. */
function drawPlace(signal: Signal, size: number, random: RandomState): { segment: number; start: number } {
  const [segments, length] = signal.shape;
  const segment = random.randint(segments);
  // Quirk Q17: the last frame of a segment is never drawn, and a segment of just one frame is an error.
  if (length <= size) {
    throw new ValueError(
      `${signal.source}: a segment has ${length} samples; a frame of ${size} needs at least ${size + 1}. Choose a smaller frame size.`,
    );
  }
  return { segment, start: random.randint(length - size) };
}

function withChannel(frame: NdArray): NdArray {
  return ndarray(frame.dtype, [...frame.shape, 1], frame.data);
}

function labelsOf(data: PatientData, id: number): NonNullable<PatientData[1]> {
  if (data[1] === null) throw new TypeError(`patient ${id} was loaded without labels: load it with includeLabels`);
  return data[1];
}

function* frames(
  patients: Iterable<Patient>,
  labelType: 'rtype' | 'btype',
  label: (
    positions: Parameters<typeof getCompleteBeats>[0],
    codes: Parameters<typeof getBeatLabel>[0],
    start: number,
    end: number,
  ) => number,
  { frameSize = 2048, samplesPerPatient = 1, random = globalRandom }: SamplingOptions,
): Generator<LabelledFrame> {
  for (const [id, data] of patients) {
    const [signal] = data;
    const marks = labelsOf(data, id)[labelType];
    for (let k = 0; k < samplesPerPatient; k++) {
      const { segment, start } = drawPlace(signal, frameSize, random);
      const end = start + frameSize;
      const [positions, codes] = marks[segment];
      yield [withChannel(signal.read(segment, start, end)), label(positions, codes, start, end)];
    }
  }
}

/** Frames with the code of their rhythm. Twin of `icentia11k.rhythm_data_generator`. */
export function rhythmDataGenerator(
  patientGenerator: Iterable<Patient>,
  options: SamplingOptions = {},
): Generator<LabelledFrame> {
  return frames(
    patientGenerator,
    'rtype',
    (positions, codes, start, end) => getRhythmLabel(...getRhythmDurations(positions, codes, start, end)),
    options,
  );
}

/** Frames with the code of their beats. Twin of `icentia11k.beat_data_generator`. */
export function beatDataGenerator(
  patientGenerator: Iterable<Patient>,
  options: SamplingOptions = {},
): Generator<LabelledFrame> {
  return frames(
    patientGenerator,
    'btype',
    (positions, codes, start, end) => getBeatLabel(getCompleteBeats(positions, codes, start, end)[1]),
    options,
  );
}

export interface HeartRateOptions extends SamplingOptions {
  /** Samples, around the centre of the frame, whose beats give the heart rate; default the frame's own. */
  readonly labelFrameSize?: number | null;
}

/**
 * Frames with the code of their heart rate. Twin of `icentia11k.heart_rate_data_generator`.
 *
 * Quirk Q22: an odd frame size gives frames of one sample fewer, and the first mark of a frame is not used.
 */
export function* heartRateDataGenerator(
  patientGenerator: Iterable<Patient>,
  { frameSize = 2048, labelFrameSize = null, samplesPerPatient = 1, random = globalRandom }: HeartRateOptions = {},
): Generator<LabelledFrame> {
  const labelSize = labelFrameSize ?? frameSize;
  const reach = Math.max(frameSize, labelSize);
  const half = Math.floor(frameSize / 2);
  const labelHalf = Math.floor(labelSize / 2);
  for (const [id, data] of patientGenerator) {
    const [signal] = data;
    const marks = labelsOf(data, id).btype;
    for (let k = 0; k < samplesPerPatient; k++) {
      const { segment, start } = drawPlace(signal, reach, random);
      const centre = start + Math.floor(reach / 2);
      const beats = getCompleteBeats(marks[segment][0], null, centre - labelHalf, centre + labelHalf);
      const x = withChannel(signal.read(segment, centre - half, centre + half));
      yield [x, getHeartRateLabel(beats, 250)];
    }
  }
}

/** Frames without a label. Twin of `icentia11k.signal_generator`. */
export function* signalGenerator(
  patientGenerator: Iterable<Patient>,
  { frameSize = 2048, samplesPerPatient = 1, random = globalRandom }: SamplingOptions = {},
): Generator<NdArray> {
  for (const [, [signal]] of patientGenerator) {
    for (let k = 0; k < samplesPerPatient; k++) {
      const { segment, start } = drawPlace(signal, frameSize, random);
      yield withChannel(signal.read(segment, start, start + frameSize));
    }
  }
}

export interface CpcOptions extends SamplingOptions {
  /** Frames of the context. */
  readonly contextSize: number;
  /** Negative samples beside the positive one. */
  readonly ns: number;
  /** Samples that neighbouring context frames share; default 0. Quirk Q23: with an offset of 0 they leak from the positive sample. */
  readonly contextOverlap?: number;
  /** Frames between the context and the positive sample; default 0. */
  readonly positiveOffset?: number;
  /** Probability that a negative comes from the positive's segment; null, the default, and 0 (Quirk Q24) mean uniform over all. */
  readonly nsSameSegmentProb?: number | null;
}

/** Tasks of contrastive predictive coding from buffers of patients. Twin of `icentia11k.cpc_data_generator`. */
export function* cpcDataGenerator(
  bufferedPatientGenerator: Iterable<readonly Patient[]>,
  options: CpcOptions,
): Generator<CpcItem> {
  const { contextSize, ns, frameSize = 2048, contextOverlap = 0, positiveOffset = 0 } = options;
  const { nsSameSegmentProb = null, samplesPerPatient = 1, random = globalRandom } = options;
  const step = frameSize - contextOverlap;
  if (!(step > 0)) {
    throw new ValueError(
      `context frames of ${frameSize} samples cannot share ${contextOverlap}: the overlap has to be smaller`,
    );
  }
  const contextLength = contextSize * step;
  for (const patients of bufferedPatientGenerator) {
    for (let k = 0; k < samplesPerPatient; k++) {
      const [patient, segment] = chooseRandomSegment(patients, null, null, random);
      const signal = patients[patient][1][0];
      const whole = contextLength + frameSize * (positiveOffset + 1);
      if (signal.shape[1] <= whole) {
        throw new ValueError(
          `${signal.source}: a segment has ${signal.shape[1]} samples; context and positive sample need at least ${whole + 1}. Choose a smaller context, offset or frame size.`,
        );
      }
      const start = random.randint(signal.shape[1] - whole);
      const context = Array.from({ length: contextSize }, (_, frame) =>
        signal.read(segment, start + frame * step, start + frame * step + frameSize),
      );
      const positiveStart = start + contextLength + frameSize * positiveOffset;
      const positive = signal.read(segment, positiveStart, positiveStart + frameSize);
      const preference = nsSameSegmentProb ? ([patient, segment, nsSameSegmentProb] as const) : null;
      const samples = chooseRandomSegment(patients, ns, preference, random).map(([otherPatient, otherSegment]) => {
        const other = patients[otherPatient][1][0];
        const otherStart = random.randint(other.shape[1] - frameSize);
        return other.read(otherSegment, otherStart, otherStart + frameSize);
      });
      const y = random.randint(ns + 1);
      samples.splice(y, 0, positive);
      yield [{ context: stack(context, frameSize), samples: stack(samples, frameSize) }, y];
    }
  }
}

/** Frames of one dtype as one array of shape `(frames, frameSize, 1)`; without frames float64 of shape `(0,)`. */
function stack(frameList: readonly NdArray[], frameSize: number): NdArray {
  // As NumPy makes an array of an empty list.
  if (frameList.length === 0) return zeros('float64', [0]);
  const { dtype } = frameList[0];
  const odd = frameList.find((frame) => frame.dtype !== dtype);
  if (odd)
    throw new ValueError(
      `signals of ${dtype} and of ${odd.dtype} cannot make one item: store all patients in one dtype`,
    );
  const stacked = zeros(dtype, [frameList.length, frameSize, 1]);
  const bytes = bytesOf(stacked);
  for (const [k, frame] of frameList.entries()) bytes.set(bytesOf(frame), k * frameSize * itemSize[dtype]);
  return stacked;
}

/**
 * Draws a segment of one of the patients: uniformly, or `[patient, segment, probability]` with this probability and every other one with
 * an equal share of the rest. Twin of `icentia11k._choose_random_segment`.
 *
 * @param size Number of independent draws, made at once; null for a single one.
 * @returns `[patient, segment]`, or a list of them where `size` is given.
 * @throws IndexError for a patient or segment that is not there (Quirk Q25); TypeError without patients; ValueError if the probabilities cannot be
 *   drawn from.
 */
export function chooseRandomSegment(
  patients: readonly Patient[],
  size: null,
  segmentP: readonly [patient: number, segment: number, probability: number] | null,
  random?: RandomState,
): [patient: number, segment: number];
export function chooseRandomSegment(
  patients: readonly Patient[],
  size: number,
  segmentP: readonly [patient: number, segment: number, probability: number] | null,
  random?: RandomState,
): [patient: number, segment: number][];
export function chooseRandomSegment(
  patients: readonly Patient[],
  size: number | null,
  segmentP: readonly [number, number, number] | null,
  random: RandomState = globalRandom,
): [number, number] | [number, number][] {
  const firsts = [0];
  for (const [, [signal]] of patients) firsts.push(firsts[firsts.length - 1] + signal.shape[0]);
  const total = firsts[firsts.length - 1];
  if (patients.length === 0 && segmentP === null) throw new TypeError('there are no patients to draw a segment of');
  let p = new Float64Array(total).fill(1 / total);
  if (segmentP !== null) {
    const [patient, segment, probability] = segmentP;
    if (patients[patient] === undefined || firsts[patient] + segment >= total) {
      throw new IndexError(`there is no segment ${segment} of patient ${patient} among ${patients.length} patients`);
    }
    p = new Float64Array(total).fill((1 - probability) / (total - 1));
    p[firsts[patient] + segment] = probability;
  }
  const locate = (index: number): [number, number] => {
    let patient = 0;
    while (index >= firsts[patient + 1]) patient++;
    return [patient, index - firsts[patient]];
  };
  const drawn = random.choice(total, { size: size ?? 1, p });
  return size === null ? locate(drawn[0]) : Array.from(drawn, locate);
}

export interface PatientGeneratorOptions {
  /** Load labels too; default true. */
  readonly includeLabels?: boolean;
  /** The folder holds unzipped files; default false. */
  readonly unzipped?: boolean;
  readonly random?: RandomState;
}

export interface UniformPatientOptions extends PatientGeneratorOptions {
  /** Start again after the last patient; default true. */
  readonly repeat?: boolean;
  /** Loads a patient in place of `loadPatientData`, and is told who asks and which patients are next in this pass. */
  readonly load?: (id: number, asking: object, next: readonly number[]) => PatientData;
  /** Shuffle before every pass; default true. Quirk Q26: each pass shuffles the order of the pass before. */
  readonly shuffle?: boolean;
}

/** Most patients of which a loader is told that they are next. */
const lookAhead = 32;

/**
 * Every patient once a pass. Twin of `icentia11k.uniform_patient_generator`.
 *
 * @throws ValueError if it should repeat no patients at all, where the original never returns (Quirk Q26).
 */
export function* uniformPatientGenerator(
  dbDir: string,
  patientIds: ArrayLike<number>,
  options: UniformPatientOptions = {},
): Generator<Patient> {
  const { repeat = true, shuffle = true, random = globalRandom } = options;
  const ids = Array.from(patientIds);
  if (repeat && ids.length === 0) {
    throw new ValueError(
      'there are no patients to draw from: give at least one patient id (and no more workers than patients)',
    );
  }
  do {
    if (shuffle) random.shuffle(ids);
    for (const [k, id] of ids.entries()) {
      const next = ids.slice(k + 1, k + 1 + lookAhead);
      yield [id, options.load?.(id, ids, next) ?? loadPatientData(dbDir, id, options)];
    }
  } while (repeat);
}

export interface RandomPatientOptions extends PatientGeneratorOptions {
  /** Probability of each patient; null, the default, is the same for all. */
  readonly patientWeights?: ArrayLike<number> | null;
}

/** Patients drawn with replacement, without end, 1,024 at once. Twin of `icentia11k.random_patient_generator`. */
export function* randomPatientGenerator(
  dbDir: string,
  patientIds: ArrayLike<number>,
  options: RandomPatientOptions = {},
): Generator<Patient> {
  const { patientWeights = null, random = globalRandom } = options;
  for (;;) {
    const indices = random.choice(patientIds.length, { size: 1024, p: patientWeights ?? undefined });
    for (const index of indices) {
      const id = patientIds[index];
      yield [id, loadPatientData(dbDir, id, options)];
    }
  }
}
