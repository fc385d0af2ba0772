import { InputError } from '../errors.ts';
import type { NdArray } from '../lib/numpy/ndarray.ts';
import type { Resampler } from '../lib/samplerate/resample.ts';
import { transformRecord } from '../port/finetuning/datasets/preparation.ts';
import { type Normalization, normalizer } from '../port/transplant/datasets/physionet/normalization.ts';
import { type Note, type Recording, type RecordingFormat, readRecording } from '../recordings/recordings.ts';
import { checkSignal, type Tolerated } from '../recordings/usable_signal.ts';

/** What is done to every recording of a set before padding. Plain data, so that it can be sent to threads and saved in files. */
export interface RecordPlan extends Tolerated {
  readonly format: RecordingFormat;
  readonly normalization: Normalization | null;
  /** Sampling rate to resample to (Hz); `null`: as recorded. */
  readonly fs: number | null;
  /** Leads to use, by name and in this order. */
  readonly leads: readonly string[];
  readonly units: string;
  /** Sampling rate (Hz) that all recordings must have if they are not resampled. */
  readonly recordedFs: number;
}

/**
 * Reads a recording, checks it, selects its leads, then transforms it as the twin does: `_transform_records` for one recording of any format.
 *
 * @param path without ending, or the name of one of its files.
 * @param note receives remarks that do not make the recording unusable.
 * @returns shape (samples, leads); float32 if it was resampled, else float64.
 * @throws InputError if leads are missing or flat, the unit cannot be converted, samples are missing (NaN), or the rate differs and nothing is resampled.
 */
export function prepareRecording(
  path: string,
  plan: RecordPlan,
  resampler: Resampler,
  note?: (note: Note) => void,
): NdArray<'float32' | 'float64'> {
  const { file, signal: pSignal, fs } = readPlanned(path, plan, note);
  if (plan.fs === null && fs !== plan.recordedFs) {
    throw new InputError('recordings have different sampling rates', {
      file,
      got: `${fs} Hz`,
      expected: `${plan.recordedFs} Hz, as in the first recording`,
      next: 'Leave the record out, or resample all recordings: prepare-data --fs 250.',
    });
  }
  const normalize = plan.normalization && normalizer(plan.normalization);
  const prepared = transformRecord({ pSignal, fs }, { normalize, fs: plan.fs }, resampler);
  if (prepared.shape[0] === 0) {
    throw new InputError('the recording is too short to be resampled', {
      file,
      got: `${pSignal.shape[0]} samples at ${fs} Hz`,
    });
  }
  return prepared;
}

/** Reads and checks the leads of a plan, as recorded. */
export function readPlanned(path: string, plan: RecordPlan, note?: (note: Note) => void): Recording {
  const { leads, units } = plan;
  const recording = readRecording(path, plan.format, { leads, units, note });
  checkSignal(recording.signal, leads, { ...plan, file: recording.file, note });
  return recording;
}
