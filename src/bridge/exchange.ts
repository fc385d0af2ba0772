import { lstatSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRunning, processSpace } from '../lib/processes.ts';
import { freeBytes } from '../lib/python/shutil.ts';

/** Bytes that shared memory has to have free; containers often give it 64 MiB. */
const room = 2 ** 31;

/**
 * Makes the folder through which arrays travel between the two processes: in shared memory where there is one with room. Nobody else can read it or guess its name. The
 * name carries the process, so that the folder of one that was killed is removed by the next one of the same user.
 */
export function makeExchange(sharedMemory = '/dev/shm'): string {
  for (const base of [sharedMemory, tmpdir()]) removeAbandoned(base);
  return (hasRoom(sharedMemory) ? tryToMake(sharedMemory) : undefined) ?? makeIn(tmpdir());
}

/** Removes an exchange folder with all it holds. */
export function removeExchange(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

/** Names of this package's folders begin so, then comes the process; its number means something only within its space. */
function prefix(): string {
  return `ecg-transplant-${/\d+/.exec(processSpace() ?? '')?.[0] ?? 0}-`;
}

/** `mkdtemp` gives the folder to its owner alone, and never takes one that is there. */
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

/** Removes what is this user's, made by a process that has ended. The rest of a folder that all users share is left alone, whatever it is. */
function removeAbandoned(base: string): void {
  const form = new RegExp(`^${prefix()}(\\d+)-`);
  for (const entry of namesIn(base)) {
    const owner = form.exec(entry)?.[1];
    if (owner === undefined || isRunning(Number(owner))) continue;
    const folder = join(base, entry);
    try {
      if (isOwnFolder(folder)) removeExchange(folder);
    } catch {
      // Another process was faster.
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
