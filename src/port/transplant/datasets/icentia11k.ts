/**
 * Icentia11k: single-lead recordings of 11,000 patients at 250 Hz, cut into segments; every beat is a mark with a beat and a rhythm code.
 * Twin of `transplant.datasets.icentia11k`.
 */
import { fromFloat16, toFloat16 } from '../../../lib/numpy/float16.ts';
import { type NdArray, ndarray } from '../../../lib/numpy/ndarray.ts';

export {
  flattenRawLabels,
  type Labels,
  loadLabels,
  loadPatientData,
  loadSignal,
  type PatientData,
  type RawLabels,
  type Signal,
  type StorageOptions,
  unzipPatientData,
} from './icentia11k/files.ts';
export {
  calculateDurations,
  countLabels,
  getBeatLabel,
  getCompleteBeats,
  getHeartRateLabel,
  getRhythmDurations,
  getRhythmLabel,
  type Marks,
  type Numbers,
} from './icentia11k/labels.ts';
export {
  beatDataGenerator,
  type CpcItem,
  type CpcOptions,
  cpcDataGenerator,
  type HeartRateOptions,
  heartRateDataGenerator,
  type LabelledFrame,
  type Patient,
  type PatientGeneratorOptions,
  type RandomPatientOptions,
  randomPatientGenerator,
  rhythmDataGenerator,
  type SamplingOptions,
  signalGenerator,
  type UniformPatientOptions,
  uniformPatientGenerator,
} from './icentia11k/sampling.ts';

/** Samples of a whole segment, and of the frames that the authors of the data set used. For information: files have their own sizes. */
export const dsSegmentSize = 2 ** 20 + 1;
export const dsFrameSize = 2 ** 11 + 1;

/** Ids of all patients. Quirk Q21: generators assume that every id they are given is there. */
export const dsPatientIds: readonly number[] = Array.from({ length: 11000 }, (_, id) => id);

/** Hz. */
export const dsSamplingRate = 250;

/** Mean and standard deviation over all patients, in the unit of the distributed files. */
export const dsMean = 0.0018;
export const dsStd = 1.3711;

/** Names of the codes, by code. */
export const dsBeatNames = ['undefined', 'normal', 'pac', 'aberrated', 'pvc'] as const;
export const dsRhythmNames = ['undefined', 'end', 'noise', 'normal', 'afib', 'aflut'] as const;
export const dsHrNames = ['tachy', 'brady', 'normal', 'noise'] as const;

/** Mean and standard deviation to normalise with, in the signal's unit. */
export interface FrameNormalization {
  readonly mean: number;
  readonly std: number;
}

/**
 * `(x − mean) / std`, each step rounded to the dtype of a floating-point array; integers give float64. Twin of `icentia11k.normalize`.
 *
 * @param inplace Change the array itself; throws TypeError for integers.
 * @param constants Default the data set's own, `dsMean` and `dsStd`.
 */
export function normalize(
  array: NdArray,
  inplace = false,
  { mean, std }: FrameNormalization = { mean: dsMean, std: dsStd },
): NdArray {
  const { dtype, shape } = array;
  if (dtype === 'float32') {
    const data = array.data as Float32Array;
    return ndarray(dtype, shape, scaleFloat32(data, inplace ? data : new Float32Array(data.length), mean, std));
  }
  if (dtype === 'float64') {
    const data = array.data as Float64Array;
    return ndarray(dtype, shape, scaleFloat64(data, inplace ? data : new Float64Array(data.length), mean, std));
  }
  if (dtype === 'float16') {
    const data = array.data as Uint16Array;
    return ndarray(dtype, shape, scaleFloat16(data, inplace ? data : new Uint16Array(data.length), mean, std));
  }
  if (inplace) {
    throw new TypeError(`normalised values are float64 and do not fit into an array of ${dtype}: normalise a copy`);
  }
  const data = Float64Array.from(array.data as Int32Array, Number);
  return ndarray('float64', shape, scaleFloat64(data, data, mean, std));
}

// One loop for each type: these run for every sample of every frame. NumPy rounds the constants to the type of the array as well.

function scaleFloat32(data: Float32Array, out: Float32Array, mean: number, std: number): Float32Array {
  const m = Math.fround(mean);
  const s = Math.fround(std);
  for (let k = 0; k < data.length; k++) out[k] = Math.fround(data[k] - m) / s;
  return out;
}

function scaleFloat64(data: Float64Array, out: Float64Array, mean: number, std: number): Float64Array {
  for (let k = 0; k < data.length; k++) out[k] = (data[k] - mean) / std;
  return out;
}

function scaleFloat16(data: Uint16Array, out: Uint16Array, mean: number, std: number): Uint16Array {
  const round = (value: number): number => fromFloat16(toFloat16(value));
  const m = round(mean);
  const s = round(std);
  for (let k = 0; k < data.length; k++) out[k] = toFloat16(round(fromFloat16(data[k]) - m) / s);
  return out;
}
