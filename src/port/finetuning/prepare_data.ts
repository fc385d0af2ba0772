import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { InputError } from '../../errors.ts';
import { type Reporter, silent } from '../../events.ts';
import { allocate, bytesOf, type NdArray, sizeOf, zeros } from '../../lib/numpy/ndarray.ts';
import { RandomState } from '../../lib/numpy/random.ts';
import { ArrayStream, dump } from '../../lib/python/pickle.ts';
import { chooseResampler, type ResamplerChoice } from '../../lib/samplerate/resample.ts';
import { splitIndices } from '../../lib/sklearn/model_selection.ts';
import { isMulticlass } from '../transplant/utils.ts';
import { type CollectionOptions, collectionKinds, indexChecksums, type RecordListing } from './collections.ts';
import { dataSetToPickle, padPre } from './datasets.ts';
import { type Preprocessing, preprocessingFile, writePreprocessing } from './preprocessing.ts';
import { RecordCache } from './record_cache.ts';
import { prepareRecordings } from './record_pool.ts';
import { type Normalization, prepareRecording, type RecordPlan } from './record_transform.ts';
import { readRecording } from './recordings.ts';

/** How a set is divided into a training and a test part. */
export type SplitBy = 'record' | 'patient' | 'fold';

/** What `prepareData` is to do; the defaults are the documented recipe of the Python original. */
export interface PrepareOptions extends CollectionOptions {
  /** Key of `collectionKinds`. */
  readonly format: string;
  /** Folder of the collection. */
  readonly source: string;
  /** Folder for the files; created. */
  readonly target: string;
  /** First part of the files' names (default: the collection's). */
  readonly name?: string;
  /** Sampling rate of the result (Hz), default 250; `null`: as recorded. */
  readonly fs?: number | null;
  /** Samples to pad (in front) or cut to, default 16,384; `max`: the longest recording; `null`: recordings are equally long. */
  readonly pad?: number | 'max' | null;
  /** Default: the collection's constants, or measured ones where it has none. Measured on the training part. */
  readonly normalize?: 'collection' | 'measured' | 'none';
  /** Leads to take, by name (default: all of the first recording). */
  readonly leads?: readonly string[];
  /** Fraction (below 1) or number of records or patients of the test part, default 0.2; 0: one file without division. */
  readonly testSize?: number;
  /** Default: as the original for the published collections, by patient for own recordings whose patients are known. */
  readonly splitBy?: SplitBy;
  /** Folds of the test part, with `splitBy: 'fold'`. */
  readonly testFolds?: readonly number[];
  /** Seed of the division; default: drawn and written into the description. */
  readonly seed?: number;
  readonly keepMissing?: boolean;
  /** Replace files that are there. */
  readonly force?: boolean;
  /** Threads that read and resample (default: the processors). */
  readonly threads?: number;
  readonly resampler?: ResamplerChoice;
  readonly report?: Reporter;
}

/** Parts of a set and the records of each, in the order of the file. */
type Parts = Readonly<Record<string, readonly number[]>>;

/**
 * Prepares a collection for finetuning: reads, normalises, resamples and pads every recording, divides the set, and writes
 * `<name>_train.pkl`, `<name>_test.pkl` (gzip pickles that the Python original loads) and `preprocessing.json`. Equal to the last bit to
 * `np.random.seed(seed)`, `get_*_data(fs=250, pad=16384, normalize=True)`, `train_test_split(test_size=0.2, stratify=y)`, `save_pkl`.
 *
 * Recordings pass through one by one, so memory does not grow with the set. An interrupted run goes on where it was.
 *
 * @returns the description that was written.
 * @throws InputError if files are there already (without `force`), or for anything that cannot be used.
 */
export async function prepareData(options: PrepareOptions): Promise<Preprocessing> {
  const { source, target, testSize = 0.2, force = false, report = silent } = options;
  const kind = collectionKinds[options.format];
  if (!kind)
    throw new InputError('the format is not known', {
      got: options.format,
      expected: Object.keys(collectionKinds).join(', '),
    });
  if (!statSync(source, { throwIfNoEntry: false })?.isDirectory()) {
    throw new InputError('the source is no folder', {
      file: source,
      next: 'Give the folder of the collection: --source DIR.',
    });
  }
  const { name = kind.name } = options;
  if (!/^[-\w]+$/.test(name))
    throw new InputError('the name cannot be used', {
      got: JSON.stringify(name),
      expected: 'letters, digits, _ and -',
    });
  const outputs = testSize === 0 ? ['all'] : ['train', 'test'];
  const fileOf = (part: string): string => (part === 'all' ? `${name}.pkl` : `${name}_${part}.pkl`);
  const present = outputs.map((part) => join(target, fileOf(part))).filter((file) => existsSync(file));
  if (present.length > 0 && !force) {
    throw new InputError('the file is there already', {
      file: present[0]!,
      next: 'Replace it with --force, or give another --target or --name.',
    });
  }

  const listing = kind.list(source, options);
  if (listing.paths.length === 0) throw new InputError('there are no labelled records', { file: source });
  mkdirSync(target, { recursive: true });
  const partial = join(target, `.${name}.partial`);
  const seed = options.seed ?? Math.floor(Math.random() * 2 ** 16);
  const settings = { ...resolveSettings(options, kind.splitBy, listing), testSize };
  const first = readRecording(listing.paths[0]!, kind.format(options));
  const fs = options.fs === undefined ? 250 : options.fs;
  const planWithoutNormalization = {
    format: kind.format(options),
    fs,
    leads: options.leads ?? first.leads,
    units: first.units.toLowerCase() === 'mv' ? first.units : 'mV',
    recordedFs: first.fs,
    keepMissing: options.keepMissing ?? false,
  };
  const parts = divide(listing, settings, new RandomState(seed));
  const normalization = await chooseNormalization();
  const plan: RecordPlan = { ...planWithoutNormalization, normalization };
  const index = indexChecksums(source, kind);
  const cache = RecordCache.open(partial, {
    version: 1,
    source: resolve(source),
    index,
    records: listing.recordIds,
    plan,
  });
  try {
    await fillCache(cache, listing, plan, options);
    const { dtype, samples, leads } = stackedShape(cache, options.pad === undefined ? 16_384 : options.pad, listing);
    const files: Record<string, { file: string; records: number; sha256: string }> = {};
    for (const [part, records] of Object.entries(parts)) {
      const path = join(partial, fileOf(part));
      await writePart(path, listing, records, cache, { dtype, samples, leads }, report);
      files[part] = { file: basename(path), records: records.length, sha256: await sha256Of(path) };
    }
    const preprocessing: Preprocessing = {
      format: 1,
      collection: options.format,
      source: { folder: resolve(source), records: listing.paths.length, index },
      samplingRate: fs ?? first.fs,
      leads: plan.leads,
      units: plan.units,
      normalization,
      resampling: fs === null ? null : { library: 'libsamplerate', converter: 'sinc_best', targetRate: fs },
      padding: options.pad === null ? null : { samples, side: 'front', value: 0 },
      dtype,
      classes: listing.classes,
      multiLabel: isMulticlass(listing.y),
      split: describeSplit(),
      files,
    };
    writePreprocessing(target, name, preprocessing);
    for (const { file } of Object.values(files)) renameSync(join(partial, file), join(target, file));
    cache.close();
    rmSync(partial, { recursive: true });
    report({ kind: 'message', text: `${join(target, preprocessingFile)}: ${name}, ${listing.paths.length} records` });
    return preprocessing;
  } catch (error) {
    cache.close();
    throw error;
  }

  async function chooseNormalization(): Promise<Normalization | null> {
    const wanted = options.normalize ?? (kind!.normalization ? 'collection' : 'measured');
    if (wanted === 'none') return null;
    if (wanted === 'measured') {
      const training = parts.train ?? parts.all!;
      return measure(
        training.map((i) => listing.paths[i]!),
        { ...planWithoutNormalization, normalization: null },
        report,
      );
    }
    if (!kind!.normalization) {
      throw new InputError('the collection has no constants', {
        got: options.format,
        expected: '--normalize measured or none',
      });
    }
    return kind!.normalization;
  }

  function describeSplit(): Preprocessing['split'] {
    const { by, stratify } = settings;
    if (testSize === 0) return { by: 'none', testSize: null, testFolds: null, stratified: false, seed: null };
    if (by === 'fold') return { by, testSize: null, testFolds: settings.testFolds, stratified: false, seed: null };
    return { by, testSize, testFolds: null, stratified: stratify, seed };
  }
}

interface SplitSettings {
  readonly by: SplitBy;
  readonly stratify: boolean;
  readonly testFolds: readonly number[];
  readonly testSize: number;
}

function resolveSettings(
  options: PrepareOptions,
  usual: 'record' | 'patient',
  listing: RecordListing,
): Omit<SplitSettings, 'testSize'> {
  const by =
    options.splitBy ?? (options.testFolds ? 'fold' : usual === 'patient' && listing.patientIds ? 'patient' : 'record');
  if (by === 'patient' && !listing.patientIds) {
    throw new InputError('the patients are not known', {
      file: options.source,
      got: '--split patient',
      expected: '--split record',
    });
  }
  if (by === 'fold' && (!listing.folds || !options.testFolds?.length)) {
    throw new InputError('the folds are not known', {
      file: options.source,
      expected: 'a collection with folds, and --test-folds 10',
    });
  }
  // Quirk Q49: sets with several labels per record cannot be stratified.
  return { by, stratify: by === 'record' && !isMulticlass(listing.y), testFolds: options.testFolds ?? [] };
}

/** Divides the records. By record: the draws of the original; by patient: all records of a patient stay together. */
function divide(
  listing: RecordListing,
  { by, stratify, testFolds, testSize }: SplitSettings,
  random: RandomState,
): Parts {
  const all = listing.paths.map((_, i) => i);
  if (testSize === 0) return { all };
  if (by === 'fold') {
    const inTest = (i: number): boolean => testFolds.includes(listing.folds![i]!);
    const parts = { train: all.filter((i) => !inTest(i)), test: all.filter(inTest) };
    if (parts.train.length === 0 || parts.test.length === 0) {
      throw new InputError('a part has no records', {
        got: `${parts.train.length} training and ${parts.test.length} test records`,
      });
    }
    return parts;
  }
  if (by === 'record') {
    return splitIndices(all.length, { testSize, randomState: random, ...(stratify ? { stratify: listing.y } : {}) });
  }
  const patients = [...new Set(listing.patientIds!)];
  const split = splitIndices(patients.length, { testSize, randomState: random });
  const test = new Set(split.test.map((i) => patients[i]!));
  return {
    train: all.filter((i) => !test.has(listing.patientIds![i]!)),
    test: all.filter((i) => test.has(listing.patientIds![i]!)),
  };
}

async function fillCache(
  cache: RecordCache,
  listing: RecordListing,
  plan: RecordPlan,
  options: PrepareOptions,
): Promise<void> {
  const { report = silent } = options;
  const task = 'preparing records';
  report({ kind: 'start', task, total: listing.paths.length, unit: 'records' });
  if (cache.size > 0) report({ kind: 'message', text: `${cache.size} records were prepared by an earlier run` });
  const threads = options.threads ?? availableParallelism();
  const resampler = options.resampler ?? (plan.fs === null ? 'javascript' : await chooseResampler());
  for await (const signal of prepareRecordings(listing.paths.slice(cache.size), plan, { threads, resampler })) {
    cache.append(signal);
    report({ kind: 'progress', task, done: cache.size });
  }
  report({ kind: 'end', task });
}

/** Shape and dtype of a recording in the stacked array, by the rules of `datasets.stack` (Quirk Q34). */
function stackedShape(
  cache: RecordCache,
  pad: number | 'max' | null,
  listing: RecordListing,
): { dtype: 'float32' | 'float64'; samples: number; leads: number } {
  const entries = Array.from({ length: cache.size }, (_, i) => cache.describe(i));
  const first = entries[0]!;
  if (typeof pad === 'number') return { dtype: first.dtype, samples: pad, leads: first.leads };
  if (pad === 'max') {
    const samples = entries.reduce((longest, entry) => Math.max(longest, entry.samples), 0);
    return { dtype: first.dtype, samples, leads: first.leads };
  }
  const other = entries.findIndex((entry) => entry.samples !== first.samples);
  if (other !== -1) {
    throw new InputError('recordings have different lengths', {
      file: listing.paths[other]!,
      got: `${entries[other]!.samples} samples`,
      expected: `${first.samples}, as the first`,
      next: 'Pad them: --pad 16384.',
    });
  }
  const dtype = entries.some((entry) => entry.dtype === 'float64') ? 'float64' : 'float32';
  return { dtype, samples: first.samples, leads: first.leads };
}

async function writePart(
  path: string,
  listing: RecordListing,
  records: readonly number[],
  cache: RecordCache,
  { dtype, samples, leads }: { dtype: 'float32' | 'float64'; samples: number; leads: number },
  report: Reporter,
): Promise<void> {
  const task = `writing ${basename(path)}`;
  report({ kind: 'start', task, total: records.length, unit: 'records' });
  function* rows(): Generator<Uint8Array> {
    for (const [done, i] of records.entries()) {
      const row = allocate(dtype, samples * leads);
      padPre(cache.read(i), row);
      report({ kind: 'progress', task, done });
      yield new Uint8Array(row.buffer, row.byteOffset, row.byteLength);
    }
  }
  const pick = <T>(items: readonly T[]): T[] => records.map((i) => items[i]!);
  await dump(
    path,
    dataSetToPickle({
      x: new ArrayStream(dtype, [records.length, samples, leads], rows()),
      y: takeRows(listing.y, records),
      recordIds: pick(listing.recordIds),
      classes: listing.classes,
      patientIds: listing.patientIds && pick(listing.patientIds),
    }),
  );
  report({ kind: 'end', task });
}

function takeRows(array: NdArray, rows: readonly number[]): NdArray {
  const shape = [rows.length, ...array.shape.slice(1)];
  const out = zeros(array.dtype, shape);
  const rowBytes = bytesOf(array).length / Math.max(1, array.shape[0]!);
  const [from, to] = [bytesOf(array), bytesOf(out)];
  rows.forEach((row, i) => {
    to.set(from.subarray(row * rowBytes, (row + 1) * rowBytes), i * rowBytes);
  });
  return sizeOf(shape) === out.data.length ? out : array;
}

/** Mean and population standard deviation per lead, in double precision. */
async function measure(paths: readonly string[], plan: RecordPlan, report: Reporter): Promise<Normalization> {
  const task = 'measuring mean and standard deviation';
  const leads = plan.leads.length;
  const sums = new Float64Array(leads);
  const squares = new Float64Array(leads);
  let count = 0;
  report({ kind: 'start', task, total: paths.length, unit: 'records' });
  // Measured as recorded: normalisation comes before resampling.
  const asRecorded: RecordPlan = { ...plan, fs: null };
  for (const [done, path] of paths.entries()) {
    const recorded = readRecording(path, plan.format).fs;
    const { data } = prepareRecording(path, { ...asRecorded, recordedFs: recorded }, neverResample);
    for (let i = 0; i < data.length; i++) {
      const value = data[i]!;
      sums[i % leads]! += value;
      squares[i % leads]! += value * value;
    }
    count += data.length / leads;
    report({ kind: 'progress', task, done });
  }
  report({ kind: 'end', task });
  const mean = Array.from(sums, (sum) => sum / count);
  const std = Array.from(squares, (square, lead) => Math.sqrt(square / count - mean[lead]! ** 2));
  const flat = std.findIndex((value) => !(value > 0));
  if (flat !== -1) {
    throw new InputError('a lead does not vary, so it cannot be normalised', {
      where: `lead ${plan.leads[flat]}`,
      got: `mean ${mean[flat]}, standard deviation ${std[flat]}`,
      next: 'Leave the lead out (--leads), or choose --normalize none.',
    });
  }
  return { mean, std };
}

const neverResample = {
  library: 'none',
  resample(): never {
    throw new Error('recordings are measured as recorded');
  },
};

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
