import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { InputError, UsageError } from '../errors.ts';
import { type Reporter, silent } from '../events.ts';
import { lockFolder } from '../lib/lock.ts';
import { writeFileAtomic } from '../lib/python/atomic_file.ts';
import { freeBytes } from '../lib/python/shutil.ts';
import { readWholeFile } from '../lib/python/whole_file.ts';
import { gigabytes } from '../text.ts';
import { unpackChallenge2017 } from './challenge2017.ts';
import { CheckedFiles } from './checked_files.ts';
import { type DataSet, publisher } from './data_sets.ts';
import { download, type Patience } from './download.ts';
import type { HttpClient } from './http.ts';
import { type ListedFile, readListing } from './listing.ts';

export interface FetchOptions {
  readonly sets: readonly DataSet[];
  /** Folder in which each data set gets its own; created. */
  readonly target: string;
  readonly client: HttpClient;
  /** Address to use instead of the publisher's. */
  readonly mirror?: string;
  /** Patients of the sets that are ordered by patient; default all. */
  readonly patients?: readonly number[];
  /** Number of files downloaded at the same time; default 4. */
  readonly connections?: number;
  /** Replace files that exist with other content. */
  readonly force?: boolean;
  readonly patience?: Patience;
  /** Asked once, before any large download; the default agrees. */
  readonly confirm?: (plans: readonly Plan[]) => Promise<boolean>;
  readonly signal?: AbortSignal;
  readonly report?: Reporter;
}

/** What must be done for one data set. */
export interface Plan {
  readonly set: DataSet;
  readonly folder: string;
  /** Folder in which {@link fetchData} remembers things about the set. */
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
 * Folder for the list of checksums of a data set, the files that were checked, and the lock. It lies beside the folders of the data sets, where no file of a
 * publication or of its archives can be written.
 */
const memoryOf = (set: DataSet, target: string): string => join(target, '.fetch', set.folder);
const sums = 'SHA256SUMS.txt';

/** A file may be `factor` times as long as files of its kind are known to be, plus `bytes`. */
const slack = { factor: 20, bytes: 1 << 20 };
/** Factor for the length of the list of checksums and its number of files. */
const listSlack = 4;

/** Number of files that may fail before the rest is not tried. */
const mostFaults = 20;

/**
 * Downloads data sets: lists their files, asks, downloads what is missing, and checks each file against its published checksum. Files that are here already are
 * kept, so an interrupted call can be repeated. When everything is here, it does not even contact the server.
 *
 * @returns false if `confirm` did not agree.
 * @throws InputError for files that cannot be downloaded, too little space, or files that exist with other content; TemporaryFault if the server keeps failing.
 */
export async function fetchData(options: FetchOptions): Promise<boolean> {
  const { sets, target, confirm = async () => true, report = silent } = options;
  if (options.patients && !sets.some(isByPatient)) {
    throw new InputError('none of the chosen data sets is ordered by patient', {
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
    // A file that was downloaded by other means is as good, if it is complete.
    if (!existsSync(join(folder, file.target))) missing.push(file);
    else if (!(await checked.check(file))) foreign.push(file);
  }
  if (foreign.length > 0 && !options.force) {
    throw new InputError('files exist whose content is not the published one', {
      file: join(folder, foreign[0].target),
      got: `${foreign.length} with another checksum`,
      next: 'Move them away, or replace them with --force.',
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
    throw new UsageError('--mirror: invalid address', { got: mirror, expected: `something like ${publisher}` });
  }
}

function requireRoom(target: string, plans: readonly Plan[]): void {
  const bytes = plans.reduce((sum, plan) => sum + plan.bytes, 0);
  const free = freeBytes(target);
  if (free >= bytes) return;
  throw new InputError('not enough space on the disk', {
    file: target,
    got: `${gigabytes(free)} free`,
    expected: `about ${gigabytes(bytes)}`,
    next: 'Free some space, choose another --target, or download fewer patients with --patients.',
  });
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
        // One bad file does not stop the others. Any other fault would affect them, too.
        if (!(error instanceof InputError) || isFull(error) || faults.push(error) >= mostFaults) throw error;
        report({ kind: 'warning', text: error.message });
      }
    }
  };
  report({ kind: 'start', task, total: missing.length, unit: 'files' });
  // All must end before the folder is unlocked, even if one fails.
  const ends = await Promise.allSettled(Array.from({ length: connections }, () => worker().catch(stopOthers)));
  report({ kind: 'end', task, detail: gigabytes(bytes) });
  const failed = ends.find((end) => end.status === 'rejected');
  if (failed) throw stop.signal.aborted ? stop.signal.reason : failed.reason;
  if (faults.length > 0) {
    throw new InputError(`${faults.length} files could not be downloaded; the others are complete`, {
      file: folder,
      got: faults[0].message,
      next: 'Run the same command again to try only these.',
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

/** Does work on the complete files of a set, unless it was already done on the same files. */
async function once({ memory, files }: Plan, work: () => void): Promise<void> {
  const marker = join(memory, 'unpacked');
  const state = files.map(({ sha256, target }) => `${sha256}  ${target}\n`).join('');
  if (existsSync(marker) && Buffer.from(readWholeFile(marker)).toString() === state) return;
  rmSync(marker, { force: true });
  work();
  writeFileAtomic(marker, state);
}
