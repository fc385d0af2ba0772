/**
 * Icentia11k: single-lead recordings of 11,000 patients at 250 Hz, cut into segments; every beat is a mark with a beat and a rhythm code.
 * Twin of `transplant.datasets.icentia11k`.
 */
import { fromFloat16, toFloat16 } from '../../../lib/numpy/float16.ts';
import { type NdArray, ndarray } from '../../../lib/numpy/ndarray.ts';

export * from './icentia11k_files.ts';
export * from './icentia11k_labels.ts';
export * from './icentia11k_sampling.ts';
export { signalInMemory, signalOnDisk } from './icentia11k_signal.ts';

/** Samples of a whole segment, and of the frames of the data set's authors. For information: every file has its own size. */
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
export interface Normalization {
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
  { mean, std }: Normalization = { mean: dsMean, std: dsStd },
): NdArray {
  switch (array.dtype) {
    case 'float64':
      return { ...array, data: scale(inplace ? array.data : array.data.slice(), mean, std) };
    case 'float32':
      return { ...array, data: scale(inplace ? array.data : array.data.slice(), mean, std, Math.fround) };
    case 'float16': {
      const values = scale(Float64Array.from(array.data as Uint16Array, fromFloat16), mean, std, (x) =>
        fromFloat16(toFloat16(x)),
      );
      const data = inplace ? (array.data as Uint16Array) : new Uint16Array(values.length);
      values.forEach((value, k) => {
        data[k] = toFloat16(value);
      });
      return { ...array, data };
    }
    default:
      if (inplace)
        throw new TypeError(
          `normalised values are float64 and do not fit into an array of ${array.dtype}: normalise a copy`,
        );
      return ndarray('float64', array.shape, scale(Float64Array.from(array.data as Int32Array, Number), mean, std));
  }
}

/** `(x − mean) / std` in place. `round` rounds to a shorter type: the constants, as NumPy does, and each result. */
function scale(
  data: NdArray['data'],
  mean: number,
  std: number,
  round: (x: number) => number = (x) => x,
): Float64Array {
  const values = data as Float64Array;
  const [m, s] = [round(mean), round(std)];
  for (let k = 0; k < values.length; k++) values[k] = round(round(values[k]! - m) / s);
  return values;
}
