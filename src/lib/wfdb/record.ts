import type { NdArray } from '../numpy/ndarray.ts';
import { readAnyHeader } from './header.ts';
import { joinSegments } from './segments.ts';
import { readPhysical } from './signal.ts';

/** A WFDB record read whole. Twin of `wfdb.Record`. */
export interface WfdbRecord {
  /** Name as the header has it; a reader of a data set may put its own id here, as the Python original does. */
  recordName: string | number;
  /** Frames per second (Hz). */
  readonly fs: number;
  /** Names of the leads. */
  readonly sigName: readonly (string | null)[];
  /** Physical unit of each lead. */
  readonly units: readonly string[];
  readonly comments: readonly string[];
  /** Samples in physical units, shape (frames, leads); missing samples are NaN. Can be replaced, as in Python. */
  pSignal: NdArray<'float64'>;
}

/** A WFDB record whose headers have been read, and whose samples have not. */
export interface OpenRecord extends Omit<WfdbRecord, 'pSignal' | 'sigName' | 'units'> {
  readonly signals: readonly SignalSummary[];
  /**
   * Reads signals by their number, shape (frames, places), in physical units; missing samples are NaN. Files that hold only other signals are neither
   * opened nor checked.
   */
  read(places: readonly number[]): NdArray<'float64'>;
}

/** What the headers say about one signal. */
export interface SignalSummary {
  readonly name: string | null;
  readonly units: string;
  /** The headers state the gain everywhere. */
  readonly calibrated: boolean;
}

/**
 * Reads a WFDB record in physical units: `(sample − baseline) / gain` in float64, missing samples NaN. Twin of `wfdb.rdrecord(path)`; equal to
 * the last bit. A signal with several samples a frame is averaged over each frame in ADC units, towards zero, as there. The segments of a multi-segment
 * record are joined; where a segment lacks a signal, its samples are missing.
 *
 * @param path record path without ending; its `.hea` names the signal files or segments, which lie in the same folder.
 * @throws FileNotFoundError for a missing file; InputError for a header that cannot be used, an unsupported format, segments that do not belong
 *   together, or a signal file that is shorter than its header says.
 */
export function rdrecord(path: string): WfdbRecord {
  const { recordName, fs, comments, signals, read } = openRecord(path);
  return {
    recordName,
    fs,
    sigName: signals.map(({ name }) => name),
    units: signals.map(({ units }) => units),
    comments,
    pSignal: read(signals.map((_, place) => place)),
  };
}

/** Reads the headers of a record. Errors as `rdrecord`, except those of signal files. */
export function openRecord(path: string): OpenRecord {
  const header = readAnyHeader(path);
  const { recordName, fs, comments } = header;
  if ('signals' in header) {
    return { recordName, fs, comments, signals: header.signals, read: (places) => readPhysical(header, path, places) };
  }
  return { recordName, fs, comments, ...joinSegments(header, path) };
}
