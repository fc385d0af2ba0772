import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { InputError } from '../../errors.ts';

/** Who works in a job folder. */
interface Holder {
  readonly pid: number;
  readonly host: string;
  /** When the process started, in the system's clock ticks, where the system tells: process numbers are used again. */
  readonly started?: string;
}

/**
 * Claims a job folder for this process by the file `job.lock`; returns what gives it back. The lock of a process that is gone, or of another
 * machine, is taken over.
 *
 * @throws InputError if another process of this machine holds it.
 */
export function lockJob(dir: string): () => void {
  const file = join(dir, 'job.lock');
  const text = JSON.stringify(holderOf(process.pid));
  try {
    writeFileSync(file, text, { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const holder = readHolder(file);
    if (holder && isAlive(holder)) {
      throw new InputError('another process works in this job folder', {
        file: dir,
        got: `process ${holder.pid}`,
        next: 'Wait for it, or end it (Ctrl-C or SIGTERM save its state).',
      });
    }
    writeFileSync(file, text);
  }
  return () => rmSync(file, { force: true });
}

function holderOf(pid: number): Holder {
  const started = startOf(pid);
  return { pid, host: hostname(), ...(started !== undefined && { started }) };
}

function readHolder(file: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Holder;
  } catch {
    // Cut off or gone: nobody holds it.
    return undefined;
  }
}

function isAlive({ pid, host, started }: Holder): boolean {
  if (host !== hostname()) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  return started === startOf(pid);
}

function startOf(pid: number): string | undefined {
  try {
    // The name in parentheses may hold blanks; the start is the 20th field after it.
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ')[19];
  } catch {
    return undefined;
  }
}
