import { type Reporter, silent } from '../../events.ts';
import { type NdArray, zeros } from '../../lib/numpy/ndarray.ts';
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
