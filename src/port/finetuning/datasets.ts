import { InputError } from '../../errors.ts';
import { type Reporter, silent } from '../../events.ts';
import { astype, toFloat64 } from '../../lib/numpy/convert.ts';
import { type DType, type NdArray, ndarray, zeros } from '../../lib/numpy/ndarray.ts';
import { NpyFile } from '../../lib/numpy/npy.ts';
import { type AnyArray, isArray, type ObjectArray, objectArray } from '../../lib/numpy/object_array.ts';
import { isFloatType } from '../../lib/numpy/rows.ts';
import { ValueError } from '../../lib/python/errors.ts';
import { openResampler, type Resampler } from '../../lib/samplerate/resample.ts';
import { rdrecord } from '../../lib/wfdb/signal.ts';
import * as physionet from '../transplant/datasets/physionet.ts';

/** A set of labelled recordings of equal length. Twin of the dict that the Python original builds, saves and loads. */
export interface DataSet<X = NdArray<'float32' | 'float64'>> {
  /** Shape (records, samples, leads). */
  readonly x: X;
  /** Shape (records, classes): one-hot or multi-hot. */
  readonly y: NdArray;
  readonly recordIds: readonly (string | number)[];
  readonly classes: readonly string[];
  /** Patient of each record, where known. Not in the original's files. */
  readonly patientIds?: readonly (string | number)[];
}

/** Options of the readers of whole collections. */
export interface DataOptions {
  /** Sampling rate to resample to (Hz); as recorded if absent. */
  readonly fs?: number | null;
  /** Samples to pad (in front) or cut to, `max` for the longest record; absent: all records must be equally long. */
  readonly pad?: number | 'max' | null;
  /** Apply the collection's mean and standard deviation, before anything else. */
  readonly normalize?: boolean;
  /** libsamplerate to use (default: the best that is found). */
  readonly resampler?: Resampler;
  readonly report?: Reporter;
}

/**
 * Challenge 2017: one lead, 300 Hz, four exclusive classes, `y` bool. Twin of `get_challenge17_data`.
 *
 * @returns `x` float32 if the first record was resampled, else float64 (Quirk Q34).
 * @throws ValueError if the collection cannot be read, or lengths differ without `pad` (Quirk Q34); InputError for unusable contents.
 */
export function getChallenge17Data(dbDir: string, options: DataOptions = {}): Promise<DataSet> {
  return prepareData(physionet.listChallenge17Data(dbDir), physionet.normalizeChallenge17, options);
}

/** The CPSC 2018 part of Challenge 2020: twelve leads, 500 Hz, multi-label, `y` int64. Twin of `get_challenge20_data`; see `getChallenge17Data`. */
export function getChallenge20Data(dbDir: string, options: DataOptions = {}): Promise<DataSet> {
  return prepareData(physionet.listChallenge20Data(dbDir, options.report), physionet.normalizeChallenge20, options);
}

/** PTB-XL at 500 Hz, records without a label left out: twelve leads, multi-label, `y` int32. Twin of `get_ptb_xl_data`; see `getChallenge17Data`. */
export function getPtbXlData(
  dbDir: string,
  { category, folds, ...options }: DataOptions & Pick<physionet.PtbXlOptions, 'category' | 'folds'> = {},
): Promise<DataSet> {
  return prepareData(physionet.listPtbXlData(dbDir, { fs: 'hr', category, folds }), physionet.normalizePtbXl, options);
}

/** What is done to one recording before it is padded. */
export interface RecordTransform {
  readonly normalize: physionet.Normalizer | null;
  readonly fs: number | null;
}

/**
 * Reads one record, normalises it, resamples it, in this order: the zeros of later padding are zeros after normalisation.
 *
 * @returns shape (samples, leads); float32 if it was resampled, else float64.
 */
export function transformRecord(
  path: string,
  { normalize, fs }: RecordTransform,
  resampler: Resampler,
): NdArray<'float32' | 'float64'> {
  const record = rdrecord(path);
  // Quirk Q33: in the original, normalising survives resampling only because it changes the record in place.
  normalize?.(record.pSignal, true);
  return fs ? physionet.resampleRecord(record, fs, resampler) : record.pSignal;
}

/** Twin of `_prepare_data`: records are read, transformed and dropped one by one. */
async function prepareData(
  listing: physionet.Listing,
  normalize: physionet.Normalizer,
  { fs = null, pad = null, normalize: wanted = false, resampler, report = silent }: DataOptions,
): Promise<DataSet> {
  const transform = { normalize: wanted ? normalize : null, fs };
  const used = resampler ?? (await openResampler(fs ? undefined : 'javascript'));
  const task = 'preparing records';
  report({ kind: 'start', task, total: listing.paths.length, unit: 'records' });
  const signals = listing.paths.map((path, i) => {
    const signal = transformRecord(path, transform, used);
    report({ kind: 'progress', task, done: i + 1 });
    return signal;
  });
  report({ kind: 'end', task });
  const { labels, patientIds } = listing;
  return { x: stack(signals, pad), y: labels.values, recordIds: labels.index, classes: labels.columns, patientIds };
}

/** Recordings as one array: padded by `pad_sequences(padding='pre')`, or of equal length. */
function stack(
  signals: readonly NdArray<'float32' | 'float64'>[],
  pad: number | 'max' | null,
): NdArray<'float32' | 'float64'> {
  const first = signals[0];
  if (!first) throw new ValueError('there are no records');
  const leads = first.shape[1];
  const length = pad === 'max' ? Math.max(...signals.map((signal) => signal.shape[0])) : pad || first.shape[0];
  const different = signals.findIndex((signal) => signal.shape[1] !== leads || (!pad && signal.shape[0] !== length));
  if (different !== -1) {
    throw new ValueError(
      `recordings differ: the first has shape (${first.shape.join(', ')}), number ${different} has (${signals[different].shape.join(', ')}); ` +
        'lengths can be made equal by padding',
    );
  }
  // Quirk Q34: padding takes the first recording's dtype; without it NumPy takes the widest.
  const dtype = pad ? first.dtype : signals.some((signal) => signal.dtype === 'float64') ? 'float64' : 'float32';
  const out = zeros(dtype, [signals.length, length, leads]);
  signals.forEach((signal, i) => {
    padPre(signal, out.data.subarray(i * length * leads, (i + 1) * length * leads));
  });
  return out;
}

/**
 * Puts a recording at the end of a row: shorter ones have what stands there before (zeros) in front, longer ones lose their beginning. One row of
 * `pad_sequences(padding='pre')`.
 */
export function padPre(signal: NdArray<'float32' | 'float64'>, row: Float32Array | Float64Array): void {
  const kept = Math.min(signal.data.length, row.length);
  row.set(signal.data.subarray(signal.data.length - kept), row.length - kept);
}

/** The dict that `transplant.utils.save_pkl(file, **data_set)` writes, for `pickle.dump`; `x` may be a stream. */
export function dataSetToPickle<X>({ x, y, recordIds, classes, patientIds }: DataSet<X>) {
  return {
    x,
    y,
    record_ids: idArray(recordIds),
    classes: objectArray(classes),
    ...(patientIds ? { patient_ids: idArray(patientIds) } : {}),
  };
}

/** The loaded dict of a data file, checked. `file` is named in errors. */
export function dataSetFromPickle(value: unknown, file: string): DataSet {
  return checkedDataSet(value, file, isArray) as DataSet;
}

/** As `dataSetFromPickle`, of a pickle whose large arrays may have been unpacked to files. */
export function unpackedDataSetFromPickle(value: unknown, file: string): DataSet<NdArray | NpyFile> {
  const usable = (found: unknown): found is AnyArray | NpyFile => isArray(found) || found instanceof NpyFile;
  return checkedDataSet(value, file, usable) as DataSet<NdArray | NpyFile>;
}

function checkedDataSet<X extends AnyArray | NpyFile>(
  value: unknown,
  file: string,
  usable: (found: unknown) => found is X,
): DataSet<X> {
  const expected = 'a dict with the arrays x, y, record_ids and classes, as prepare-data writes it';
  if (!(value instanceof Map)) throw new InputError('this is no data set', { file, got: typeof value, expected });
  const entry = <T>(key: string, is: (found: unknown) => found is T): T => {
    const found: unknown = value.get(key);
    if (!is(found))
      throw new InputError('this is no data set', {
        file,
        where: key,
        got: found === undefined ? 'nothing' : typeof found,
        expected,
      });
    return found;
  };
  const array = (key: string): AnyArray => entry(key, isArray);
  const x = entry('x', usable);
  const y = array('y');
  const records = x.shape[0];
  if (x.dtype === 'object' || x.dtype === 'str' || x.shape.length !== 3) {
    throw new InputError('x cannot be used', {
      file,
      got: `${x.dtype} (${x.shape.join(', ')})`,
      expected: 'numbers (records, samples, leads)',
    });
  }
  if (y.dtype === 'object' || y.dtype === 'str' || y.shape.length !== 2 || y.shape[0] !== records) {
    throw new InputError('y cannot be used', {
      file,
      got: `${y.dtype} (${y.shape.join(', ')})`,
      expected: `numbers (${records}, classes)`,
    });
  }
  const list = (key: string, length: number | undefined): (string | number)[] => {
    const found = array(key);
    if (found.shape.length !== 1 || found.shape[0] !== length) {
      throw new InputError(`${key} cannot be used`, {
        file,
        got: `shape (${found.shape.join(', ')})`,
        expected: `(${length},)`,
      });
    }
    if (found.dtype !== 'object' && found.dtype !== 'str') return Array.from(toFloat64(found));
    return Array.from(found.data, (item) => (typeof item === 'string' ? item : Number(item)));
  };
  return {
    // A file is converted where it is read, see `loadTrainingSet`.
    x: x instanceof NpyFile || isFloatType(x.dtype) ? x : (astype(x, 'float32') as X),
    y: y.dtype === 'float16' ? astype(y, 'float32') : y,
    recordIds: list('record_ids', records),
    classes: list('classes', y.shape[1]).map(String),
    ...(value.has('patient_ids') ? { patientIds: list('patient_ids', records) } : {}),
  };
}

function idArray(ids: readonly (string | number)[]): ObjectArray | NdArray<DType> {
  if (!ids.every((id) => typeof id === 'number')) return objectArray(ids);
  return ndarray('int64', [ids.length], BigInt64Array.from(ids, BigInt));
}
