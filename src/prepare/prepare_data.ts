import { existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { InputError, UsageError } from '../errors.ts';
import { type Reporter, silent } from '../events.ts';
import { cpuLimit } from '../lib/machine.ts';
import { checkOutputFolder } from '../lib/outputs.ts';
import { fileDigest } from '../lib/python/hashlib.ts';
import { chooseResampler, type ResamplerChoice } from '../lib/samplerate/resample.ts';
import { type RowShape, stackedShape } from '../port/finetuning/datasets/preparation.ts';
import type { Normalization } from '../port/transplant/datasets/physionet/normalization.ts';
import { isMulticlass } from '../port/transplant/utils.ts';
import { leadKey } from '../recordings/leads.ts';
import { NoteBook } from '../recordings/notes.ts';
import { readRecording, twelveLeads } from '../recordings/recordings.ts';
import {
  type CollectionKind,
  type CollectionOptions,
  collectionKinds,
  count,
  indexChecksums,
  type RecordListing,
} from './collections.ts';
import { measureNormalization } from './measured_normalization.ts';
import { describedLike, optionsLike, withClassesLike } from './prepared_alike.ts';
import { writePart } from './prepared_file.ts';
import { type Preprocessing, preprocessingFile, writePreprocessing } from './preprocessing.ts';
import { RecordCache } from './record_cache.ts';
import { prepareRecordings } from './record_pool.ts';
import type { RecordPlan } from './record_transform.ts';
import { describeSplit, divide, partNames, resolveSplit, type SplitBy } from './split.ts';

/** Options of `prepareData`. The defaults are the documented recipe of the Python original. */
export interface PrepareOptions extends CollectionOptions {
  /** Key of `collectionKinds`. */
  readonly format: string;
  /** Folder of the collection. */
  readonly source: string;
  /** Folder for the files; created. */
  readonly target: string;
  /** First part of the file names (default: that of the collection). */
  readonly name?: string;
  /** Sampling rate of the result (Hz), default 250; `null`: as recorded. */
  readonly fs?: number | null;
  /** Length in samples, default 16,384: zeros are added at the start, or the start is cut off. `max`: that of the longest recording; `null`: all must be equally long. */
  readonly pad?: number | 'max' | null;
  /** Default: the published mean and standard deviation of the collection; if it has none, they are measured on the training part. */
  readonly normalize?: 'collection' | 'measured' | 'none' | Normalization;
  /** A prepared file. The new set gets the same rate, length, leads, normalisation and classes, so that one job can use both files. */
  readonly like?: string;
  /** Leads to take, by name (default: all of the first recording). */
  readonly leads?: readonly string[];
  /** Size of the test part: a fraction below 1, or a number of records or patients. Default 0.2; 0: no division, one file. */
  readonly testSize?: number;
  /** Default: `record` for published collections, as in the original; `patient` for your own recordings if their patients are known. */
  readonly splitBy?: SplitBy;
  /** Folds of the test part, with `splitBy: 'fold'`. */
  readonly testFolds?: readonly number[];
  /** Folds of a validation part, `<name>_val.pkl`, beside `testFolds`. */
  readonly valFolds?: readonly number[];
  /** Seed of the division; default: random, and recorded in the description. */
  readonly seed?: number;
  readonly keepMissing?: boolean;
  /** Accept leads that do not vary. By default, your own recordings must not have any, and published ones need at least one lead that varies. */
  readonly keepFlat?: boolean;
  /** Replace existing files. */
  readonly force?: boolean;
  /** Threads that read and resample (default: one per processor). */
  readonly threads?: number;
  readonly resampler?: ResamplerChoice;
  readonly report?: Reporter;
}

/**
 * Prepares a collection for finetuning: reads, normalises, resamples and pads every recording, divides the set, and writes
 * `<name>_train.pkl`, `<name>_test.pkl` (gzip pickles that the Python original loads) and `preprocessing.json`. Equal to the last bit to
 * `np.random.seed(seed)`, `get_*_data(fs=250, pad=16384, normalize=True)`, `train_test_split(test_size=0.2, stratify=y)`, `save_pkl`.
 *
 * Recordings are processed one by one, so memory does not grow with the set. After an interruption, the next run continues where the last one stopped.
 *
 * @returns the description that was written.
 * @throws InputError if a file exists already (without `force`), or if any input cannot be used.
 */
export async function prepareData(given: PrepareOptions): Promise<Preprocessing> {
  const described = describedLike(given);
  const options = described ? optionsLike(given, described) : given;
  const { source, target, pad = 16_384, report = silent } = options;
  const kind = checkSource(options);
  const { name = kind.name } = options;
  const fileOf = (part: string): string => (part === 'all' ? `${name}.pkl` : `${name}_${part}.pkl`);
  checkTarget(options, name, partNames(options), fileOf);

  const listed = kind.list(source, options, report);
  const listing = described ? withClassesLike(listed, described, given.like!) : listed;
  const { unlabelled = [] } = listing;
  if (unlabelled.length > 0)
    report({ kind: 'warning', text: `left out because they have no label: ${count(unlabelled, 'record')}` });
  if (listing.paths.length === 0) throw new InputError('there are no labelled records', { file: source });
  const split = resolveSplit(options, kind.splitBy, listing);
  const parts = divide(listing, split);
  const plan = planRecords(options, kind, listing, parts.train ?? parts.all);
  const index = indexChecksums(source, kind);

  mkdirSync(target, { recursive: true });
  const partial = join(target, `.${name}.partial`);
  const cache = RecordCache.open(partial, {
    version: 1,
    source: resolve(source),
    index,
    records: listing.recordIds,
    plan,
  });
  try {
    await fillCache(cache, listing, plan, options);
    const stacked = stackedShape(cache.shapes, pad, (other) => differentLengths(listing.paths, cache.shapes, other));
    const row = described ? { ...stacked, dtype: described.dtype } : stacked;
    const files: Record<string, { file: string; records: number; sha256: string }> = {};
    for (const [part, records] of Object.entries(parts)) {
      const path = join(partial, fileOf(part));
      await writePart(path, listing, records, cache, row, report);
      files[part] = { file: fileOf(part), records: records.length, sha256: await fileDigest(path) };
    }
    const preprocessing: Preprocessing = {
      format: 1,
      collection: options.format,
      source: { folder: resolve(source), records: listing.paths.length, index },
      samplingRate: plan.fs ?? plan.recordedFs,
      leads: plan.leads,
      units: plan.units,
      normalization: plan.normalization,
      resampling: plan.fs === null ? null : { library: 'libsamplerate', converter: 'sinc_best', targetRate: plan.fs },
      padding: pad === null ? null : { samples: row.samples, side: 'front', value: 0 },
      dtype: row.dtype,
      classes: listing.classes,
      ...(options.labels && { labels: options.labels }),
      multiLabel: isMulticlass(listing.y),
      split: describeSplit(split),
      files,
    };
    // The data files are moved last, so that an existing file is always complete and described.
    writePreprocessing(target, name, preprocessing);
    for (const { file } of Object.values(files)) renameSync(join(partial, file), join(target, file));
    report({ kind: 'message', text: `${join(target, preprocessingFile)}: ${name}, ${listing.paths.length} records` });
    cache.close();
    rmSync(partial, { recursive: true });
    return preprocessing;
  } catch (error) {
    cache.close();
    throw error;
  }
}

function differentLengths(paths: readonly string[], shapes: readonly RowShape[], other: number): InputError {
  return new InputError('recordings have different lengths', {
    file: paths[other],
    got: `${shapes[other].samples} samples`,
    expected: `${shapes[0].samples}, as the first`,
    next: 'Pad them: --pad 16384.',
  });
}

function checkSource({ format, source, ...options }: PrepareOptions): CollectionKind {
  const kind = Object.hasOwn(collectionKinds, format) ? collectionKinds[format] : undefined;
  if (!kind)
    throw new UsageError('--format: unknown format', {
      got: format,
      expected: Object.keys(collectionKinds).join(', '),
    });
  const other = format === 'ptb-xl' ? undefined : (['labels', 'recordings'] as const).find((name) => options[name]);
  if (other !== undefined) {
    throw new UsageError(`--${other} is for PTB-XL`, {
      got: `--format ${format} --${other} ${options[other]}`,
      expected: `--format ptb-xl, or no --${other}`,
    });
  }
  if (!statSync(source, { throwIfNoEntry: false })?.isDirectory()) {
    throw new InputError('--source is not a directory', {
      file: source,
      next: `Pass the folder that holds ${kind.indexFiles.join(' and ') || 'the records'}.`,
    });
  }
  return kind;
}

function checkTarget(
  { target, force = false }: PrepareOptions,
  name: string,
  parts: readonly string[],
  fileOf: (part: string) => string,
): void {
  if (!/^[-\w]+$/.test(name))
    throw new UsageError('--name is not valid', {
      got: JSON.stringify(name),
      expected: 'letters, digits, _ and -',
    });
  checkOutputFolder(target, { flag: '--target' });
  const present = parts.map((part) => join(target, fileOf(part))).find((file) => existsSync(file));
  if (present !== undefined && !force) {
    throw new InputError('the file already exists', {
      file: present,
      next: 'Replace it with --force, or choose another --target or --name.',
    });
  }
}

/** The plan for every recording. What the options leave open is taken from the first recording. */
function planRecords(
  options: PrepareOptions,
  kind: CollectionKind,
  listing: RecordListing,
  training: readonly number[],
): RecordPlan {
  const format = kind.format(options);
  const first = readRecording(listing.paths[0], format, { leads: options.leads });
  const plan: RecordPlan = {
    format,
    normalization: null,
    fs: options.fs === undefined ? 250 : options.fs,
    leads: options.leads ?? first.leads,
    units: 'mV',
    recordedFs: first.fs,
    keepMissing: options.keepMissing ?? false,
    keepFlat: options.keepFlat ? 'yes' : kind.normalization ? 'leads' : 'no',
  };
  const paths = training.map((i) => listing.paths[i]);
  return {
    ...plan,
    normalization: chooseNormalization(options, kind, plan.leads, () =>
      measureNormalization(paths, plan, options.report ?? silent),
    ),
  };
}

function chooseNormalization(
  options: PrepareOptions,
  kind: CollectionKind,
  leads: readonly string[],
  measure: () => Normalization,
): Normalization | null {
  const wanted = options.normalize ?? (kind.normalization ? 'collection' : 'measured');
  if (typeof wanted === 'object') return wanted;
  if (wanted === 'none') return null;
  if (wanted === 'measured') return measure();
  if (kind.normalization) return constantsOf(kind.normalization, leads, options.leads !== undefined);
  throw new InputError('the collection has no published mean and standard deviation', {
    got: options.format,
    expected: '--normalize measured, or --normalize none',
  });
}

/** Mean and standard deviation of the chosen leads, by name. If all leads are taken and their names are unknown, the order of the leads decides, as in the original. */
function constantsOf({ mean, std }: Normalization, leads: readonly string[], chosen: boolean): Normalization {
  if (typeof mean === 'number' || typeof std === 'number') return { mean, std };
  const known = twelveLeads.map(leadKey);
  const places = leads.map((name) => known.indexOf(leadKey(name)));
  const unknown = leads.filter((_, i) => places[i] === -1);
  if (unknown.length === 0) return { mean: places.map((i) => mean[i]), std: places.map((i) => std[i]) };
  if (!chosen && leads.length === mean.length) return { mean, std };
  throw new InputError('the collection has no published mean and standard deviation for some leads', {
    got: unknown.join(', '),
    expected: twelveLeads.join(', '),
    next: 'Measure them: --normalize measured.',
  });
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
  const threads = options.threads ?? cpuLimit();
  const resampler = options.resampler ?? (plan.fs === null ? 'javascript' : await chooseResampler());
  const notes = new NoteBook(report);
  const pool = { threads, resampler, note: notes.add };
  for await (const signal of prepareRecordings(listing.paths.slice(cache.size), plan, pool)) {
    cache.append(signal);
    report({ kind: 'progress', task, done: cache.size });
  }
  report({ kind: 'end', task });
  notes.close();
}
