import { InputError } from '../errors.ts';
import type { NdArray } from '../lib/numpy/ndarray.ts';
import { leadsTogether, type Resampler } from '../lib/samplerate/resample.ts';
import { transformRecords } from '../port/finetuning/datasets/preparation.ts';
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

/** A prepared recording of shape (samples, leads): float32 if it was resampled, else float64; or why it cannot be used. */
export type Outcome = { readonly signal: NdArray<'float32' | 'float64'> } | { readonly error: unknown };

/**
 * Reads recordings, checks them, selects their leads, then transforms them as the twin does: `_transform_records` for recordings of any format. Those
 * of one rate and length are resampled together.
 *
 * @param paths without ending, or the names of one of their files.
 * @param note receives remarks that do not make a recording unusable, with its place in `paths`.
 * @returns their outcomes in the same order. An error is an InputError if leads are missing or flat, the unit cannot be converted, samples are missing
 * (NaN), or the rate differs and nothing is resampled.
 */
export function prepareTogether(
  paths: readonly string[],
  plan: RecordPlan,
  resampler: Resampler,
  note?: (note: Note, place: number) => void,
): Outcome[] {
  const outcomes: Outcome[] = [];
  const notes: [Note, number][] = [];
  const usable: { readonly place: number; readonly recording: Recording }[] = [];
  for (const [place, path] of paths.entries()) {
    try {
      const recording = readPlanned(path, plan, (one) => notes.push([one, place]));
      checkRate(recording, plan);
      usable.push({ place, recording });
    } catch (error) {
      outcomes[place] = { error };
    }
  }
  const normalize = plan.normalization && normalizer(plan.normalization);
  const records = usable.map(({ recording: { signal, fs } }) => ({ pSignal: signal, fs }));
  try {
    const signals = transformRecords(records, { normalize, fs: plan.fs }, resampler);
    for (const [i, { place, recording }] of usable.entries()) {
      outcomes[place] = signals[i].shape[0] > 0 ? { signal: signals[i] } : { error: tooShort(recording) };
    }
  } catch (error) {
    // Each alone shows whose error it is.
    if (paths.length > 1) {
      return paths.flatMap((path, place) => prepareTogether([path], plan, resampler, (one) => note?.(one, place)));
    }
    outcomes[0] = { error };
  }
  for (const [one, place] of notes) note?.(one, place);
  return outcomes;
}

/** Most recordings that are prepared together: several times as many as are resampled together, because not all have one length. */
const most = 4 * leadsTogether;
/** Samples (of all leads) that they may have together. */
const samplesTogether = 1 << 20;

/** How many recordings to prepare together if the longest so far had so many samples (of all leads): few, so that memory stays small. Undefined: none is known. */
export function recordingsTogether(longest: number | undefined): number {
  return longest === undefined ? 1 : Math.max(1, Math.min(most, Math.floor(samplesTogether / longest)));
}

/** The outcomes of `prepareTogether` for any number of recordings, in their order; only a few recordings are in memory. */
export function* prepareInTurn(
  paths: readonly string[],
  plan: RecordPlan,
  resampler: Resampler,
  note?: (note: Note) => void,
): Generator<Outcome> {
  let longest: number | undefined;
  for (let begin = 0; begin < paths.length; ) {
    const some = paths.slice(begin, begin + recordingsTogether(longest));
    for (const outcome of prepareTogether(some, plan, resampler, note)) {
      if ('signal' in outcome) longest = Math.max(longest ?? 0, outcome.signal.data.length);
      yield outcome;
    }
    begin += some.length;
  }
}

/** A rate that differs can only be used if the recording is resampled. */
function checkRate({ file, fs }: Recording, plan: RecordPlan): void {
  if (plan.fs !== null || fs === plan.recordedFs) return;
  throw new InputError('recordings have different sampling rates', {
    file,
    got: `${fs} Hz`,
    expected: `${plan.recordedFs} Hz, as in the first recording`,
    next: 'Leave the record out, or resample all recordings: prepare-data --fs 250.',
  });
}

function tooShort({ file, signal, fs }: Recording): InputError {
  return new InputError('the recording is too short to be resampled', {
    file,
    got: `${signal.shape[0]} samples at ${fs} Hz`,
  });
}

/** Reads and checks the leads of a plan, as recorded. */
export function readPlanned(path: string, plan: RecordPlan, note?: (note: Note) => void): Recording {
  const { leads, units } = plan;
  const recording = readRecording(path, plan.format, { leads, units, note });
  checkSignal(recording.signal, leads, { ...plan, file: recording.file, note });
  return recording;
}
