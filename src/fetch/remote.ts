import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { object, string } from 'valibot';
import { InputError } from '../errors.ts';
import { type Reporter, silent } from '../events.ts';
import type { Address } from '../lib/address.ts';
import { fileKind } from '../lib/file_kind.ts';
import { cacheFolder } from '../lib/installation.mjs';
import { sha256 as digestField } from '../lib/json/fields.ts';
import { readJsonIfSound, writeJson } from '../lib/json/file.ts';
import { FolderBusy, lockFolder } from '../lib/lock.ts';
import { fileDigest } from '../lib/python/hashlib.ts';
import { readWholeFile } from '../lib/python/whole_file.ts';
import { parseSums, sumsFile } from '../lib/sums.ts';
import { type Download, download, type Patience } from './download.ts';
import { HttpClient, TemporaryFault } from './http.ts';

/** How to fetch what an address names. */
export interface RemoteOptions {
  /** Default: a folder in the user's cache. */
  readonly cache?: string;
  readonly client?: HttpClient;
  readonly patience?: Patience;
  readonly signal?: AbortSignal;
  readonly report?: Reporter;
}

export interface RemoteFileOptions extends RemoteOptions {
  /** A longer file is refused; default 2 GiB. */
  readonly maxBytes?: number;
  /** Throws an InputError for a file of another kind than is wanted; it is then not kept. */
  readonly check?: (path: string) => void;
}

/** A file in the cache. */
export interface FetchedFile {
  readonly path: string;
  readonly sha256: string;
}

/** What an address gave when it was last fetched. */
const noteSchema = object({ address: string(), sha256: digestField });

const largest = 2 ** 31;
/** Largest list of checksums, in bytes. */
const largestList = 2 ** 20;
/** Milliseconds between two looks whether another process has fetched the file. */
const pollInterval = 500;

/**
 * Fetches a file once and keeps it in the cache under its SHA-256. Later calls take it from there and do not contact the server, unless the address has a checksum that no file in the cache has. Continues
 * a download that was interrupted.
 *
 * @throws InputError if the server does not return the file, or one with another checksum; the signal's reason when it aborts.
 */
export async function fetchFile(address: Address, options: RemoteFileOptions = {}): Promise<FetchedFile> {
  const { cache = downloads(), maxBytes = largest, check, report = silent } = options;
  const known = await cached(cache, address);
  if (known) {
    report({ kind: 'message', text: `${address.text}: from the cache, SHA-256 ${known.sha256}` });
    return known;
  }
  const work = join(cache, 'partial', keyOf(address));
  return await alone(work, address, options, async () => {
    const meanwhile = await cached(cache, address);
    if (meanwhile) return meanwhile;
    const path = join(work, address.name);
    await fetchTo({ address: address.url, target: path, maxBytes }, address.text, options);
    try {
      refusePage(path, address);
      check?.(path);
      const digest = await fileDigest(path);
      requireDigest(digest, address);
      const folder = join(cache, 'files', digest);
      for (const needed of [folder, join(cache, 'addresses')]) mkdirSync(needed, { recursive: true });
      renameSync(path, join(folder, address.name));
      writeJson(noteOf(cache, address), { address: address.url, sha256: digest });
      report({ kind: 'message', text: `${address.text}: SHA-256 ${digest}` });
      return { path: join(folder, address.name), sha256: digest };
    } finally {
      rmSync(path, { force: true });
    }
  });
}

/**
 * Fetches files of a folder that holds a list of checksums, `SHA256SUMS`, as `publish` writes it; resolves to a folder in the cache that has them. A
 * checksum in the address is that of the list.
 *
 * @throws InputError if the list lacks a file, or a file is not the one that it lists; see also `fetchFile`.
 */
export async function fetchFolder(
  address: Address,
  names: readonly string[],
  options: RemoteOptions & {
    /** Files that a folder may also have. */
    readonly ifListed?: readonly string[];
  } = {},
): Promise<string> {
  const { cache = downloads() } = options;
  const list = { ...address, url: address.url + sumsFile, name: sumsFile };
  const { path, sha256 } = await fetchFile(list, {
    ...options,
    maxBytes: largestList,
    check: (fetched) => void listed(fetched, names, address),
  });
  const folder = join(cache, 'folders', sha256);
  for (const [name, digest] of listed(path, names, address, options.ifListed)) {
    const isRight = async (): Promise<boolean> =>
      existsSync(join(folder, name)) && (await fileDigest(join(folder, name))) === digest;
    if (await isRight()) continue;
    await alone(folder, address, options, async () => {
      if (await isRight()) return;
      const file = { address: address.url + name, target: join(folder, name), maxBytes: largest, sha256: digest };
      try {
        await fetchTo(file, file.address, options);
      } catch (error) {
        // If the publisher has replaced files, the next call must see the new list.
        rmSync(noteOf(cache, list), { force: true });
        throw error;
      }
    });
  }
  return folder;
}

/** The checksums of the files in a list, by name. */
function listed(
  list: string,
  names: readonly string[],
  { text }: Address,
  ifListed: readonly string[] = [],
): [string, string][] {
  const sums = parseSums(Buffer.from(readWholeFile(list, { maxBytes: largestList })).toString(), text);
  return [...names, ...ifListed.filter((name) => sums.has(name))].map((name) => {
    const digest = sums.get(name);
    if (digest !== undefined) return [name, digest];
    throw new InputError('the folder is not a published model', {
      file: text,
      where: sumsFile,
      got: `no ${name}`,
      expected: `${names.join(', ')}, as ecg-transplant publish writes them`,
    });
  });
}

const downloads = (): string => join(cacheFolder(), 'downloads');
const keyOf = ({ url }: Address): string => createHash('sha256').update(url).digest('hex');
const noteOf = (cache: string, address: Address): string => join(cache, 'addresses', `${keyOf(address)}.json`);

/** The file in the cache, if it is there and still has its checksum. */
async function cached(cache: string, address: Address): Promise<FetchedFile | undefined> {
  const digest = address.sha256 ?? readJsonIfSound(noteOf(cache, address), noteSchema)?.sha256;
  if (digest === undefined) return undefined;
  const path = join(cache, 'files', digest, address.name);
  if (!existsSync(path)) return undefined;
  return (await fileDigest(path)) === digest ? { path, sha256: digest } : undefined;
}

/** Does work on a folder of the cache that no other process does at the same time; waits for others. */
async function alone<T>(folder: string, { text }: Address, options: RemoteOptions, work: () => Promise<T>): Promise<T> {
  mkdirSync(folder, { recursive: true });
  let waited = false;
  for (;;) {
    options.signal?.throwIfAborted();
    let unlock: () => void;
    try {
      unlock = lockFolder(folder, { work: 'fetches this file' });
    } catch (error) {
      if (!(error instanceof FolderBusy)) throw error;
      if (!waited) options.report?.({ kind: 'message', text: `${text}: waiting for another process that fetches it` });
      waited = true;
      await sleep(pollInterval, undefined, { signal: options.signal }).catch(() => undefined);
      continue;
    }
    try {
      return await work();
    } finally {
      unlock();
    }
  }
}

/** Downloads with a progress bar. */
async function fetchTo(file: Download, shown: string, options: RemoteOptions): Promise<void> {
  const { patience, signal, report = silent, client = new HttpClient() } = options;
  const task = `fetching ${shown}`;
  let bytes = 0;
  let started = false;
  const megabytes = (count: number): number => Math.ceil(count / 1e6);
  const start = (total?: number): void => {
    if (!started) report({ kind: 'start', task, ...(total !== undefined && { total: megabytes(total) }), unit: 'MB' });
    started = true;
  };
  try {
    await download(file, {
      client,
      patience,
      signal,
      onLength: start,
      onBytes: (count) => {
        bytes += count;
        if (started) report({ kind: 'progress', task, done: megabytes(bytes) });
      },
      onRetry: (text) => report({ kind: 'message', text }),
    });
    start();
    report({ kind: 'end', task });
  } catch (error) {
    if (error instanceof TemporaryFault) {
      throw new InputError(error.message, { next: 'Run the same command again later to continue.' });
    }
    throw withAdvice(error);
  } finally {
    if (options.client === undefined) client.close();
  }
}

/** An answer of the server with what to do about it. */
function withAdvice(error: unknown): unknown {
  if (!(error instanceof InputError)) return error;
  const status = /^status (\d+)$/.exec(error.problem.got ?? '')?.[1];
  const next =
    status === '404' || status === '410'
      ? 'Check the address: owner, name, revision and path.'
      : status === '401' || status === '403'
        ? 'Only files that anybody may read can be fetched. Download it yourself, then name the local file.'
        : undefined;
  return next === undefined ? error : new InputError('the server did not return the file', { ...error.problem, next });
}

function refusePage(path: string, { text }: Address): void {
  const { id, words } = fileKind(path);
  if (id !== 'html') return;
  throw new InputError('the server returned a page, not the file', {
    file: text,
    got: words,
    next: 'Name the address of the file itself. For a repository of Hugging Face: hf://OWNER/REPO/FILE@REVISION',
  });
}

function requireDigest(got: string, { text, sha256: expected }: Address): void {
  if (expected === undefined || got === expected) return;
  throw new InputError('the file on the server is another one than expected', {
    file: text,
    got: `SHA-256 ${got}`,
    expected,
    next: 'Ask its publisher why it changed. Name a revision that does not change, such as a commit.',
  });
}
