import type { NdArray } from '../../../../lib/numpy/ndarray.ts';
import type { Resampler } from '../../../../lib/samplerate/resample.ts';
import type { WfdbRecord } from '../../../../lib/wfdb/record.ts';

/** What resampling needs of a record: its signal (samples, leads) and its rate (Hz). */
export type SampledRecord = Pick<WfdbRecord, 'pSignal' | 'fs'>;

/** One record of `resample_records`: float32, or the record's own signal if it has the rate already. */
export function resampleRecord(
  record: SampledRecord,
  fs: number,
  resampler: Resampler,
): NdArray<'float32' | 'float64'> {
  return record.fs === fs ? record.pSignal : resampler.resample(record.pSignal, record.fs, fs);
}
