import { isRunning, startOf } from '../src/lib/processes.ts';

/** Whether a process runs. One that has ended and that nobody has waited for yet does not. */
export function alive(pid: number): boolean {
  return isRunning(pid) && (process.platform !== 'linux' || startOf(pid) !== undefined);
}
