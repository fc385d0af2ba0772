import { readFileSync, readlinkSync } from 'node:fs';

/** Whether a process runs, started at `started` (see `startOf`) where that is known. */
export function isRunning(pid: number, started?: string): boolean {
  const present = startOf(pid);
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    // A process of another user, which the system may hide.
    if (present === undefined) return true;
  }
  return started === undefined || started === present;
}

/** When a process started, in the system's clock ticks; undefined where the system does not tell, and for one that has ended and is still listed. */
export function startOf(pid: number): string | undefined {
  return unless(() => {
    // The name in parentheses may hold blanks; the state and the start are fields after it.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
    return /[ZX]/.test(fields[0]) ? undefined : fields[19];
  });
}

/** Which start of which machine this is; undefined where the system does not tell. */
export function startOfMachine(): string | undefined {
  return unless(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
}

/** The space in which process numbers mean something: containers have their own. Undefined where the system has one only. */
export function processSpace(): string | undefined {
  return unless(() => readlinkSync('/proc/self/ns/pid'));
}

function unless<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
