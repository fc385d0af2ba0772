import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { InputError } from '../errors.ts';
import type { FormatSpeeds } from '../graph/format_speed.ts';
import { pythonExecutable, root } from '../lib/installation.mjs';
import { ownProgram } from '../lib/own_module.ts';
import { fileDigest } from '../lib/python/hashlib.ts';
import { isolated, isolatedEnvironment } from '../lib/python/isolated.mjs';
import { ownCommand } from '../text.ts';

/** What one process reports after it has loaded TensorFlow. */
export interface Side {
  /** Version of Node or Python. */
  readonly version: string;
  readonly executable: string;
  readonly tensorflow: string;
  /** The TensorFlow files that the process has mapped, by real path. */
  readonly libraries: readonly { readonly path: string; readonly sha256: string | null }[];
  readonly oneDnn: boolean;
  readonly gpus: number;
  readonly memoryGrowth: boolean;
  /** `TF_NUM_INTRAOP_THREADS` of the process, null if unset (then TensorFlow takes every CPU of its affinity). */
  readonly threads: string | null;
  /** Node only: speed of training in each number format. */
  readonly speeds?: FormatSpeeds;
  /** Python only: what Keras makes of `jit_compile='auto'`, and the versions of the packages that results depend on. */
  readonly jitCompile?: boolean;
  readonly packages?: { readonly [name: string]: string };
}

/** A side that could not be probed. */
export interface Fault {
  readonly fault: string;
}

/** Longest time that a process may take to load TensorFlow, in milliseconds. */
const patience = 120_000;

/**
 * Probes Node and Python, each in a process of its own, one after the other: together they would halve the free memory that a check sees.
 */
export async function probeBoth(): Promise<{ node: Side | Fault; python: Side | Fault }> {
  const digests: Digests = new Map();
  const node = await probeNode(digests);
  const python = await probe(pythonExecutable(), isolated(join(import.meta.dirname, 'python_probe.py')), digests);
  return { node, python };
}

/**
 * Measures the number formats in a process of its own, so that the calling one does not load TensorFlow (which would take a GPU's memory).
 *
 * @throws InputError if TensorFlow cannot be loaded there.
 */
export async function measureFormatsApart(): Promise<FormatSpeeds> {
  const facts = await factsOf(process.execPath, nodeProbe());
  if (!('fault' in facts) && facts.speeds) return facts.speeds;
  throw new InputError('the number formats cannot be measured', {
    got: 'fault' in facts ? facts.fault : 'no figures',
    next: ownCommand('doctor'),
  });
}

function nodeProbe(): readonly string[] {
  return ownProgram(new URL('./node_probe.ts', import.meta.url));
}

/** Digests of files by their path, so that a library that both processes map is read once. */
type Digests = Map<string, Promise<string | null>>;

/** Probes Node in a process of its own. */
export function probeNode(digests: Digests = new Map()): Promise<Side | Fault> {
  return probe(process.execPath, nodeProbe(), digests);
}

async function probe(executable: string, args: readonly string[], digests: Digests): Promise<Side | Fault> {
  const facts = await factsOf(executable, args);
  if ('fault' in facts) return facts;
  const libraries = await Promise.all(
    facts.libraries.map(async (path) => {
      if (!digests.has(path))
        digests.set(
          path,
          fileDigest(path).catch(() => null),
        );
      return { path, sha256: (await digests.get(path)) ?? null };
    }),
  );
  return { ...facts, executable, libraries };
}

async function factsOf(executable: string, args: readonly string[]): Promise<(Facts & { oneDnn: boolean }) | Fault> {
  // Only TensorFlow's log says whether oneDNN is on.
  const env = { ...isolatedEnvironment(), TF_CPP_MIN_LOG_LEVEL: '0', TF_CPP_MAX_VLOG_LEVEL: '0' };
  const child = spawn(executable, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const { status, stdout, stderr } = await finished(child);
  const text = stdout.trim().split('\n').at(-1) ?? '';
  const facts = status === 0 ? parse(text) : undefined;
  if (!facts) return { fault: `${executable} ended with ${status}: ${lastLine(stderr.trim() ? stderr : stdout)}` };
  return { ...facts, oneDnn: stderr.includes('oneDNN custom operations are on') };
}

type Facts = Omit<Side, 'libraries' | 'oneDnn' | 'executable'> & { readonly libraries: readonly string[] };

function parse(text: string): Facts | undefined {
  try {
    const facts: unknown = JSON.parse(text);
    return typeof facts === 'object' && facts !== null && 'libraries' in facts ? (facts as Facts) : undefined;
  } catch {
    return undefined;
  }
}

function finished(child: ChildProcess): Promise<{ status: number | string; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => err.push(chunk));
    // spawn's own timeout keeps running if the program does not exist.
    const clock = setTimeout(() => child.kill(), patience);
    const end = (status: number | string) => {
      clearTimeout(clock);
      resolve({ status, stdout: Buffer.concat(out).toString('utf8'), stderr: Buffer.concat(err).toString('utf8') });
    };
    child.on('error', (error) => {
      err.push(Buffer.from(error.message));
      end('an error');
    });
    child.on('close', (code, signal) => end(code ?? signal ?? 'an unknown status'));
  });
}

/** The line of a log that says what went wrong: the last one that mentions an error, else the last one that is not a stack frame. */
function lastLine(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() && !/^\s+at /.test(line));
  return lines.findLast((line) => /error/i.test(line)) ?? lines.at(-1) ?? 'no message';
}
