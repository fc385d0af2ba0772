import { existsSync, statSync } from 'node:fs';
import { InputError } from '../../errors.ts';
import { readRows } from '../../lib/csv/table.ts';
import { loadmat } from '../../lib/matlab/mat5.ts';
import { astype } from '../../lib/numpy/convert.ts';
import { type NdArray, ndarray } from '../../lib/numpy/ndarray.ts';
import { readNpy } from '../../lib/numpy/npy.ts';
import { FileNotFoundError } from '../../lib/python/errors.ts';
import { rdrecord } from '../../lib/wfdb/signal.ts';

/** One recording in physical units. */
export interface Recording {
  /** Shape (samples, leads). */
  readonly signal: NdArray<'float64'>;
  /** Sampling rate (Hz). */
  readonly fs: number;
  /** Names of the leads, in the order of the signal. */
  readonly leads: readonly string[];
  /** Unit of all leads. */
  readonly units: string;
}

/** How recordings are stored. Those that do not tell their rate, unit or leads have them stated. */
export type RecordingFormat =
  | { readonly kind: 'wfdb' }
  /** MATLAB files of CPSC 2018 as first published: a struct `ECG` with `data` (12, samples) in mV at 500 Hz. */
  | { readonly kind: 'cpsc2018' }
  /** `.hea` (WFDB), else `.csv` (first row: names of the leads), else `.npy` (samples, leads), else `.mat` (CPSC 2018). */
  | { readonly kind: 'any'; readonly fs?: number; readonly units: string; readonly leads?: readonly string[] };

/** Lead order of CPSC 2018. */
export const twelveLeads: readonly string[] = [
  'I',
  'II',
  'III',
  'aVR',
  'aVL',
  'aVF',
  'V1',
  'V2',
  'V3',
  'V4',
  'V5',
  'V6',
];
const cpsc2018Rate = 500;

/**
 * Reads one recording.
 *
 * @param path without ending.
 * @throws FileNotFoundError; InputError naming file and place for contents that cannot be used.
 */
export function readRecording(path: string, format: RecordingFormat): Recording {
  if (format.kind === 'cpsc2018') return readCpsc2018(`${path}.mat`);
  if (format.kind === 'wfdb' || existsSync(`${path}.hea`)) return readWfdb(path);
  const file = [`${path}.csv`, `${path}.npy`, `${path}.mat`].find((candidate) =>
    statSync(candidate, { throwIfNoEntry: false })?.isFile(),
  );
  if (!file) throw new FileNotFoundError(`${path}.hea, .csv, .npy or .mat`);
  if (file.endsWith('.mat')) return readLoneMat(file);
  if (format.fs === undefined) {
    throw new InputError('the sampling rate of the recording is not known', {
      file,
      next: 'State it: --record-fs HZ.',
    });
  }
  const read = file.endsWith('.csv') ? readCsvRecording(file) : readNpyRecording(file, format.leads);
  return { ...read, fs: format.fs, units: format.units };
}

function readWfdb(path: string): Recording {
  const { pSignal, fs, sigName, units } = rdrecord(path);
  const other = units.find((unit) => unit !== units[0]);
  if (other !== undefined) {
    throw new InputError('the leads have different units', {
      file: `${path}.hea`,
      got: `${units[0]} and ${other}`,
      expected: 'one unit',
    });
  }
  return { signal: pSignal, fs, leads: sigName.map((name, lead) => name ?? `${lead}`), units: units[0]! };
}

function readCpsc2018(file: string): Recording {
  const ecg = loadmat(file).get('ECG');
  const data = ecg instanceof Map ? ecg.get('data') : undefined;
  if (data === undefined || typeof data === 'string' || data instanceof Map || !('dtype' in data)) {
    throw new InputError('this is no recording of CPSC 2018', { file, expected: 'a struct ECG with a matrix data' });
  }
  if (data.dtype !== 'float64' || data.shape.length !== 2 || data.shape[0] !== twelveLeads.length) {
    throw new InputError('the recording has the wrong shape', {
      file,
      where: 'ECG.data',
      got: `${data.dtype} (${data.shape.join(', ')})`,
      expected: 'float64 (12, samples)',
    });
  }
  const samples = data.shape[1]!;
  const out = new Float64Array(data.data.length);
  for (let lead = 0; lead < twelveLeads.length; lead++) {
    for (let i = 0; i < samples; i++) out[i * twelveLeads.length + lead] = data.data[lead * samples + i] as number;
  }
  return {
    signal: ndarray('float64', [samples, twelveLeads.length], out),
    fs: cpsc2018Rate,
    leads: twelveLeads,
    units: 'mV',
  };
}

/** The signal files of other collections end in `.mat` too, and say nothing without their headers. */
function readLoneMat(file: string): Recording {
  try {
    return readCpsc2018(file);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new InputError('this is no recording of CPSC 2018, and has no WFDB header beside it', {
      file,
      got: error.message,
      next: `Put the header back: ${file.replace(/mat$/, 'hea')}.`,
    });
  }
}

function readCsvRecording(file: string): Pick<Recording, 'signal' | 'leads'> {
  const [header, ...rows] = readRows(file);
  const leads = header?.fields ?? [];
  if (leads.length === 0 || leads.some((name) => name.trim() === '' || !Number.isNaN(Number(name)))) {
    throw new InputError('the leads have no names', {
      file,
      where: 'line 1',
      got: leads.join(',').slice(0, 80),
      expected: 'the names of the leads',
    });
  }
  const out = new Float64Array(rows.length * leads.length);
  rows.forEach(({ line, fields }, i) => {
    fields.forEach((text, lead) => {
      const value = text.trim() === '' ? Number.NaN : Number(text);
      if (!Number.isFinite(value)) {
        throw new InputError('a sample is no number', {
          file,
          where: `line ${line}, lead ${leads[lead]}`,
          got: JSON.stringify(text),
        });
      }
      out[i * leads.length + lead] = value;
    });
  });
  return { signal: ndarray('float64', [rows.length, leads.length], out), leads: leads.map((name) => name.trim()) };
}

function readNpyRecording(file: string, leads: readonly string[] | undefined): Pick<Recording, 'signal' | 'leads'> {
  const array = readNpy(file);
  const shape = `${array.dtype} (${array.shape.join(', ')})`;
  if (array.dtype === 'object' || array.dtype === 'str' || array.shape.length !== 2) {
    throw new InputError('the recording cannot be used', { file, got: shape, expected: 'numbers (samples, leads)' });
  }
  if (!leads || leads.length !== array.shape[1]) {
    throw new InputError('the leads have no names', {
      file,
      got: shape,
      expected: `${leads?.length ?? 'stated'} leads`,
      next: 'State them: --record-leads I,II,…',
    });
  }
  return { signal: astype(array as NdArray, 'float64'), leads };
}
