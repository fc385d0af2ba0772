import { type Reporter, silent } from '../events.ts';
import type { BenchInputs } from './inputs.ts';
import type { Measurement } from './measurement.ts';
import type { BenchRow } from './rows.ts';
import { compareRounds, type RoundSummary } from './statistics.ts';
import { BenchWorker } from './worker_process.ts';

/** How close a training step comes to the machine's peak. */
export interface Share {
  /** Floating-point operations per second of the step, divided by `rate`. */
  readonly value: number;
  /** Floating-point operations per second of a large matrix product in the number format of this side. */
  readonly rate: number;
}

/** A measured row. */
export interface RowResult extends RoundSummary {
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  /** Largest `ratio` that meets the goal; where the original is not measured, largest `port`. */
  readonly goal: number;
  /** Whether the goal is met; null if the row could not run. */
  readonly met: boolean | null;
  /** Figures of every round, in the order of running: port, original, port, original, … */
  readonly rounds: { readonly port: readonly number[]; readonly original: readonly number[] | null };
  /** Of training steps. */
  readonly share?: { readonly port: Share; readonly original: Share };
  readonly against?: string;
  readonly note?: string;
  /** Why the row could not run. */
  readonly error?: string;
}

/** How rows are run. */
export interface BenchOptions {
  /** Rounds of every row, in place of its own number. */
  readonly rounds?: number;
  readonly report?: Reporter;
  /** Called with each row as soon as it is measured. */
  readonly onResult?: (result: RowResult) => void;
}

/** Runs rows one after the other; a row that fails is reported as such, and the next one runs. */
export async function runBench(
  rows: readonly BenchRow[],
  inputs: BenchInputs,
  { rounds, report = silent, onResult }: BenchOptions = {},
): Promise<RowResult[]> {
  const throughput = new MatrixThroughput();
  const results: RowResult[] = [];
  for (const row of rows) {
    const result = await runRow(row, inputs, throughput, rounds ?? row.rounds, report);
    results.push(result);
    onResult?.(result);
  }
  return results;
}

async function runRow(
  row: BenchRow,
  inputs: BenchInputs,
  throughput: MatrixThroughput,
  rounds: number,
  report: Reporter,
): Promise<RowResult> {
  const { name, title, unit, goal, against, note } = row;
  const shown = { name, title, unit, goal, against, note };
  report({ kind: 'start', task: name, total: rounds, unit: 'rounds' });
  const open: Measurement[] = [];
  try {
    const port = await row.port(inputs);
    open.push(port);
    const original = await row.original?.(inputs);
    if (original) open.push(original);
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let round = 0; round < rounds; round++) {
      ours.push(await port.round());
      if (original) theirs.push(await original.round());
      report({ kind: 'progress', task: name, done: round + 1 });
    }
    await closeAll(open);
    const comparison = compareRounds(ours, original ? theirs : null);
    const share = row.step && (await sharesOf(row.step, comparison, throughput));
    const met = (comparison.ratio ?? comparison.port!) <= goal;
    report({ kind: 'end', task: name, detail: comparison.ratio === null ? undefined : comparison.ratio.toFixed(3) });
    return { ...shown, ...comparison, met, rounds: { port: ours, original: original ? theirs : null }, share };
  } catch (error) {
    await closeAll(open);
    const message = error instanceof Error ? error.message : String(error);
    report({ kind: 'end', task: name, detail: 'could not run' });
    report({ kind: 'warning', text: `${name}: ${message}` });
    const nothing = { port: null, original: null, ratio: null, ratioRange: null };
    return { ...shown, ...nothing, met: null, rounds: { port: [], original: null }, error: message };
  }
}

async function closeAll(measurements: Measurement[]): Promise<void> {
  for (const measurement of measurements.splice(0)) await measurement.close();
}

async function sharesOf(
  { model, original }: NonNullable<BenchRow['step']>,
  times: RoundSummary,
  throughput: MatrixThroughput,
): Promise<NonNullable<RowResult['share']>> {
  const flops = await measureOnce('flops', { ...model });
  const ours = await throughput.of(model.precision === 'bfloat16' ? 'bfloat16' : 'float32');
  const theirs = await throughput.of(original);
  return {
    port: { value: flops / times.port! / ours, rate: ours },
    original: { value: flops / times.original! / theirs, rate: theirs },
  };
}

/** Measures floating-point operations per second of large matrix products: the most that a training step could reach on this machine. */
class MatrixThroughput {
  readonly #rates = new Map<string, number>();

  async of(precision: 'float32' | 'bfloat16'): Promise<number> {
    let rate = this.#rates.get(precision);
    if (rate === undefined) {
      rate = await measureOnce('matmul', { precision, size: 2048 }, 10);
      this.#rates.set(precision, rate);
    }
    return rate;
  }
}

/** Largest result of several rounds of one of the port's works. */
async function measureOnce(name: string, settings: Record<string, unknown>, rounds = 1): Promise<number> {
  const worker = await BenchWorker.start('port', { name, settings });
  try {
    const values: number[] = [];
    for (let round = 0; round < rounds; round++) values.push((await worker.round()).value);
    return Math.max(...values);
  } finally {
    await worker.close();
  }
}
