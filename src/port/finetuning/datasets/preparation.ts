import type { NdArray } from '../../../lib/numpy/ndarray.ts';
import type { Resampler } from '../../../lib/samplerate/resample.ts';
import { resampled, type SampledRecord } from '../../transplant/datasets/physionet/resampling.ts';
import type { Normalizer } from '../../transplant/datasets/physionet.ts';

/** What is done to a record before it is padded. */
export interface RecordTransform {
  readonly normalize: Normalizer | null;
  /** Sampling rate to resample to (Hz); `null`: as recorded. */
  readonly fs: number | null;
}

/**
 * Normalises records in place, then resamples them. In this order, so that the zeros of later padding are zeros after normalisation. Twin of `_transform_records`,
 * up to padding.
 *
 * @returns shape (samples, leads) each; float32 if it was resampled, else float64.
 */
export function transformRecords(
  records: readonly SampledRecord[],
  { normalize, fs }: RecordTransform,
  resampler: Resampler,
): NdArray<'float32' | 'float64'>[] {
  // Quirk Q33: in the original, normalising survives resampling only because it changes the record in place.
  for (const { pSignal } of records) normalize?.(pSignal, true);
  return fs ? resampled(records, fs, resampler) : records.map(({ pSignal }) => pSignal);
}

/** Form of one recording in the stacked array. */
export interface RowShape {
  readonly dtype: 'float32' | 'float64';
  readonly samples: number;
  readonly leads: number;
}

/**
 * The form that all recordings of a set get when they are stacked.
 *
 * @param recordings at least one, as transformed.
 * @param pad samples of a row, `max` for those of the longest recording; nothing: recordings have to be equally long.
 * @param refuse the error for a recording, by its number, that does not fit the first.
 */
export function stackedShape(
  recordings: readonly RowShape[],
  pad: number | 'max' | null,
  refuse: (different: number) => Error,
): RowShape {
  const [first] = recordings;
  const different = recordings.findIndex(
    ({ samples, leads }) => leads !== first.leads || (!pad && samples !== first.samples),
  );
  if (different !== -1) throw refuse(different);
  // Quirk Q34: padding takes the first recording's dtype; without it NumPy takes the widest.
  if (!pad) return recordings.find(({ dtype }) => dtype === 'float64') ?? first;
  const samples = pad === 'max' ? recordings.reduce((longest, row) => Math.max(longest, row.samples), 0) : pad;
  return { ...first, samples };
}
