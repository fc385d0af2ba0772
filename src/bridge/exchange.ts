import { accessSync, constants, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freeBytes } from '../lib/python/shutil.ts';

const prefix = 'ecg-transplant-';
/** Bytes that shared memory has to have free; containers often give it 64 MiB. */
const room = 2 ** 31;

/**
 * Makes the folder through which arrays travel between the two processes: in shared memory where there is one
 * with room. Its name carries the process id, so that the folder of a process that was killed is removed by the next one.
 */
export function makeExchange(): string {
  const base = writable('/dev/shm') && freeBytes('/dev/shm') >= room ? '/dev/shm' : tmpdir();
  removeAbandoned(base);
  const folder = join(base, `${prefix}${process.pid}-${Math.random().toString(36).slice(2, 10)}`);
  mkdirSync(folder, { mode: 0o700 });
  return folder;
}

/** Removes an exchange folder with all it holds. */
export function removeExchange(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}

function removeAbandoned(base: string): void {
  for (const entry of readdirSync(base)) {
    const owner = entry.startsWith(prefix) ? Number.parseInt(entry.slice(prefix.length), 10) : Number.NaN;
    if (Number.isInteger(owner) && !alive(owner)) removeExchange(join(base, entry));
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function writable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
