import { InputError } from '../errors.ts';
import type { NdArray } from '../lib/numpy/ndarray.ts';
import type { Resampler } from '../lib/samplerate/resample.ts';
import { transformRecord } from '../port/finetuning/datasets/preparation.ts';
import { type Normalization, normalizer } from '../port/transplant/datasets/physionet/normalization.ts';
import { type Note, type Recording, type RecordingFormat, readRecording } from '../recordings/recordings.ts';
import { checkSignal, type Tolerated } from '../recordings/usable_signal.ts';

/** What is done to every recording of a set before it is padded. Plain data, so that it can go to threads and into files. */
export interface RecordPlan extends Tolerated {
  readonly format: RecordingFormat;
  readonly normalization: Normalization | null;
  /** Sampling rate to resample to (Hz); `null`: as recorded. */
  readonly fs: number | null;
  /** Leads to take, by name and in this order; other leads are left out. */
  readonly leads: readonly string[];
  readonly units: string;
  /** Rate that recordings must have where they are not resampled. */
  readonly recordedFs: number;
}

/**
 * Reads a recording, takes its leads, normalises and resamples it: `_transform_records` for one record.
 *
 * @param path without ending, or the name of one of its files.
 * @param note is told what is noticed beside what makes the recording unusable.
 * @returns shape (samples, leads); float32 if it was resampled, else float64.
 * @throws InputError if leads are missing or flat, the unit is another kind, samples are missing (NaN), or the rate is wrong where nothing is resampled.
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
      expected: `${plan.recordedFs} Hz, as the recordings before`,
      next: 'Leave the record out, or resample all: prepare-data --fs 250.',
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

/** Reads the leads of a plan, as recorded, and checks them. */
export function readPlanned(path: string, plan: RecordPlan, note?: (note: Note) => void): Recording {
  const { leads, units } = plan;
  const recording = readRecording(path, plan.format, { leads, units, note });
  checkSignal(recording.signal, leads, { ...plan, file: recording.file, note });
  return recording;
}
