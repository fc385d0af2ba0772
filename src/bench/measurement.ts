import { spawn } from 'node:child_process';
import { oneDevice } from '../bridge/gpu.ts';
import { root } from '../lib/installation.mjs';
import { isolatedEnvironment } from '../lib/python/isolated.mjs';
import { BenchWorker, type Language, type Work } from './worker_process.ts';

/** One side of a row, ready to be measured. */
export interface Measurement {
  /** Runs a round and resolves to its result. */
  round(): Promise<number>;
  close(): Promise<void>;
}

/** Steady state: one process runs all rounds, and its first run does not count. `scale` converts a round's result to the row's unit. */
export async function steady(language: Language, work: Work, scale = 1): Promise<Measurement> {
  const worker = await BenchWorker.start(language, work);
  return { round: async () => (await worker.round()).value * scale, close: () => worker.close() };
}

/** Peak resident memory (GB) of a fresh process that prepares the work and runs one round. */
export function peakMemory(language: Language, work: Work): Measurement {
  return fresh(async () => {
    const worker = await BenchWorker.start(language, work);
    try {
      const { peakBytes } = await worker.round();
      if (peakBytes === null) throw new Error('this system does not report the peak memory of a process (VmHWM)');
      return peakBytes / 1e9;
    } finally {
      await worker.close();
    }
  });
}

/** Seconds from the start of a fresh process until the work is ready, its first run included. */
export function startUp(language: Language, work: Work): Measurement {
  return fresh(async () => {
    const begun = performance.now();
    const worker = await BenchWorker.start(language, work);
    const seconds = (performance.now() - begun) / 1000;
    await worker.close();
    return seconds;
  });
}

/**
 * Seconds that a whole command takes. `args` returns the arguments of each round. A round throws an Error with the command's last lines if
 * the command does not exit with 0.
 */
export function wholeCommand(program: string, args: () => readonly string[]): Measurement {
  return fresh(
    () =>
      new Promise<number>((resolve, reject) => {
        const given = args();
        const begun = performance.now();
        const child = spawn(program, given, {
          cwd: root,
          env: { ...isolatedEnvironment(), ...oneDevice() },
          stdio: ['ignore', 'ignore', 'pipe'],
        });
        const clock = setTimeout(() => child.kill('SIGKILL'), 1_800_000);
        let stderr = '';
        child.stderr.on('data', (chunk: Buffer) => {
          stderr = (stderr + chunk.toString('utf8')).slice(-2000);
        });
        child.on('error', (error) => {
          clearTimeout(clock);
          reject(error);
        });
        child.on('close', (code, signal) => {
          clearTimeout(clock);
          if (code === 0) resolve((performance.now() - begun) / 1000);
          else
            reject(new Error(`${program} ${given.join(' ')} ended with ${signal ?? `code ${code}`}: ${stderr.trim()}`));
        });
      }),
  );
}

function fresh(round: () => Promise<number>): Measurement {
  return { round, close: async () => {} };
}
