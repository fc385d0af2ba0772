import type { Reporter } from '../events.ts';
import { gpuCount } from '../graph/devices.ts';
import { root } from '../lib/installation.mjs';
import { machine } from '../lib/machine.ts';
import { gigabytes } from '../text.ts';

/** Bytes that a worker (the port and a Python of its own) takes at its peak. */
const memoryOfWorker = 4e9;

/** Warns if so many workers may need more memory than is free. */
export function warnOfMemory(workers: number, report: Reporter): void {
  const { memoryFree } = machine(root);
  if (workers < 2 || workers * memoryOfWorker <= memoryFree) return;
  const text = `--workers ${workers}: ${gigabytes(workers * memoryOfWorker)} may be needed, and ${gigabytes(memoryFree)} are free`;
  report({ kind: 'warning', text });
}

/**
 * Number of workers that this machine has the CPUs and the memory for, at most `most`; 1 with a GPU, whose memory they would take from each other.
 * One more than CPUs, because the two sides of a worker often wait for each other.
 */
export function workersHere(most: number): number {
  const { cpus, memoryFree } = machine(root);
  if (cpus < 2 || gpuCount() > 0) return 1;
  return Math.max(1, Math.min(cpus + 1, most, Math.floor(memoryFree / memoryOfWorker)));
}
