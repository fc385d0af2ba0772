import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { InputError } from '../../errors.ts';
import { type Reporter, silent } from '../../events.ts';
import { ndarray } from '../../lib/numpy/ndarray.ts';
import { formatNpyHeader } from '../../lib/numpy/npy_header.ts';
import { sum } from '../../lib/numpy/sum.ts';
import { AtomicFile } from '../../lib/python/atomic_file.ts';
import { ArrayStream, dump } from '../../lib/python/pickle.ts';
import { rdann } from '../../lib/wfdb/annotation.ts';
import { readHeader } from '../../lib/wfdb/header.ts';
import { rdrecord } from '../../lib/wfdb/record.ts';
import { patientFile, writeUnzippedLabels } from '../../port/transplant/datasets/icentia11k/files.ts';
import { flattenRawLabels, type RawLabels } from '../../port/transplant/datasets/icentia11k.ts';
import { NoteBook } from '../../recordings/notes.ts';
import { checkSignal } from '../../recordings/usable_signal.ts';
import { rawLabelsOf } from './annotations.ts';
import {
  type Description,
  descriptionFile,
  type PatientSummary,
  readDescription,
  type SignalType,
  writeDescription,
} from './description.ts';
import { formatIds } from './patient_ids.ts';

export interface ConvertOptions {
  /** Folder with PhysioNet's `p00`, `p01`, … */
  readonly source: string;
  /** Folder for the original's files; created. */
  readonly target: string;
  /** Patients; default all that the source has. */
  readonly patientIds?: readonly number[];
  /** Segments of each patient; default all that are there. */
  readonly segments?: readonly number[];
  /** Write the unzipped form (`.npy`, `.npz`) instead of the distributed one (`.pkl.gz`); default false. */
  readonly unzipped?: boolean;
  /** Default float32. */
  readonly dtype?: SignalType;
  /** Convert patients again whose files are there. */
  readonly force?: boolean;
  /** Leave out annotations that the edition does not have, and count them; default: a patient with one is not converted. */
  readonly skipUnknown?: boolean;
  readonly report?: Reporter;
  /** Stops between two segments; patients that are complete stay. */
  readonly signal?: AbortSignal;
}

/** What a conversion made. */
export interface Conversion {
  /** All patients of the target, those of earlier runs included; undefined if there is none. */
  readonly description: Description | undefined;
  /** Patients that could not be converted, and why. */
  readonly failed: readonly { readonly id: number; readonly error: Error }[];
  /** Whether `signal` stopped it. */
  readonly stopped: boolean;
}

/** Milliseconds between two saves of the description. If the process is killed, patients converted since the last save are converted again. */
const saveInterval = 10_000;

/**
 * Converts PhysioNet's WFDB edition of Icentia11k to the files of the original. Patients that cannot be converted are reported and skipped. Patients
 * that are already converted are kept unless the source has further segments, so an interrupted run can be repeated. Runs for different patients
 * may share a target.
 *
 * @throws InputError if the source has no patients, or if the target holds patients in another format.
 */
export async function convertIcentia11k(options: ConvertOptions): Promise<Conversion> {
  const { source, target, unzipped = false, dtype = 'float32', force = false, report = silent, signal } = options;
  const patientIds = options.patientIds ?? findPatients(source);
  mkdirSync(target, { recursive: true });
  const before = readDescription(target);
  if (before && (before.dtype !== dtype || before.unzipped !== unzipped)) {
    throw new InputError('the folder already holds patients in another format', {
      file: join(target, descriptionFile),
      got: `${before.unzipped ? 'unzipped' : 'zipped'} ${before.dtype}`,
      expected: `${unzipped ? 'unzipped' : 'zipped'} ${dtype}`,
      next: 'Choose another --target, or the --unzipped and --dtype that the folder was made with.',
    });
  }
  const converted: Record<string, PatientSummary> = {};
  const save = (): Description | undefined => {
    // Keeps patients that another run has added meanwhile.
    const patients = { ...readDescription(target)?.patients, ...converted };
    return Object.keys(patients).length > 0 ? writeDescription(target, dtype, unzipped, patients) : undefined;
  };
  const failed: { id: number; error: Error }[] = [];
  const notes = new NoteBook(report);
  const task = 'convert Icentia11k';
  report({ kind: 'start', task, total: patientIds.length, unit: 'patients' });
  let saved = Date.now();
  for (const [k, id] of patientIds.entries()) {
    if (signal?.aborted) break;
    let detail: string | undefined;
    try {
      if (!force && isConverted(id, before?.patients[id], options)) detail = 'was there';
      else converted[id] = await convertPatient(id, options, notes);
    } catch (error) {
      if (signal?.aborted) break;
      if (!(error instanceof Error) || isOfTarget(error, target)) throw error;
      failed.push({ id, error });
      report({ kind: 'warning', text: `patient ${id} is not converted: ${error.message}` });
    }
    if (Date.now() - saved > saveInterval) {
      save();
      saved = Date.now();
    }
    report({ kind: 'progress', task, done: k + 1, detail });
  }
  notes.close();
  const description = save();
  const { mean, std } = description ?? {};
  report({
    kind: 'end',
    task,
    detail: description && `mean ${mean!.toPrecision(6)} mV, standard deviation ${std!.toPrecision(6)} mV`,
  });
  return { description, failed, stopped: signal?.aborted ?? false };
}

/** Whether an error of one patient would occur for every other one as well, because the target cannot be written. */
function isOfTarget(error: NodeJS.ErrnoException, target: string): boolean {
  const { code, path } = error;
  if (code === undefined) return false;
  return (
    ['ENOSPC', 'EDQUOT', 'EROFS'].includes(code) || (path !== undefined && resolve(path).startsWith(resolve(target)))
  );
}

/** Whether the files of a patient exist and hold all segments that are asked for. */
function isConverted(id: number, summary: PatientSummary | undefined, options: ConvertOptions): boolean {
  const { source, target, unzipped = false, segments } = options;
  const endings = unzipped ? ['.npy', '_lbls.npz'] : ['.pkl.gz', '_lbls.pkl.gz'];
  if (summary === undefined || !endings.every((ending) => existsSync(patientFile(target, id, ending)))) return false;
  const held = summary.segmentIds ?? Array.from({ length: summary.segments }, (_, k) => k);
  return (segments ?? segmentsOf(source, id)).every((segment) => held.includes(segment));
}

/** Converts one patient; holds one segment at a time in memory. */
async function convertPatient(id: number, options: ConvertOptions, notes: NoteBook): Promise<PatientSummary> {
  const { target, unzipped = false, dtype = 'float32', skipUnknown = false, report = silent, signal } = options;
  const segmentIds = chooseSegments(id, options);
  const records = segmentIds.map((segment) => segmentFile(options.source, id, segment));
  const samples = commonLength(records);
  const unknown: Record<string, number> = {};
  const onUnknown = (annotation: string): void => {
    unknown[annotation] = (unknown[annotation] ?? 0) + 1;
  };
  const labels: RawLabels[] = records.map((record) =>
    rawLabelsOf(rdann(record, 'atr'), {
      file: `${record}.atr`,
      samples,
      onUnknown: skipUnknown ? onUnknown : undefined,
    }),
  );
  const summary = { segments: records.length, samples, sum: 0, sumOfSquares: 0 };
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (const record of records) {
      // Lets Ctrl-C and SIGTERM through.
      await setImmediate();
      if (signal?.aborted) throw new Error('stopped');
      const { pSignal, units } = rdrecord(record);
      const { data } = pSignal;
      const missing = data.findIndex((value) => !Number.isFinite(value));
      if (missing >= 0) {
        throw new InputError('a sample is missing', {
          file: `${record}.dat`,
          where: `sample ${missing}`,
          expected: 'a value in mV',
        });
      }
      const check = {
        file: `${record}.dat`,
        units: units[0],
        keepMissing: true,
        keepFlat: 'yes',
        note: notes.add,
      } as const;
      checkSignal(pSignal, ['ECG'], check);
      const stored = dtype === 'float32' ? Float32Array.from(data) : data;
      // As in NumPy, a square has the type of its array; only the sum is float64.
      const squares = stored.map((x) => x * x) as typeof stored;
      summary.sum += sum(ndarray(dtype, [samples], stored), 'float64');
      summary.sumOfSquares += sum(ndarray(dtype, [samples], squares), 'float64');
      yield new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
    }
  }
  const shape = [records.length, samples];
  if (unzipped) {
    await writeUnzippedLabels(target, id, flattenRawLabels(labels));
    await writeNpyPieces(patientFile(target, id, '.npy'), dtype, shape, pieces());
  } else {
    await dump(patientFile(target, id, '_lbls.pkl.gz'), labels);
    await dump(patientFile(target, id, '.pkl.gz'), new ArrayStream(dtype, shape, pieces()));
  }
  const absent = Array.from({ length: segmentIds.at(-1)! }, (_, k) => k).filter((k) => !segmentIds.includes(k));
  if (absent.length === 0) return { ...summary, ...countsOf(unknown) };
  if (options.segments === undefined) {
    const text = `patient ${id} has no segment ${formatIds(absent)}: converted without, segment ${segmentIds[0]} becomes row 0`;
    report({ kind: 'warning', text });
  }
  return { ...summary, segmentIds, ...countsOf(unknown) };
}

function countsOf(unknown: Readonly<Record<string, number>>): Pick<PatientSummary, 'unknown'> {
  return Object.keys(unknown).length > 0 ? { unknown } : {};
}

async function writeNpyPieces(
  path: string,
  dtype: SignalType,
  shape: readonly number[],
  pieces: AsyncIterable<Uint8Array>,
): Promise<void> {
  const file = new AtomicFile(path);
  try {
    file.write(formatNpyHeader({ dtype, shape }));
    for await (const piece of pieces) file.write(piece);
    file.commit();
  } finally {
    file.abort();
  }
}

function patientFolder(source: string, id: number): string {
  const patient = `p${String(id).padStart(5, '0')}`;
  return join(source, patient.slice(0, 3), patient);
}

/** Record of a segment, without ending. */
export function segmentFile(source: string, id: number, segment: number): string {
  return join(patientFolder(source, id), `p${String(id).padStart(5, '0')}_s${String(segment).padStart(2, '0')}`);
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
      next: "Pass the folder of PhysioNet's icentia11k-continuous-ecg: --source DIR.",
    });
  }
  return ids.sort((a, b) => a - b);
}

/** Numbers of the segments of a patient that exist, ascending. */
export function segmentsOf(source: string, id: number): number[] {
  const files = namesIn(patientFolder(source, id), /^p\d{5}_s\d{2}\.hea$/);
  return files.map((file) => Number(file.slice(8, 10))).sort((a, b) => a - b);
}

function chooseSegments(id: number, { source, segments }: ConvertOptions): readonly number[] {
  const found = segmentsOf(source, id);
  const absent = found.length === 0 ? (segments?.[0] ?? 0) : segments?.find((segment) => !found.includes(segment));
  if (absent === undefined) return segments ?? found;
  throw new InputError(`segment ${absent} is missing`, {
    file: patientFolder(source, id),
    got: found.length > 0 ? `segments ${formatIds(found)}` : 'no segments',
    expected: `${segmentFile(source, id, absent)}.hea`,
    next: 'Fetch it again, or name the segments to convert with --segments.',
  });
}

/** The number of samples, which must be the same in all segments. */
function commonLength(records: readonly string[]): number {
  let length = 0;
  for (const record of records) {
    const { fs, signals, signalLength } = readHeader(record);
    const file = `${record}.hea`;
    if (fs !== 250 || signals.length !== 1 || signals[0].units !== 'mV' || signalLength === null) {
      throw new InputError('not a segment of Icentia11k', {
        file,
        got: `${signals.length} signals at ${fs} Hz in ${signals.map(({ units }) => units).join(', ')}`,
        expected: 'one signal at 250 Hz in mV, of stated length',
      });
    }
    length ||= signalLength;
    if (signalLength !== length) {
      throw new InputError('the segments have different lengths', {
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
