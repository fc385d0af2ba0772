import { type Reporter, silent } from '../../events.ts';
import { type NdArray, zeros } from '../../lib/numpy/ndarray.ts';
import type { Rows } from '../../lib/numpy/rows.ts';
import { IndexError, ValueError } from '../../lib/python/errors.ts';
import { leadsTogether, openResampler, type Resampler } from '../../lib/samplerate/resample.ts';
import { rdrecord } from '../../lib/wfdb/record.ts';
import {
  type Listing,
  listChallenge17Data,
  listChallenge20Data,
  listPtbXlData,
} from '../transplant/datasets/physionet/listing.ts';
import * as physionet from '../transplant/datasets/physionet.ts';
import { padRow } from '../transplant/utils/padding.ts';
import { stackedShape, transformRecords } from './datasets/preparation.ts';

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

/** A data set whose recordings are read by number, so that parts of it need no copy. */
export type PreparedSet = DataSet<Rows>;

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
 * @throws ValueError if the collection cannot be read, or lengths differ without `pad` (Quirk Q34), or there are no records (IndexError with a number of
 *   samples as `pad`); RuntimeError for a rate beyond 256 times that of the records; InputError for unusable contents.
 */
export function getChallenge17Data(dbDir: string, options: DataOptions = {}): Promise<DataSet> {
  return prepareListing(listChallenge17Data(dbDir), physionet.normalizeChallenge17, options);
}

/** The CPSC 2018 part of Challenge 2020: twelve leads, 500 Hz, multi-label, `y` int64. Twin of `get_challenge20_data`; see `getChallenge17Data`. */
export function getChallenge20Data(dbDir: string, options: DataOptions = {}): Promise<DataSet> {
  return prepareListing(listChallenge20Data(dbDir, options.report), physionet.normalizeChallenge20, options);
}

/** PTB-XL at 500 Hz, records without a label left out: twelve leads, multi-label, `y` int32. Twin of `get_ptb_xl_data`; see `getChallenge17Data`. */
export function getPtbXlData(
  dbDir: string,
  { category, folds, ...options }: DataOptions & Pick<physionet.PtbXlOptions, 'category' | 'folds'> = {},
): Promise<DataSet> {
  return prepareListing(listPtbXlData(dbDir, { fs: 'hr', category, folds }), physionet.normalizePtbXl, options);
}

/** Twin of `_prepare_data`: a few records at a time are read, transformed and dropped. */
async function prepareListing(
  listing: Listing,
  normalize: physionet.Normalizer,
  { fs = null, pad = null, normalize: wanted = false, resampler, report = silent }: DataOptions,
): Promise<DataSet> {
  checkForm(fs, pad);
  const transform = { normalize: wanted ? normalize : null, fs };
  const used = resampler ?? (await openResampler(fs ? undefined : 'javascript'));
  const task = 'preparing records';
  report({ kind: 'start', task, total: listing.paths.length, unit: 'records' });
  const signals: NdArray<'float32' | 'float64'>[] = [];
  for (let begin = 0; begin < listing.paths.length; begin = signals.length) {
    const records = listing.paths.slice(begin, begin + leadsTogether).map((path) => rdrecord(path));
    signals.push(...transformRecords(records, transform, used));
    report({ kind: 'progress', task, done: signals.length });
  }
  report({ kind: 'end', task });
  const { labels, patientIds } = listing;
  return { x: stack(signals, pad), y: labels.values, recordIds: labels.index, classes: labels.columns, patientIds };
}

/** Refuses rates and lengths that cannot be used, with Python's types of errors, before any record is read. */
function checkForm(fs: number | null, pad: number | 'max' | null): void {
  if (fs && typeof fs !== 'number') throw new TypeError(`fs must be a number (Hz), got ${JSON.stringify(fs)}`);
  if (Number.isNaN(fs)) throw new ValueError('fs must be a number (Hz), got NaN');
  if (pad === 'max' || (!pad && !Number.isNaN(pad))) return;
  const got = typeof pad === 'number' ? `${pad}` : JSON.stringify(pad);
  const text = `pad must be 'max' or a whole number of samples, got ${got}`;
  if (typeof pad !== 'number' || !Number.isInteger(pad)) throw new TypeError(text);
  if (pad < 0 || !Number.isSafeInteger(pad)) throw new ValueError(text);
}

/** The error for a collection without records: Python's, or where Python returns an empty array, ValueError. */
function noRecords(pad: number | 'max' | null): Error {
  return typeof pad === 'number' && pad > 0
    ? new IndexError('there are no records')
    : new ValueError('there are no records');
}

/** Recordings as one array: padded by `pad_sequences(padding='pre')`, or of equal length. */
function stack(
  signals: readonly NdArray<'float32' | 'float64'>[],
  pad: number | 'max' | null,
): NdArray<'float32' | 'float64'> {
  if (signals.length === 0) throw noRecords(pad);
  const shapes = signals.map(({ dtype, shape: [samples, leads] }) => ({ dtype, samples, leads }));
  const { dtype, samples, leads } = stackedShape(
    shapes,
    pad,
    (different) =>
      new ValueError(
        `recordings differ: the first has shape (${signals[0].shape.join(', ')}), number ${different} has (${signals[different].shape.join(', ')}); ` +
          'lengths can be made equal by padding',
      ),
  );
  const out = zeros(dtype, [signals.length, samples, leads]);
  const width = samples * leads;
  for (const [i, { data }] of signals.entries()) padRow(data, out.data.subarray(i * width, (i + 1) * width));
  return out;
}
