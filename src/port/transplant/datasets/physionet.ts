import { type Reporter, silent } from '../../../events.ts';
import type { DType, NdArray } from '../../../lib/numpy/ndarray.ts';
import { leadsTogether, type Resampler } from '../../../lib/samplerate/resample.ts';
import { rdrecord, type WfdbRecord } from '../../../lib/wfdb/record.ts';
import {
  type LabelFrame,
  type Listing,
  listChallenge17Data,
  listChallenge20Data,
  listPtbXlData,
  type PtbXlOptions,
} from './physionet/listing.ts';
import { type Normalizer, normalizer } from './physionet/normalization.ts';
import { resampled } from './physionet/resampling.ts';

export type { LabelFrame, Normalizer, PtbXlOptions };

/** Mean and standard deviation of Challenge 2017 (mV). */
export const challenge17Mean = 0.0075;
export const challenge17Std = 0.2373;
/** Mean and standard deviation per lead of CPSC 2018 (mV). */
export const challenge20Mean: readonly number[] = Array(12).fill(0);
export const challenge20Std: readonly number[] = [
  0.2137, 0.2356, 0.2205, 0.2086, 0.1962, 0.2139, 0.3359, 0.4167, 0.4489, 0.4828, 0.523, 0.5614,
];
/** Mean and standard deviation per lead of PTB-XL (mV). */
export const ptbXlMean: readonly number[] = [
  -0.0018, -0.0013, 0.0005, 0.0015, -0.0011, -0.0004, 0.0002, -0.0009, -0.0015, -0.0018, -0.0012, -0.0012,
];
export const ptbXlStd: readonly number[] = [
  0.1921, 0.1677, 0.1791, 0.1454, 0.1553, 0.15, 0.2339, 0.3384, 0.3351, 0.3101, 0.2901, 0.2464,
];

/** What a reader of a collection returns. */
export interface Collection<D extends DType = DType, I extends string | number = string | number> {
  readonly records: WfdbRecord[];
  readonly labels: LabelFrame<D, I>;
}

/**
 * Reads Challenge 2017: single lead, 300 Hz. Twin of `read_challenge17_data`.
 *
 * @param dbDir folder with `RECORDS`, `REFERENCE.csv` and the records.
 * @returns records with `pSignal` (samples, 1) in mV, in the order of `RECORDS`; labels bool (Quirk Q27: pandas 2 makes booleans), one column per
 *   label that occurs, sorted.
 * @throws ValueError for a missing folder, `RECORDS` or `REFERENCE.csv`; KeyError for a column too many, ValueError for several; InputError for contents
 *   that cannot be used.
 */
export function readChallenge17Data(dbDir: string, report: Reporter = silent): Collection<'bool', string> {
  return readAll(listChallenge17Data(dbDir), report);
}

/**
 * Reads records in the form of Challenge 2020: labels are the SNOMED codes in the `Dx:` comment of each header. Twin of `read_challenge20_data`.
 *
 * @param dbDir folder whose `*.mat` files are the records.
 * @returns records with `pSignal` (samples, leads) in mV, sorted by name (Quirk Q28: the original takes them as the folder lists them); labels int64,
 *   one column per code that occurs, sorted as text.
 * @throws ValueError for a missing folder, or for another number of `Dx:` comments than 0, 1 (which then holds for all records) or that of the records
 *   (Quirk Q28); InputError for records that cannot be used.
 */
export function readChallenge20Data(dbDir: string, report: Reporter = silent): Collection<'int64', string> {
  return readAll(listChallenge20Data(dbDir, report), report);
}

/**
 * Reads PTB-XL: twelve leads, 100 or 500 Hz. Twin of `read_ptb_xl_data`.
 *
 * @param dbDir folder with `ptbxl_database.csv`, `scp_statements.csv` and the records.
 * @returns records with `pSignal` (samples, 12) in mV and `recordName` the ECG id; labels int32, one column per class in the order of
 *   `scp_statements.csv`. Quirk Q56: a statement of likelihood 0 counts as present.
 * @throws ValueError for an unknown `fs`, a missing folder, a missing or empty CSV file, no column `ecg_id`, or no record in the folds;
 *   AttributeError for no column `scp_codes`, or with `folds` no column `strat_fold`; KeyError for no column of the category or the file names;
 *   InputError naming file and row for contents that cannot be used.
 */
export function readPtbXlData(
  dbDir: string,
  options: PtbXlOptions = {},
  report: Reporter = silent,
): Collection<'int32', number> {
  const collection = readAll(listPtbXlData(dbDir, options), report);
  collection.records.forEach((record, i) => {
    record.recordName = collection.labels.index[i];
  });
  return collection;
}

/**
 * Resamples signals by libsamplerate's best sinc converter, each as a whole. Twin of `resample_records`.
 *
 * @param records with `pSignal` (samples, leads).
 * @param fs wanted sampling rate (Hz).
 * @returns float32 (n, leads) each; a record that has the rate already gives its own `pSignal`.
 */
export function resampleRecords(
  records: readonly WfdbRecord[],
  fs: number,
  resampler: Resampler,
  report: Reporter = silent,
): NdArray<'float32' | 'float64'>[] {
  const task = 'resampling';
  report({ kind: 'start', task, total: records.length, unit: 'records' });
  const out: NdArray<'float32' | 'float64'>[] = [];
  for (let begin = 0; begin < records.length; begin = out.length) {
    out.push(...resampled(records.slice(begin, begin + leadsTogether), fs, resampler));
    report({ kind: 'progress', task, done: out.length });
  }
  report({ kind: 'end', task });
  return out;
}

/** Normalises a signal (…, 1) in mV by mean and standard deviation of Challenge 2017. Twin of `normalize_challenge17`. */
export const normalizeChallenge17: Normalizer = normalizer({ mean: challenge17Mean, std: challenge17Std });

/** Normalises a signal (…, 12) in mV by mean and standard deviation per lead of CPSC 2018. Twin of `normalize_challenge20`. */
export const normalizeChallenge20: Normalizer = normalizer({ mean: challenge20Mean, std: challenge20Std });

/** Normalises a signal (…, 12) in mV by mean and standard deviation per lead of PTB-XL. Twin of `normalize_ptb_xl`. */
export const normalizePtbXl: Normalizer = normalizer({ mean: ptbXlMean, std: ptbXlStd });

function readAll<D extends DType, I extends string | number>(
  listing: Listing<D, I>,
  report: Reporter,
): Collection<D, I> {
  const task = 'reading records';
  report({ kind: 'start', task, total: listing.paths.length, unit: 'records' });
  const records = listing.paths.map((path, i) => {
    const record = rdrecord(path);
    report({ kind: 'progress', task, done: i + 1 });
    return record;
  });
  report({ kind: 'end', task });
  return { records, labels: listing.labels };
}
