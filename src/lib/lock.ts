import { createHash, randomBytes } from 'node:crypto';
import { closeSync, fstatSync, linkSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { integer, minValue, number, object, optional, pipe, string } from 'valibot';
import { InputError } from '../errors.ts';
import { printError } from '../output.ts';
import { shellCommand } from '../text.ts';
import { checkJson, type Described } from './json/file.ts';
import { encodeJson } from './json/text.ts';
import { openToRead } from './own_files.ts';
import { isRunning, processSpace, startOf, startOfMachine } from './processes.ts';
import { temporaryPath } from './python/atomic_file.ts';
import { hasEnded, ownSlurmJob, type SlurmJob } from './slurm.ts';

/** Milliseconds between two signs of life, and without one after which a holder that cannot be looked at counts as gone. */
const heartbeat = 20_000;
const staleAfter = 300_000;
/** The same if the holder's Slurm job has ended, or runs again as this process. */
const staleWithJob = 60_000;

/** Who holds a lock: the content of its file. */
type Holder = Described<typeof holderSchema>;

const holderSchema = object({
  pid: pipe(number(), integer(), minValue(1)),
  host: string(),
  /** When the process started, in the system's clock ticks, where the system tells: process numbers are used again. */
  started: optional(string()),
  /** Start of the machine and space of process numbers: only a process that shares both can look whether the holder lives. */
  boot: optional(string()),
  space: optional(string()),
  /** The holder's Slurm job, if it is one. */
  slurm: optional(object({ id: string(), cluster: string() })),
  /** ISO 8601. */
  since: optional(string()),
});

export interface LockOptions {
  /** Name of the lock's file in the folder; default `job.lock`. */
  readonly name?: string;
  /** What the holder does, for the message to others; default "works in this job folder". */
  readonly work?: string;
  /** Milliseconds between two signs of life; default 20 s. */
  readonly every?: number;
}

/** Another process holds the lock. */
export class FolderBusy extends InputError {
  override readonly name = 'FolderBusy';
}

/**
 * Claims a folder for this process by a file in it; returns what gives it back. A lock counts as long as its holder lives: on the same machine by its process, from
 * elsewhere (another machine, another container) by the time of its last sign of life, five minutes at most, or one minute if Slurm says that the holder's job has ended.
 * Of several processes that start at once, or that find the lock of one that is gone, exactly one gets the folder.
 *
 * @throws FolderBusy that names the holder if there is one, InputError if the folder cannot be locked.
 */
export function lockFolder(folder: string, options: LockOptions = {}): () => void {
  const { name = 'job.lock', work = 'works in this job folder', every = heartbeat } = options;
  const path = join(folder, name);
  const text = acquire(path, folder, work);
  const stop = keepAlive(path, text, every);
  return () => {
    stop();
    release(path, text);
  };
}

/** Gets the lock or throws; returns the content that marks it as this process's. */
function acquire(path: string, folder: string, work: string): string {
  for (;;) {
    const { text, made, now } = make(path, folder);
    if (made) return text;
    const found = look(path);
    if (found === undefined) continue;
    const holder = readHolder(found.text, path);
    if (isHeld(holder, now - found.modified)) throw busy(folder, path, work, holder);
    // Whoever holds the lock of a lock may remove it: while one process does so, no other can take the next holder's for it.
    const right = `${path}.${createHash('sha256').update(found.text).digest('hex').slice(0, 16)}`;
    const rightText = acquire(right, folder, work);
    try {
      if (look(path)?.text === found.text) rmSync(path, { force: true });
    } finally {
      release(right, rightText);
    }
  }
}

/** Tries to make the lock's file, with its content, in one step. `now` is the time of the file system, which other machines share. */
function make(path: string, folder: string): { readonly text: string; readonly made: boolean; readonly now: number } {
  const text = `${encodeJson({ ...self(), since: new Date().toISOString(), nonce: randomBytes(8).toString('hex') })}\n`;
  const temporary = temporaryPath(path);
  let descriptor: number | undefined;
  try {
    descriptor = openSync(temporary, 'wx');
    writeSync(descriptor, text);
    const made = linked(temporary, path, text);
    const { nlink, mtimeMs: now } = fstatSync(descriptor);
    // A network file system can report a success as a failure: the count of names tells.
    return { text, made: made || nlink > 1, now };
  } catch (error) {
    throw new InputError('the folder cannot be locked', {
      file: folder,
      got: (error as NodeJS.ErrnoException).code ?? (error as Error).message,
      expected: 'a folder that can be written to, with room',
    });
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
    rmSync(temporary, { force: true });
  }
}

function linked(temporary: string, path: string, text: string): boolean {
  try {
    linkSync(temporary, path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    // No hard links, as on FAT: the file is empty for a moment, and an unreadable lock is held while it is young.
    return writtenAnew(path, text);
  }
}

function writtenAnew(path: string, text: string): boolean {
  try {
    const descriptor = openSync(path, 'wx');
    writeSync(descriptor, text);
    closeSync(descriptor);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function look(path: string): { readonly text: string; readonly modified: number } | undefined {
  const descriptor = openToRead(path);
  if (descriptor === undefined) return undefined;
  try {
    const bytes = Buffer.alloc(4096);
    const count = readSync(descriptor, bytes, 0, bytes.length, 0);
    return { text: bytes.toString('utf8', 0, count), modified: fstatSync(descriptor).mtimeMs };
  } finally {
    closeSync(descriptor);
  }
}

function readHolder(text: string, path: string): Holder | undefined {
  try {
    return checkJson(text, holderSchema, path);
  } catch {
    return undefined;
  }
}

function release(path: string, text: string): void {
  if (look(path)?.text === text) rmSync(path, { force: true });
}

function isHeld(holder: Holder | undefined, age: number): boolean {
  if (holder && canBeSeen(holder)) return isRunning(holder.pid, holder.started);
  if (age >= staleAfter) return false;
  return age < staleWithJob || holder?.slurm === undefined || !isOver(holder.slurm);
}

/** Whether a Slurm job has ended, or was started again as this process: Slurm does so when it has lost the job's machine. */
function isOver(job: SlurmJob): boolean {
  const { slurm } = self();
  return (slurm?.id === job.id && slurm.cluster === job.cluster) || hasEnded(job);
}

/** Whether the holder's process number means the same here. */
function canBeSeen({ host, boot, space }: Holder): boolean {
  const own = self();
  return boot === undefined ? host === own.host : boot === own.boot && space === own.space;
}

function busy(folder: string, path: string, work: string, holder: Holder | undefined): FolderBusy {
  const job = holder?.slurm && ` (Slurm job ${holder.slurm.id})`;
  const who = holder ? `process ${holder.pid} on ${holder.host}${job ?? ''}` : 'a lock that cannot be read';
  const since = holder?.since === undefined ? '' : `, since ${holder.since}`;
  const seen = holder && canBeSeen(holder);
  return new FolderBusy(`another process ${work}`, {
    file: folder,
    got: who + since,
    next: seen
      ? `Wait for it, or end it; it saves its state: kill ${holder.pid}`
      : `Wait for it, or end it there. If it ended without a word, the folder is free ${staleAfter / 60_000} minutes later; sooner with: ${shellCommand(['rm', path])}`,
  });
}

type Self = Pick<Holder, 'pid' | 'host' | 'started' | 'boot' | 'space' | 'slurm'>;
let known: Self | undefined;

function self(): Self {
  known ??= {
    pid: process.pid,
    host: hostname(),
    started: startOf(process.pid),
    boot: startOfMachine(),
    space: processSpace(),
    slurm: ownSlurmJob(),
  };
  return known;
}

/** A thread of its own, since the work may keep the main one busy for minutes. Rewriting gives the file the time of the file system's machine. */
const heart = `
const { constants, openSync, readSync, writeSync, closeSync } = require('node:fs');
const { parentPort, workerData: { path, text, every } } = require('node:worker_threads');
const own = Buffer.from(text);
setInterval(() => {
  let file;
  try {
    file = openSync(path, constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const bytes = Buffer.alloc(4096);
    const found = bytes.subarray(0, readSync(file, bytes, 0, bytes.length, 0));
    if (found.equals(own)) writeSync(file, own, 0, own.length, 0);
    else parentPort.postMessage('lost');
  } catch {
    // Removed by hand, or a file system that is away for a while.
  } finally {
    if (file !== undefined) closeSync(file);
  }
}, every);
`;

/** Gives signs of life until the result is called. A process that slept for so long that another one took its lock ends itself: two of them would mix their files. */
function keepAlive(path: string, text: string, every: number): () => void {
  const worker = new Worker(heart, { eval: true, execArgv: [], workerData: { path, text, every } });
  let stopped = false;
  worker.on('message', () => {
    if (stopped) return;
    printError(
      `${path}: another process has taken this folder while this one slept; it ends, so that their files do not mix\n`,
    );
    process.exit(1);
  });
  worker.on('error', () => {});
  worker.unref();
  return () => {
    stopped = true;
    void worker.terminate();
  };
}
