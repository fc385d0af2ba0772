import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { InputError, UsageError } from '../errors.ts';
import { type Reporter, silent } from '../events.ts';
import { lockFolder } from '../lib/lock.ts';
import { writeFileAtomic } from '../lib/python/atomic_file.ts';
import { freeBytes } from '../lib/python/shutil.ts';
import { readWholeFile } from '../lib/python/whole_file.ts';
import { unpackChallenge2017 } from './challenge2017.ts';
import { CheckedFiles } from './checked_files.ts';
import { type DataSet, publisher } from './data_sets.ts';
import { download, type Patience } from './download.ts';
import type { HttpClient } from './http.ts';
import { type ListedFile, readListing } from './listing.ts';

export interface FetchOptions {
  readonly sets: readonly DataSet[];
  /** Folder that gets each data set's own; created. */
  readonly target: string;
  readonly client: HttpClient;
  /** Address in place of the publisher's. */
  readonly mirror?: string;
  /** Patients of the sets that are ordered by patient; default all. */
  readonly patients?: readonly number[];
  /** Files that are fetched at once; default 4. */
  readonly connections?: number;
  /** Replace files that are there with another content. */
  readonly force?: boolean;
  readonly patience?: Patience;
  /** Asked once, before anything large is fetched; the default agrees. */
  readonly confirm?: (plans: readonly Plan[]) => Promise<boolean>;
  readonly signal?: AbortSignal;
  readonly report?: Reporter;
}

/** What there is to do for one data set. */
export interface Plan {
  readonly set: DataSet;
  readonly folder: string;
  /** Where {@link fetchData} keeps what it knows of the set. */
  readonly memory: string;
  readonly address: string;
  /** Files of the set, or of the chosen patients. */
  readonly files: readonly ListedFile[];
  /** Those that are not here yet. */
  readonly missing: readonly ListedFile[];
  /** About how many bytes these have. */
  readonly bytes: number;
}

/**
 * What is remembered of a data set: the list of checksums, which files have theirs, the lock. It lies beside the data sets' folders, where no file of a publication or of
 * its archives can get.
 */
const memoryOf = (set: DataSet, target: string): string => join(target, '.fetch', set.folder);
const sums = 'SHA256SUMS.txt';

/** A file may be so many times as long as is known of its kind, and this many bytes more. */
const slack = { factor: 20, bytes: 1 << 20 };
/** The list of checksums, and its number of files, so many times. */
const listSlack = 4;

/** Faults of single files after which the rest is not tried. */
const mostFaults = 20;

/**
 * Fetches data sets: lists, asks, and downloads what is missing, each file with its published checksum. What is here already is left alone, so an interrupted call can be
 * repeated, and a second one does nothing (not even ask the server).
 *
 * @returns false if `confirm` did not agree.
 * @throws InputError for what cannot be fetched, too little room, or files that are here with another content; TemporaryFault if the server fails for long.
 */
export async function fetchData(options: FetchOptions): Promise<boolean> {
  const { sets, target, confirm = async () => true, report = silent } = options;
  if (options.patients && !sets.some(isByPatient)) {
    throw new InputError('no data set is chosen that is ordered by patient', {
      got: sets.map(({ name }) => name).join(', '),
      expected: 'icentia11k',
      next: 'Leave --patients out.',
    });
  }
  const unlocks: (() => void)[] = [];
  try {
    const plans: Plan[] = [];
    for (const set of sets) {
      const memory = memoryOf(set, target);
      mkdirSync(memory, { recursive: true });
      unlocks.push(lockFolder(memory, { work: 'fetches into this folder' }));
      plans.push(await planSet(set, memory, options));
    }
    const open = plans.filter(({ missing }) => missing.length > 0);
    if (open.length > 0) {
      requireRoom(target, open);
      if (!(await confirm(plans))) return false;
    }
    for (const plan of plans) {
      if (plan.missing.length > 0) await fetchFiles(plan, options);
      if (plan.set.afterwards === 'challenge-2017') await once(plan, () => unpackChallenge2017(plan, report));
      report({ kind: 'message', text: `${plan.folder}: complete, ${plan.files.length} files` });
    }
    return true;
  } finally {
    for (const unlock of unlocks) unlock();
  }
}

async function planSet(set: DataSet, memory: string, options: FetchOptions): Promise<Plan> {
  const folder = join(options.target, set.folder);
  const { client, patience, signal, mirror = publisher, report = silent } = options;
  const address = addressOf(set, mirror);
  const list = join(memory, sums);
  if (!existsSync(list)) {
    report({ kind: 'message', text: `${set.name}: fetching the list of files and checksums from ${address}` });
    const maxBytes = listSlack * set.about.listBytes;
    await download({ address: address + sums, target: list, maxBytes }, { client, patience, signal });
  }
  const files = await readListing(
    list,
    set,
    listSlack * set.about.files,
    isByPatient(set) ? options.patients : undefined,
  );
  const checked = await CheckedFiles.open(folder, join(memory, 'verified'));
  const missing: ListedFile[] = [];
  const foreign: ListedFile[] = [];
  for (const file of files) {
    if (checked.has(file)) continue;
    signal?.throwIfAborted();
    // A file of an earlier download by other means is as good, if it is whole.
    if (!existsSync(join(folder, file.target))) missing.push(file);
    else if (!(await checked.check(file))) foreign.push(file);
  }
  if (foreign.length > 0 && !options.force) {
    throw new InputError('files are here that are not the published ones', {
      file: join(folder, foreign[0].target),
      got: `${foreign.length} with another checksum`,
      next: 'Move them away, or let them be replaced: --force.',
    });
  }
  missing.push(...foreign);
  return { set, folder, memory, address, files, missing, bytes: missing.reduce((sum, { bytes }) => sum + bytes, 0) };
}

function isByPatient({ files }: DataSet): boolean {
  return files.some(({ path }) => path.source.includes('(?<patient>'));
}

function addressOf(set: DataSet, mirror: string): string {
  try {
    return new URL(set.address, mirror.endsWith('/') ? mirror : `${mirror}/`).href;
  } catch {
    throw new UsageError('--mirror is no address', { got: mirror, expected: `something like ${publisher}` });
  }
}

function requireRoom(target: string, plans: readonly Plan[]): void {
  const bytes = plans.reduce((sum, plan) => sum + plan.bytes, 0);
  const free = freeBytes(target);
  if (free >= bytes) return;
  throw new InputError('there is too little room on the disk', {
    file: target,
    got: `${gigabytes(free)} free`,
    expected: `about ${gigabytes(bytes)}`,
    next: 'Make room, choose another --target, or fetch fewer patients: --patients.',
  });
}

/** A size for people. */
export function gigabytes(bytes: number): string {
  return bytes < 1e9 ? `${Math.ceil(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

async function fetchFiles(plan: Plan, options: FetchOptions): Promise<void> {
  const { set, folder, memory, address, missing } = plan;
  const { client, patience, connections = 4, report = silent } = options;
  const checked = await CheckedFiles.open(folder, join(memory, 'verified'));
  const stop = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
  const faults: InputError[] = [];
  let next = 0;
  let bytes = 0;
  let done = 0;
  const task = set.name;
  const progress = (): void =>
    report({ kind: 'progress', task, done, detail: `${gigabytes(bytes)} of about ${gigabytes(plan.bytes)}` });
  const onBytes = (count: number): void => {
    bytes += count;
    progress();
  };
  const worker = async (): Promise<void> => {
    while (next < missing.length) {
      const file = missing[next++];
      const maxBytes = slack.factor * file.bytes + slack.bytes;
      const source = address + file.path.split('/').map(encodeURIComponent).join('/');
      const onRetry = (reason: string): void => report({ kind: 'message', text: reason });
      try {
        const wanted = { address: source, target: join(folder, file.target), sha256: file.sha256, maxBytes };
        await download(wanted, { client, patience, signal, onBytes, onRetry });
        checked.add(file);
        done++;
        progress();
      } catch (error) {
        // A single bad file does not keep the others away; anything else would befall them too.
        if (!(error instanceof InputError) || isFull(error) || faults.push(error) >= mostFaults) throw error;
        report({ kind: 'warning', text: error.message });
      }
    }
  };
  report({ kind: 'start', task, total: missing.length, unit: 'files' });
  // All have to end before the folder is given back, also where one fails.
  const ends = await Promise.allSettled(Array.from({ length: connections }, () => worker().catch(stopOthers)));
  report({ kind: 'end', task, detail: gigabytes(bytes) });
  const failed = ends.find((end) => end.status === 'rejected');
  if (failed) throw stop.signal.aborted ? stop.signal.reason : failed.reason;
  if (faults.length > 0) {
    throw new InputError(`${faults.length} files could not be fetched; the others are complete`, {
      file: folder,
      got: faults[0].message,
      next: 'Run the same command again to try these alone.',
    });
  }

  function stopOthers(error: unknown): never {
    stop.abort(error);
    throw error;
  }
}

function isFull(error: InputError): boolean {
  return /^(ENOSPC|EDQUOT|EFBIG)$/.test(error.problem.got ?? '');
}

/** Does work on the complete files of a set, unless it was done on the same ones. */
async function once({ memory, files }: Plan, work: () => void): Promise<void> {
  const marker = join(memory, 'unpacked');
  const state = files.map(({ sha256, target }) => `${sha256}  ${target}\n`).join('');
  if (existsSync(marker) && Buffer.from(readWholeFile(marker)).toString() === state) return;
  rmSync(marker, { force: true });
  work();
  writeFileAtomic(marker, state);
}
