import { type RecordToWrite, wrsamp } from '../lib/wfdb/write.ts';
import type { Recording } from './recording.ts';

/** Samples as a recorder stores them: 16-bit integers, one array per lead. */
export interface Digital {
  readonly fs: number;
  readonly leads: readonly string[];
  /** Integer units per millivolt; the integer 0 is 0 mV. */
  readonly gain: number;
  readonly signals: readonly Int16Array[];
}

/** Rounds a recording to 16-bit integers. Clips values outside their range, as a real recorder does. */
export function digitize({ fs, leads, signals }: Recording, gain: number): Digital {
  // −32768 means a missing sample in format 16.
  const round = (value: number): number => Math.max(-32767, Math.min(32767, Math.round(value * gain)));
  return { fs, leads, gain, signals: signals.map((signal) => Int16Array.from(signal, round)) };
}

/** Averages every `factor` samples, to convert 500 Hz to 100 Hz with little aliasing. */
export function decimate({ fs, leads, gain, signals }: Digital, factor: number): Digital {
  const means = (signal: Int16Array): Int16Array =>
    Int16Array.from({ length: Math.floor(signal.length / factor) }, (_, n) => {
      const part = signal.subarray(n * factor, (n + 1) * factor);
      return Math.round(part.reduce((sum, sample) => sum + sample, 0) / factor);
    });
  return { fs: fs / factor, leads, gain, signals: signals.map(means) };
}

/** How to write the records of a data set. */
export interface RecordStyle extends Pick<RecordToWrite, 'format' | 'comments'> {
  /** The gain as written in the header; default: a plain number. */
  readonly gain?: string;
  readonly baseline?: number;
  /** Lead names as written in the header; default: those of the recording. */
  readonly leads?: readonly string[];
}

/** Writes a WFDB record to a folder. */
export function writeDigital(folder: string, recordName: string, digital: Digital, style: RecordStyle): void {
  const { gain = digital.gain, leads = digital.leads, baseline, ...rest } = style;
  const signals = digital.signals.map((samples, k) => ({ name: leads[k], samples, gain, baseline }));
  wrsamp(folder, { recordName, fs: digital.fs, signals, ...rest });
}
