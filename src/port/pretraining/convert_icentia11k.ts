import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../errors.ts';
import { type Reporter, silent } from '../../events.ts';
import { ndarray } from '../../lib/numpy/ndarray.ts';
import { formatNpyHeader } from '../../lib/numpy/npy_header.ts';
import { sum } from '../../lib/numpy/sum.ts';
import { AtomicFile, writeFileAtomic } from '../../lib/python/atomic_file.ts';
import { ArrayStream, dump } from '../../lib/python/pickle.ts';
import { rdann } from '../../lib/wfdb/annotation.ts';
import { readHeader } from '../../lib/wfdb/header.ts';
import { rdrecord } from '../../lib/wfdb/signal.ts';
import {
  flattenRawLabels,
  patientFile,
  type RawLabels,
  writeUnzippedLabels,
} from '../transplant/datasets/icentia11k_files.ts';
import { rawLabelsOf } from './icentia11k_annotations.ts';

/** Name of the description that the converter writes beside the files. */
export const descriptionFile = 'icentia11k.json';

/** Float32 is what a 16-bit recorder needs; float64 keeps the quotients of PhysioNet's units to the last bit. */
export type SignalType = 'float32' | 'float64';

export interface ConvertOptions {
  /** Folder with PhysioNet's `p00`, `p01`, … */
  readonly source: string;
  /** Folder for the original's files; created. */
  readonly target: string;
  /** Patients; default all that the source has. */
  readonly patientIds?: readonly number[];
  /** Segments of each patient; default all, which then must be numbered without a gap. */
  readonly segments?: readonly number[];
  /** Write the unzipped form (`.npy`, `.npz`) instead of the distributed one (`.pkl.gz`); default false. */
  readonly unzipped?: boolean;
  /** Default float32. */
  readonly dtype?: SignalType;
  /** Convert patients again whose files are there. */
  readonly force?: boolean;
  readonly reporter?: Reporter;
}

/** What was measured of a patient. */
export interface PatientSummary {
  readonly segments: number;
  /** Samples of each segment. */
  readonly samples: number;
  /** Sum and sum of squares of all samples, as `running_mean_std(dtype=float64)` forms them. */
  readonly sum: number;
  readonly sumOfSquares: number;
}

/** The description beside converted files. */
export interface Description {
  readonly source: 'PhysioNet icentia11k-continuous-ecg (WFDB)';
  readonly unit: 'mV';
  readonly samplingRate: 250;
  readonly dtype: SignalType;
  readonly unzipped: boolean;
  /** Over all patients below; to normalise with in place of the original's constants, whose unit is not known. */
  readonly mean: number;
  readonly std: number;
  readonly patients: Readonly<Record<string, PatientSummary>>;
}

/**
 * Converts PhysioNet's WFDB edition of Icentia11k to the files of the original. A patient whose files are there already is left as it
 * is, so that an interrupted run can be repeated.
 *
 * @throws InputError for a source that is incomplete or not of this data set.
 */
export async function convertIcentia11k(options: ConvertOptions): Promise<Description> {
  const { source, target, unzipped = false, dtype = 'float32', force = false, reporter = silent } = options;
  const patientIds = options.patientIds ?? findPatients(source);
  mkdirSync(target, { recursive: true });
  const before = readDescription(target);
  if (before && (before.dtype !== dtype || before.unzipped !== unzipped)) {
    throw new InputError('the folder holds patients in another form', {
      file: join(target, descriptionFile),
      got: `${before.unzipped ? 'unzipped' : 'zipped'} ${before.dtype}`,
      expected: `${unzipped ? 'unzipped' : 'zipped'} ${dtype}`,
      next: 'Choose another folder, or the form that it has.',
    });
  }
  const patients: Record<string, PatientSummary> = { ...before?.patients };
  const task = 'convert Icentia11k';
  reporter({ kind: 'start', task, total: patientIds.length, unit: 'patients' });
  let saved = Date.now();
  for (const [k, id] of patientIds.entries()) {
    const endings = unzipped ? ['.npy', '_lbls.npz'] : ['.pkl.gz', '_lbls.pkl.gz'];
    const there = patients[id] !== undefined && endings.every((ending) => existsSync(patientFile(target, id, ending)));
    if (force || !there) patients[id] = await convertPatient(id, options);
    if (Date.now() - saved > 10_000) {
      writeDescription(target, dtype, unzipped, patients);
      saved = Date.now();
    }
    reporter({ kind: 'progress', task, done: k + 1, detail: there && !force ? 'was there' : undefined });
  }
  const description = writeDescription(target, dtype, unzipped, patients);
  const { mean, std } = description;
  reporter({
    kind: 'end',
    task,
    detail: `mean ${mean.toPrecision(6)} mV, standard deviation ${std.toPrecision(6)} mV`,
  });
  return description;
}

/** Converts one patient; holds one segment at a time in memory. */
async function convertPatient(id: number, options: ConvertOptions): Promise<PatientSummary> {
  const { source, target, unzipped = false, dtype = 'float32' } = options;
  const records = findSegments(source, id, options.segments);
  const samples = commonLength(records);
  const labels: RawLabels[] = records.map((record) =>
    rawLabelsOf(rdann(record, 'atr'), { file: `${record}.atr`, samples }),
  );
  const summary = { segments: records.length, samples, sum: 0, sumOfSquares: 0 };
  function* pieces(): Generator<Uint8Array> {
    for (const record of records) {
      const { data } = rdrecord(record).pSignal;
      const missing = data.findIndex((value) => !Number.isFinite(value));
      if (missing >= 0) {
        throw new InputError('a sample is missing', {
          file: `${record}.dat`,
          where: `sample ${missing}`,
          expected: 'a value in mV',
        });
      }
      const stored = dtype === 'float32' ? Float32Array.from(data) : data;
      // A square has the type of its array, only the sum is float64.
      const squares = stored.map((x) => x * x) as typeof stored;
      summary.sum += sum(ndarray(dtype, [samples], stored), 'float64');
      summary.sumOfSquares += sum(ndarray(dtype, [samples], squares), 'float64');
      yield new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
    }
  }
  const shape = [records.length, samples];
  if (unzipped) {
    await writeUnzippedLabels(target, id, flattenRawLabels(labels));
    writeNpyPieces(patientFile(target, id, '.npy'), dtype, shape, pieces());
  } else {
    await dump(patientFile(target, id, '_lbls.pkl.gz'), labels);
    await dump(patientFile(target, id, '.pkl.gz'), new ArrayStream(dtype, shape, pieces()));
  }
  return summary;
}

function writeNpyPieces(path: string, dtype: SignalType, shape: readonly number[], pieces: Iterable<Uint8Array>): void {
  const file = new AtomicFile(path);
  try {
    file.write(formatNpyHeader({ dtype, shape }));
    for (const piece of pieces) file.write(piece);
    file.commit();
  } finally {
    file.abort();
  }
}

function patientFolder(source: string, id: number): string {
  const patient = `p${String(id).padStart(5, '0')}`;
  return join(source, patient.slice(0, 3), patient);
}

/** Ids of all patients of PhysioNet's edition, ascending. */
export function findPatients(source: string): number[] {
  const ids = namesIn(source, /^p\d{2}$/)
    .flatMap((group) => namesIn(join(source, group), /^p\d{5}$/))
    .map((name) => Number(name.slice(1)));
  if (ids.length === 0) {
    throw new InputError('no patients found', {
      file: source,
      expected: 'folders such as p00/p00000',
      next: "Give the folder of PhysioNet's icentia11k-continuous-ecg.",
    });
  }
  return ids.sort((a, b) => a - b);
}

/** Records of a patient's segments, without ending. At the end of a patient segments may be missing, but not between others. */
function findSegments(source: string, id: number, chosen?: readonly number[]): string[] {
  const folder = patientFolder(source, id);
  const name = (segment: number): string => `p${String(id).padStart(5, '0')}_s${String(segment).padStart(2, '0')}`;
  const found = namesIn(folder, /^p\d{5}_s\d{2}\.hea$/).map((file) => Number(file.slice(8, 10)));
  const segments = chosen ?? found.sort((a, b) => a - b);
  const absent = (chosen ?? segments.map((_, k) => k)).find((segment) => !found.includes(segment));
  if (absent !== undefined || segments.length === 0) {
    throw new InputError(`segment ${absent ?? 0} is missing`, {
      file: folder,
      got: found.length > 0 ? `segments ${found.join(', ')}` : 'no segments',
      expected: `${name(absent ?? 0)}.hea`,
      next: 'Fetch it again, or name the segments to convert with --segments.',
    });
  }
  return segments.map((segment) => join(folder, name(segment)));
}

/** The one number of samples that all segments have. */
function commonLength(records: readonly string[]): number {
  let length = 0;
  for (const record of records) {
    const { fs, signals, signalLength } = readHeader(record);
    const file = `${record}.hea`;
    if (fs !== 250 || signals.length !== 1 || signals[0]!.units !== 'mV' || signalLength === null) {
      throw new InputError('not a segment of Icentia11k', {
        file,
        got: `${signals.length} signals at ${fs} Hz in ${signals.map(({ units }) => units).join(', ')}`,
        expected: 'one signal at 250 Hz in mV, of stated length',
      });
    }
    length ||= signalLength;
    if (signalLength !== length) {
      throw new InputError('segments of different lengths cannot make one array', {
        file,
        got: `${signalLength} samples`,
        expected: `${length}`,
        next: 'Leave the segment out with --segments.',
      });
    }
  }
  return length;
}

function namesIn(folder: string, pattern: RegExp): string[] {
  try {
    return readdirSync(folder).filter((name) => pattern.test(name));
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) {
      throw new InputError('no such folder', { file: folder });
    }
    throw error;
  }
}

/** Reads the description beside converted files; undefined if there is none. */
export function readDescription(folder: string): Description | undefined {
  const file = join(folder, descriptionFile);
  if (!existsSync(file)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new InputError('not a JSON file', { file, got: (error as Error).message });
  }
  const { unit, mean, std, patients } = (value ?? {}) as Partial<Description>;
  if (unit !== 'mV' || !Number.isFinite(mean) || !(std! > 0) || typeof patients !== 'object') {
    throw new InputError('not the description of converted patients', {
      file,
      expected: 'unit mV, mean, std, patients',
    });
  }
  return value as Description;
}

function writeDescription(
  folder: string,
  dtype: SignalType,
  unzipped: boolean,
  patients: Readonly<Record<string, PatientSummary>>,
): Description {
  let count = 0;
  let total = 0;
  let squares = 0;
  for (const { segments, samples, sum, sumOfSquares } of Object.values(patients)) {
    count += segments * samples;
    total += sum;
    squares += sumOfSquares;
  }
  const mean = total / count;
  const description: Description = {
    source: 'PhysioNet icentia11k-continuous-ecg (WFDB)',
    unit: 'mV',
    samplingRate: 250,
    dtype,
    unzipped,
    mean,
    std: Math.sqrt(squares / count - mean ** 2),
    patients,
  };
  writeFileAtomic(join(folder, descriptionFile), `${JSON.stringify(description, null, 1)}\n`);
  return description;
}
