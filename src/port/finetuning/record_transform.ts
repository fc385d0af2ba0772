import { InputError } from '../../errors.ts';
import { type NdArray, ndarray } from '../../lib/numpy/ndarray.ts';
import type { Resampler } from '../../lib/samplerate/resample.ts';
import { normalize } from '../transplant/datasets/physionet.ts';
import { type Recording, type RecordingFormat, readRecording } from './recordings.ts';

/** Mean and standard deviation: one of each, or one per lead. */
export interface Normalization {
  readonly mean: number | readonly number[];
  readonly std: number | readonly number[];
}

/** What is done to every recording of a set before it is padded. Plain data, so that it can go to threads and into files. */
export interface RecordPlan {
  readonly format: RecordingFormat;
  readonly normalization: Normalization | null;
  /** Sampling rate to resample to (Hz); `null`: as recorded. */
  readonly fs: number | null;
  /** Leads to take, by name and in this order; other leads are left out. */
  readonly leads: readonly string[];
  readonly units: string;
  /** Let missing samples (NaN) pass, as the Python original does; resampling makes the whole recording NaN. */
  readonly keepMissing: boolean;
  /** Rate that recordings must have where they are not resampled. */
  readonly recordedFs: number;
}

/** Millivolts of the units that recordings come in, by their names in lower case. */
export const millivolts: ReadonlyMap<string, number> = new Map([
  ['mv', 1],
  ['uv', 1e-3],
  ['µv', 1e-3],
  ['v', 1e3],
]);

/**
 * Reads a recording, takes its leads, normalises and resamples it: `_transform_records` for one record.
 *
 * @param path without ending.
 * @returns shape (samples, leads); float32 if it was resampled, else float64.
 * @throws InputError if leads are missing, the unit is another kind, samples are missing (NaN), or the rate is wrong where nothing is resampled.
 */
export function prepareRecording(path: string, plan: RecordPlan, resampler: Resampler): NdArray<'float32' | 'float64'> {
  const recording = readRecording(path, plan.format);
  const signal = convertUnits(takeLeads(recording, plan, path), recording.units, plan.units, path);
  const at = plan.keepMissing ? -1 : signal.data.findIndex((value) => !Number.isFinite(value));
  if (at !== -1) {
    throw new InputError('a sample is missing or not finite', {
      file: path,
      where: `sample ${Math.floor(at / plan.leads.length)} of lead ${plan.leads[at % plan.leads.length]}`,
      next: 'Leave the record out or repair it; prepare-data lets it pass with --keep-missing.',
    });
  }
  if (plan.normalization) normalize(signal, plan.normalization.mean, plan.normalization.std, true);
  if (plan.fs !== null) return recording.fs === plan.fs ? signal : resampler.resample(signal, recording.fs, plan.fs);
  if (recording.fs !== plan.recordedFs) {
    throw new InputError('recordings have different sampling rates', {
      file: path,
      got: `${recording.fs} Hz`,
      expected: `${plan.recordedFs} Hz, as the first`,
      next: 'Resample all: --fs 250.',
    });
  }
  return signal;
}

/** Compares names of leads: `AVR` of PTB-XL is `aVR`. */
export function leadKey(name: string): string {
  return name.trim().toLowerCase();
}

function takeLeads({ signal, leads }: Recording, plan: RecordPlan, path: string): NdArray<'float64'> {
  const keys = leads.map(leadKey);
  const places = plan.leads.map((name) => keys.indexOf(leadKey(name)));
  const missing = plan.leads.filter((_, i) => places[i] === -1);
  if (missing.length > 0) {
    throw new InputError('leads are missing', { file: path, got: leads.join(', '), expected: missing.join(', ') });
  }
  if (places.length === leads.length && places.every((place, i) => place === i)) return signal;
  const samples = signal.shape[0]!;
  const out = new Float64Array(samples * places.length);
  for (let i = 0; i < samples; i++) {
    places.forEach((place, lead) => {
      out[i * places.length + lead] = signal.data[i * leads.length + place]!;
    });
  }
  return ndarray('float64', [samples, places.length], out);
}

function convertUnits(signal: NdArray<'float64'>, from: string, to: string, path: string): NdArray<'float64'> {
  if (from === to) return signal;
  const [source, target] = [millivolts.get(from.toLowerCase()), millivolts.get(to.toLowerCase())];
  if (source === undefined || target === undefined) {
    throw new InputError('the unit cannot be converted', { file: path, got: from, expected: to });
  }
  if (source !== target)
    for (let i = 0; i < signal.data.length; i++) signal.data[i] = (signal.data[i]! * source) / target;
  return signal;
}
