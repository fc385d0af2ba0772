import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../shared_data.ts';

export interface JobRun {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
  /** Milliseconds from the first line that starts with `line` to the end of the process. */
  readonly afterLine: number;
}

/** How a job is disturbed. */
export interface Disturbance {
  /** Sends the signal `after` milliseconds after a line of output starts with `line`; without one the process runs to its end. */
  readonly signal?: NodeJS.Signals;
  readonly line?: string;
  readonly after?: number;
  /** Largest file that the process may write (blocks of 1 KiB), as on a full disk. */
  readonly fileBlocks?: number;
}

/** Runs `ecg-transplant` in a process of its own. */
export function runCommand(args: readonly string[], disturbance: Disturbance = {}): Promise<JobRun> {
  const { signal, line = '', after = 0, fileBlocks } = disturbance;
  const limit = fileBlocks === undefined ? '' : `ulimit -f ${fileBlocks}; `;
  const program = [process.execPath, join(root, 'bin', 'ecg-transplant.mjs'), ...args];
  return new Promise((resolve, reject) => {
    const env = { ...process.env, TF_NUM_INTRAOP_THREADS: '1', CI: '1' };
    // exec: the signals are for Node, not for the shell.
    const child = spawn('bash', ['-c', `${limit}exec "$@"`, 'bash', ...program], { env });
    let output = '';
    let seen: number | undefined;
    const read = (chunk: Buffer): void => {
      output += chunk.toString('utf8');
      if (seen !== undefined || !output.split('\n').some((text) => text.startsWith(line))) return;
      seen = performance.now();
      if (signal !== undefined) setTimeout(() => child.kill(signal), after);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.on('error', reject);
    child.on('close', (code, ended) => {
      resolve({ code, signal: ended, output, afterLine: performance.now() - (seen ?? Number.NaN) });
    });
  });
}
