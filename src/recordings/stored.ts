import type { NdArray } from '../lib/numpy/ndarray.ts';

/** How recordings are stored, with rate, unit and leads where the files do not state them. */
export type RecordingFormat =
  | { readonly kind: 'wfdb' }
  /** MATLAB files of CPSC 2018 as first published: a struct `ECG` with `data` (12, samples) in mV at 500 Hz. */
  | { readonly kind: 'cpsc2018' }
  /** WFDB, `.csv` (first row: names of the leads), `.npy` (samples, leads), `.mat` (CPSC 2018), EDF, BDF, DICOM, GE MUSE or HL7 aECG; see `recordingFile`. */
  | {
      readonly kind: 'any';
      readonly fs?: number;
      /** Default: as the file states it, else mV. */
      readonly units?: string;
      /** Names of the leads of arrays, and of tables without names. */
      readonly leads?: readonly string[];
    };

/** A remark about a recording that does not make it unusable. */
export interface Note {
  readonly kind: 'message' | 'warning';
  /** The matter, in words; notes about one matter are counted together. */
  readonly about: string;
  readonly file: string;
  readonly text: string;
}

/** What to read of a recording. */
export interface ReadOptions {
  /** Leads to read, by name and in this order (default: all). Other leads are not checked. */
  readonly leads?: readonly string[];
  /** Unit of the result, default mV. */
  readonly units?: string;
  readonly note?: (note: Note) => void;
}

/** A recording as stored in its file, each lead in its own unit. */
export interface StoredRecording {
  readonly file: string;
  /** `undefined` if the file does not state it. */
  readonly fs: number | undefined;
  readonly leads: readonly string[];
  /** Unit of each lead; `undefined` if the file does not state it. */
  readonly units: readonly (string | undefined)[];
  /** Reads some leads, shape (samples, leads). Faults of other leads do not matter. */
  read(places: readonly number[]): NdArray<'float64'>;
}
