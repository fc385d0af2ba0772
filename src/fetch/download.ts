import { constants, lstatSync, renameSync, rmSync } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { object, pipe, regex, string } from 'valibot';
import { InputError } from '../errors.ts';
import { amount } from '../lib/json/fields.ts';
import { type Described, readJsonIfSound, writeJson } from '../lib/json/file.ts';
import { fileDigest } from '../lib/python/hashlib.ts';
import { type Answer, type HttpClient, TemporaryFault } from './http.ts';

/** A file to fetch. */
export interface Download {
  readonly address: string;
  /** File to write; its folder is created. */
  readonly target: string;
  /** Published checksum (hexadecimal), if there is one. */
  readonly sha256?: string;
  /** A longer file is refused. */
  readonly maxBytes: number;
}

/** How patient a download is; times in milliseconds. */
export interface Patience {
  /** Number of attempts in a row that gain less than `minGain` bytes after which it gives up; default 6. */
  readonly attempts?: number;
  readonly minGain?: number;
  /** Wait after the first failure, doubled with each further one; default 1 s. */
  readonly backOff?: number;
  /** Interval at which the rate of an answer is checked: below a kilobyte per second, it is dropped and requested again; default 30 s. */
  readonly stall?: number;
}

export interface DownloadOptions {
  readonly client: HttpClient;
  readonly patience?: Patience;
  readonly signal?: AbortSignal;
  /** Told how many bytes have come, those of an earlier call included; negative if something must be downloaded again. */
  readonly onBytes?: (count: number) => void;
  /** Told how many bytes the file has, at each answer of a server that says so. */
  readonly onLength?: (bytes: number) => void;
  /** Told why an attempt failed, before the next one. */
  readonly onRetry?: (reason: string) => void;
}

/** What is remembered of a partial file, to request the rest of the same file. */
type Partial = Described<typeof partialSchema>;

const partialSchema = object({
  address: string(),
  /** Strong `ETag` or `Last-Modified`; it is sent as a header. */
  validator: pipe(string(), regex(/^[ -~]{1,1000}$/)),
  /** Bytes of the whole file. */
  length: amount,
});

/** Bytes a second below which an answer is dropped. */
const minRate = 1024;
/** A server may send this many times the largest size, all attempts together. */
const mostCopies = 3;
const spaceFaults: ReadonlySet<string | undefined> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/**
 * Downloads a file to `target`. The bytes go to `target.part`, which stays after an interruption: the next call requests the rest, if the server still has the same
 * file (`If-Range`). Once it is complete and its checksum is right, it gets its name and replaces a file of that name.
 *
 * @throws InputError if the server does not return the file, if it is not the published one, or if there is no space; TemporaryFault after the last attempt;
 *   the signal's reason when it aborts.
 */
export async function download(file: Download, options: DownloadOptions): Promise<void> {
  const { patience = {}, signal, onRetry } = options;
  const { attempts = 6, minGain = 65_536, backOff = 1000 } = patience;
  await mkdir(dirname(file.target), { recursive: true });
  let failures = 0;
  let wrong = 0;
  let received = 0;
  const onBytes = (count: number): void => {
    received += Math.max(0, count);
    options.onBytes?.(count);
  };
  options.onBytes?.(sizeOf(partOf(file)));
  for (;;) {
    signal?.throwIfAborted();
    const before = sizeOf(partOf(file));
    try {
      await fetchRest(file, { ...options, onBytes });
      const digest = file.sha256 === undefined ? undefined : await fileDigest(partOf(file));
      if (digest === file.sha256) break;
      // One wrong checksum may come from a damaged connection or from resuming another file; two mean that the file is another one.
      if (++wrong === 2) throw wrongChecksum(file, digest!);
      forget(file, options);
      onRetry?.('the checksum is not the published one: downloading the file again');
    } catch (error) {
      signal?.throwIfAborted();
      const { code } = error as NodeJS.ErrnoException;
      if (spaceFaults.has(code)) throw noRoom(file, code!);
      if (!(error instanceof TemporaryFault)) throw error;
      failures = sizeOf(partOf(file)) - before >= minGain ? 1 : failures + 1;
      if (failures >= attempts || received > mostCopies * file.maxBytes) {
        throw new TemporaryFault(
          `${error.message}; gave up after ${failures} attempts and ${received} bytes (${file.address})`,
        );
      }
      const wait = error.wait ?? backOff * 2 ** (failures - 1) * (0.5 + Math.random());
      onRetry?.(`${error.message}; again in ${(wait / 1000).toFixed(1)} s`);
      await sleep(wait, undefined, { signal });
    }
  }
  rmSync(knowledgeOf(file), { force: true });
  renameSync(partOf(file), file.target);
}

/** One attempt: completes the partial file, or throws. */
async function fetchRest(file: Download, options: DownloadOptions): Promise<void> {
  const { client, signal } = options;
  const known = readPartial(file);
  const have = known ? sizeOf(partOf(file)) : 0;
  if (known && have === known.length) return;
  const headers: Record<string, string> = known ? { range: `bytes=${have}-`, 'if-range': known.validator } : {};
  const answer = await client.get(file.address, headers, signal);
  try {
    const goesOn = known !== undefined && continues(answer, have, known);
    if (answer.status !== 200 && !goesOn) {
      forget(file, options);
      throw new TemporaryFault(`${answer.address} does not go on where the partial file ends`);
    }
    const length = goesOn ? known.length : lengthOf(answer);
    requireLength(file, length);
    if (length !== undefined) options.onLength?.(length);
    if (!goesOn) {
      forget(file, options);
      remember(file, answer, length);
    }
    await append(file, answer, goesOn ? have : 0, options);
    const got = sizeOf(partOf(file));
    if (length !== undefined && got !== length) {
      throw new TemporaryFault(`${answer.address} sent ${got} of ${length} bytes`);
    }
  } finally {
    answer.body.destroy();
  }
}

async function append(file: Download, { body, address }: Answer, start: number, options: DownloadOptions) {
  const stall = options.patience?.stall ?? 30_000;
  // Never through a link or into a pipe: the folder may contain anything.
  if (start === 0) rmSync(partOf(file), { force: true });
  const handle = await open(partOf(file), start === 0 ? 'wx' : constants.O_WRONLY | (constants.O_NOFOLLOW ?? 0));
  let position = start;
  let watched = start;
  const watch = setInterval(() => {
    if (position - watched < (minRate * stall) / 1000) {
      body.destroy(new TemporaryFault(`${address} sent ${position - watched} bytes in ${stall / 1000} s`));
    }
    watched = position;
  }, stall);
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      requireLength(file, position + chunk.byteLength);
      for (let done = 0; done < chunk.byteLength; ) {
        done += (await handle.write(chunk, done, chunk.byteLength - done, position + done)).bytesWritten;
      }
      position += chunk.byteLength;
      options.onBytes?.(chunk.byteLength);
    }
    await handle.sync();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ECONNRESET' && code !== 'ERR_STREAM_PREMATURE_CLOSE' && !code?.startsWith('HPE_')) throw error;
    throw new TemporaryFault(`${address} broke off after ${position} bytes`);
  } finally {
    clearInterval(watch);
    await handle.close();
  }
}

/** Whether a partial answer is the rest of the partial file. */
function continues({ status, headers }: Answer, have: number, { length }: Partial): boolean {
  if (status !== 206) return false;
  const [, start, end, whole] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(headers['content-range'] ?? '') ?? [];
  return Number(start) === have && Number(end) === length - 1 && Number(whole) === length;
}

function lengthOf({ headers }: Answer): number | undefined {
  const text = headers['content-length'];
  return text === undefined ? undefined : Number(text);
}

function requireLength(file: Download, length: number | undefined): void {
  if (length === undefined || length <= file.maxBytes) return;
  throw new InputError('the file is larger than expected', {
    file: file.address,
    got: `${length} bytes`,
    expected: `at most ${file.maxBytes}`,
  });
}

const partOf = (file: Download): string => `${file.target}.part`;
const knowledgeOf = (file: Download): string => `${file.target}.part.json`;
/** Size of a regular file; 0 for anything else. */
function sizeOf(path: string): number {
  const status = lstatSync(path, { throwIfNoEntry: false });
  return status?.isFile() ? status.size : 0;
}

/** Remembers what a later attempt needs to continue. If the server says too little, the next attempt starts again. */
function remember(file: Download, { headers }: Answer, length: number | undefined): void {
  const { etag, 'last-modified': modified } = headers;
  const validator = etag && !etag.startsWith('W/') ? etag : modified;
  if (validator === undefined || length === undefined) return;
  const partial: Partial = { address: file.address, validator, length };
  writeJson(knowledgeOf(file), partial, 0);
}

function readPartial(file: Download): Partial | undefined {
  const have = sizeOf(partOf(file));
  if (have === 0 || sizeOf(knowledgeOf(file)) === 0) return undefined;
  // If it is missing or damaged, the file is downloaded from the beginning.
  const known = readJsonIfSound(knowledgeOf(file), partialSchema);
  return known?.address === file.address && have <= known.length ? known : undefined;
}

function forget(file: Download, { onBytes }: DownloadOptions): void {
  onBytes?.(-sizeOf(partOf(file)));
  rmSync(partOf(file), { force: true });
  rmSync(knowledgeOf(file), { force: true });
}

function wrongChecksum(file: Download, digest: string): InputError {
  rmSync(partOf(file), { force: true });
  rmSync(knowledgeOf(file), { force: true });
  return new InputError('the file is not the published one', {
    file: file.address,
    got: `SHA-256 ${digest}`,
    expected: file.sha256,
    next: 'Try again later, and check whether a proxy changes what passes through it.',
  });
}

function noRoom(file: Download, code: string): InputError {
  return new InputError('no space left to write', {
    file: file.target,
    got: code,
    next: 'Free some space and run the same command again: what was downloaded is kept.',
  });
}
