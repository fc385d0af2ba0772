import { readFileSync, readlinkSync } from 'node:fs';

/** Whether a process runs. If `started` (see `startOf`) is given, it must also have started at that time, because process numbers are reused. */
export function isRunning(pid: number, started?: string): boolean {
  const present = startOf(pid);
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    // A process of another user, which the system may hide from us.
    if (present === undefined) return true;
  }
  return started === undefined || started === present;
}

/**
 * When a process started, in clock ticks of the system. Undefined on systems without `/proc`, and for a process that has ended but is still listed (a
 * zombie).
 */
export function startOf(pid: number): string | undefined {
  return unless(() => {
    // The name in parentheses may contain blanks. State and start time are fields after it.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
    return /[ZX]/.test(fields[0]) ? undefined : fields[19];
  });
}

/** Id of the current boot of this machine; undefined on systems without `/proc`. */
export function startOfMachine(): string | undefined {
  return unless(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
}

/** Id of the namespace of process numbers. Containers have their own. Undefined on systems without namespaces. */
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
