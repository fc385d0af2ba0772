import { lstatSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRunning, processSpace } from '../lib/processes.ts';
import { freeBytes } from '../lib/python/shutil.ts';

/** Free bytes that shared memory must have. Containers often limit it to 64 MiB. */
const room = 2 ** 31;

/**
 * Makes the folder through which the two processes exchange arrays: in shared memory if that exists and has room, else in the folder for
 * temporary files. Only this user can read it. Its name contains the process number, so that the next process of the same user can remove
 * what a killed one left behind.
 */
export function makeExchange(sharedMemory = '/dev/shm'): string {
  for (const base of [sharedMemory, tmpdir()]) removeAbandoned(base);
  return (hasRoom(sharedMemory) ? tryToMake(sharedMemory) : undefined) ?? makeIn(tmpdir());
}

/** Removes an exchange folder with all it holds. */
export function removeExchange(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/**
 * How the names of this package's folders begin; the process number follows. Process numbers are unique only within their namespace, so its
 * number is part of the prefix.
 */
function prefix(): string {
  return `ecg-transplant-${/\d+/.exec(processSpace() ?? '')?.[0] ?? 0}-`;
}

/** `mkdtemp` makes a new folder that only its owner can read. */
function makeIn(base: string): string {
  return mkdtempSync(join(base, `${prefix()}${process.pid}-`));
}

function tryToMake(base: string): string | undefined {
  try {
    return makeIn(base);
  } catch {
    return undefined;
  }
}

/** Removes folders that belong to this user and whose process has ended. Everything else in the shared folder stays. */
function removeAbandoned(base: string): void {
  const form = new RegExp(`^${prefix()}(\\d+)-`);
  for (const entry of namesIn(base)) {
    const owner = form.exec(entry)?.[1];
    if (owner === undefined || isRunning(Number(owner))) continue;
    const folder = join(base, entry);
    try {
      if (isOwnFolder(folder)) removeExchange(folder);
    } catch {
      // Another process has removed it already.
    }
  }
}

function isOwnFolder(path: string): boolean {
  const status = lstatSync(path);
  return status.isDirectory() && (process.getuid === undefined || status.uid === process.getuid());
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function hasRoom(folder: string): boolean {
  try {
    return freeBytes(folder) >= room;
  } catch {
    return false;
  }
}
