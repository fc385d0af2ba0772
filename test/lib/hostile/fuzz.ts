import { fork } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Order, Report } from './fuzz_worker.ts';
import { mutantOf, type ReaderName, readerOf, readers, scratch } from './readers.ts';

/** Bounds for one mutant: mutants are small, so these are far beyond what any of them may take. */
export const bounds = { ms: 5000, bytes: 2 ** 30 };
/** A mutant that takes so long is a hang. */
const hangMs = 20_000;

/** What to try. */
export interface FuzzOptions {
  readonly seed: number;
  /** Mutants in all, or until the time is over. */
  readonly count: number;
  readonly minutes?: number;
  /** Number of the first mutant. */
  readonly first?: number;
  /** Where mutants that break a bound are kept; default: nowhere. */
  readonly keep?: string;
  onProgress?(outcome: Outcome): void;
}

/** What became of the mutants of one reader. */
export interface Outcome {
  readonly reader: ReaderName;
  mutants: number;
  accepted: number;
  refused: number;
  slowestMs: number;
  peakBytes: number;
  /** Mutants that ended the process, broke a bound, or were refused with an error that is not one of ours. Must be empty. */
  readonly faults: { readonly index: number; readonly what: string; readonly file?: string }[];
}

/** Damages sound files of a reader and reads them in child processes. */
export async function fuzz(reader: ReaderName, options: FuzzOptions): Promise<Outcome> {
  const { seed, count, minutes = Number.POSITIVE_INFINITY, first = 0 } = options;
  const outcome: Outcome = { reader, mutants: 0, accepted: 0, refused: 0, slowestMs: 0, peakBytes: 0, faults: [] };
  const end = Date.now() + minutes * 60_000;
  const folder = mkdtempSync(join(tmpdir(), 'fuzz-'));
  try {
    for (let next = first; next < first + count && Date.now() < end; ) {
      next = await runChild({ reader, seed, first: next, count: first + count - next, folder }, end, outcome, options);
    }
    return outcome;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs one child until it is done, the time is over or a mutant ends it; returns the number of the mutant to go on with. */
async function runChild(order: Order, end: number, outcome: Outcome, options: FuzzOptions): Promise<number> {
  const child = fork(join(import.meta.dirname, 'fuzz_worker.ts'), [], {
    execArgv: ['--max-old-space-size=1024', '--import', join(import.meta.dirname, '../../../src/lib/typescript.mjs')],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let complaint = '';
  child.stderr!.on('data', (text: Buffer) => {
    complaint = (complaint + text).slice(-2000);
  });
  let next = order.first;
  let heard = Date.now();
  let stopped = false;
  let started = false;
  const fault = (index: number, what: string): void => {
    outcome.faults.push({ index, what, file: keep(order, index, options) });
  };
  child.on('message', (report: Report) => {
    heard = Date.now();
    started = true;
    outcome.mutants += report.next - next;
    outcome.accepted += report.accepted;
    outcome.refused += report.refused;
    outcome.slowestMs = Math.max(outcome.slowestMs, report.slowest[1]);
    outcome.peakBytes = Math.max(outcome.peakBytes, report.peak[1]);
    next = report.next;
    for (const [index, error] of report.untyped) fault(index, error);
    if (report.slowest[1] > bounds.ms) fault(report.slowest[0], `${Math.round(report.slowest[1])} ms`);
    if (report.peak[1] > bounds.bytes) {
      fault(report.peak[0], `${Math.round(report.peak[1] / 2 ** 20)} MiB`);
      stopped = true;
      child.kill('SIGKILL');
    }
    options.onProgress?.(outcome);
    if (Date.now() > end) {
      stopped = true;
      child.kill('SIGKILL');
    }
  });
  const watch = setInterval(() => {
    if (Date.now() - heard > hangMs + (started ? 0 : 60_000)) child.kill('SIGABRT');
  }, 500);
  child.send(order);
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) => {
    child.on('exit', (...ended) => resolve(ended));
  });
  clearInterval(watch);
  if (stopped || (code === 0 && signal === null)) return next;
  if (!started) throw new Error(`the fuzzer's child for ${order.reader} does not start: ${complaint}`);
  // The file that it was reading is the one that ended it; its number lies between two reports.
  const file = options.keep && keepFile(order, options.keep, next);
  const hung = Date.now() - heard > hangMs;
  outcome.faults.push({
    index: next,
    what: `${hung ? 'a hang' : `exit ${code ?? signal}`}: ${complaint.slice(-600)}`,
    file,
  });
  // A batch is lost: on with the one after it.
  outcome.mutants++;
  return next + 1;
}

function keep(order: Order, index: number, { keep: folder }: FuzzOptions): string | undefined {
  if (folder === undefined) return undefined;
  mkdirSync(folder, { recursive: true });
  const reader = readerOf(order.reader);
  const file = join(folder, `${order.reader}-${order.seed}-${index}-${reader.file}`);
  void (async () =>
    writeFileSync(file, mutantOf(reader, await reader.seeds(scratch(order.folder, 'kept')), order.seed, index)))();
  return file;
}

function keepFile(order: Order, folder: string, index: number): string {
  mkdirSync(folder, { recursive: true });
  const { file } = readerOf(order.reader);
  const kept = join(folder, `${order.reader}-${order.seed}-${index}-${file}`);
  copyFileSync(join(order.folder, order.reader, file), kept);
  return kept;
}

/** One line of what became of the mutants. */
export function summary({ reader, mutants, accepted, refused, slowestMs, peakBytes, faults }: Outcome): string {
  return `${reader.padEnd(10)} ${mutants} mutants: ${accepted} read, ${refused} refused, slowest ${Math.round(slowestMs)} ms, ${Math.round(peakBytes / 2 ** 20)} MiB, ${faults.length} faults`;
}

export const readerNames = Object.keys(readers) as ReaderName[];
