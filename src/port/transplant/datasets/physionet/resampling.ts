import type { NdArray } from '../../../../lib/numpy/ndarray.ts';
import { leadsTogether, type Resampler } from '../../../../lib/samplerate/resample.ts';
import type { WfdbRecord } from '../../../../lib/wfdb/record.ts';

/** What resampling needs of a record: its signal (samples, leads) and its rate (Hz). */
export type SampledRecord = Pick<WfdbRecord, 'pSignal' | 'fs'>;

/**
 * Some of the records of `resample_records`: float32, or a record's own signal if it has the rate already. Records of one rate, length and number of
 * leads are resampled together, in less time and to the same bits.
 */
export function resampled(
  records: readonly SampledRecord[],
  fs: number,
  resampler: Resampler,
): NdArray<'float32' | 'float64'>[] {
  const signals = records.map(({ pSignal }): NdArray<'float32' | 'float64'> => pSignal);
  const alike = new Map<string, number[]>();
  for (const [i, record] of records.entries()) {
    if (record.fs === fs) continue;
    const kind = [record.fs, ...record.pSignal.shape].join();
    alike.set(kind, [...(alike.get(kind) ?? []), i]);
  }
  for (const places of alike.values()) {
    const { fs: rate, pSignal } = records[places[0]];
    const most = Math.max(1, Math.floor(leadsTogether / pSignal.shape[1]));
    for (let begin = 0; begin < places.length; begin += most) {
      const some = places.slice(begin, begin + most);
      const together = resampler.resampleTogether(
        some.map((i) => records[i].pSignal),
        rate,
        fs,
      );
      for (const [k, i] of some.entries()) signals[i] = together[k];
    }
  }
  return signals;
}
