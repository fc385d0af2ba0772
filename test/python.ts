import { spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { python, root } from './shared_data.ts';

/** The folder of `sitecustomize.py`, which Python runs when it starts, and the original. */
const path = [join(root, 'test', 'proofs'), join(root, 'original')].join(delimiter);

/** Runs a Python program of the tests with `original/` importable; resolves to its standard output, rejects with its standard error. */
export function runPython(
  args: readonly string[],
  options: { input?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<string> {
  return new Promise((resolvePromise, reject) => {
    const child = spawn(python, [...args], {
      cwd: root,
      env: { ...process.env, PYTHONPATH: path, TF_CPP_MIN_LOG_LEVEL: '2', ...options.env },
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.on('error', reject);
    child.on('close', (code) => {
      const text = Buffer.concat(out).toString('utf8');
      if (code === 0) resolvePromise(text);
      else reject(new Error(`python ${args.join(' ')} ended with ${code}\n${Buffer.concat(err).toString('utf8')}`));
    });
    child.stdin.end(options.input ?? '');
  });
}
