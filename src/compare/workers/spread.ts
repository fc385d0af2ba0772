import { fileURLToPath } from 'node:url';
import { BridgeLostError } from '../../bridge/errors.ts';
import type { Original, Shim } from '../../bridge/original.ts';
import { messageOf } from '../../errors.ts';
import type { ProgressEvent, Reporter } from '../../events.ts';
import { root } from '../../lib/installation.mjs';
import { ownModule } from '../../lib/own_module.ts';
import { type Chosen, type Course, type Findings, joinFindings, runCases } from '../comparison.ts';
import type { Sides } from '../report/model.ts';
import type { SuiteName } from '../suite.ts';
import { type CaseName, type CompareSettings, openChecked } from './context.ts';
import type { Reply, Request, WorkerSettings } from './messages.ts';
import { WorkerLost, WorkerProcess } from './process.ts';

/** What a comparison found, and what it ran on. */
export interface CompareResult {
  /** In the order of the cases. */
  readonly findings: Findings;
  readonly sides: Sides;
  /** The shims that Python used. With several processes, what each uses at its start counts once. */
  readonly shims: readonly Shim[];
}

/** How a comparison goes. */
export interface CompareOptions extends Course {
  /** Is told what both sides run on, before the first case. */
  readonly opened?: (sides: Sides) => void;
}

/** How the cases are spread. */
export interface SpreadOptions extends CompareOptions {
  /** Number of processes, each with a Python of its own. */
  readonly workers: number;
  /** Expected seconds of a case, to begin with the longest. */
  readonly secondsOf: (suite: SuiteName, name: string) => number;
  /** Path of the worker's module; default the one that runs the suites. */
  readonly module?: string;
}

const workerModule = fileURLToPath(ownModule(new URL('./case_worker.ts', import.meta.url)));
const suitesModule = ownModule(new URL('../suites/index.ts', import.meta.url)).href;

/** Milliseconds that a worker, and its Python, may take to start. */
const startTimeout = 300_000;
const pythonTimeout = 120_000;

/** The shims that were used; none if Python was lost, which must not cost the report of what was compared until then. */
export async function usedShims(original: Pick<Original, 'shims'>): Promise<readonly Shim[]> {
  try {
    return await original.shims();
  } catch (error) {
    if (error instanceof BridgeLostError) return [];
    throw error;
  }
}

/** Runs cases in this process, one after the other. Throws BridgeStartError. */
export async function runHere(
  chosen: Chosen,
  settings: CompareSettings,
  { opened, ...course }: CompareOptions,
  report: Reporter,
): Promise<CompareResult> {
  const { shared, sides } = await openChecked(settings);
  try {
    opened?.(sides);
    const findings = await runCases(chosen, shared, report, course);
    return { findings, sides, shims: await usedShims(shared.original) };
  } finally {
    await shared.original.close();
  }
}

/**
 * Runs cases in several processes. A case whose process or Python dies counts as broken off, and another process takes its place. The results
 * are those of `runCases`: each case draws from its own seeds, and all processes use as many TensorFlow threads as one would.
 *
 * @throws an Error with the worker's reason if a worker cannot start.
 */
export async function runSpread(
  chosen: Chosen,
  settings: CompareSettings,
  options: SpreadOptions,
  report: Reporter,
): Promise<CompareResult> {
  // Several Pythons that start at once take longer than one.
  const bridge = { startTimeoutMs: pythonTimeout, ...settings.bridge };
  const spread = new Spread(chosen, { ...settings, bridge, suites: suitesModule }, options, report);
  try {
    return await spread.run();
  } finally {
    await spread.close();
  }
}

class Spread {
  readonly #chosen: Chosen;
  readonly #settings: WorkerSettings;
  readonly #options: SpreadOptions;
  readonly #report: Reporter;
  readonly #processes = new Set<CaseProcess>();
  readonly #found: (Findings | undefined)[];
  /** Numbers of the cases that no worker has begun. */
  readonly #waiting: number[];
  readonly #shims = new ShimCount();
  #done = 0;
  #failure: string | undefined;

  constructor(chosen: Chosen, settings: WorkerSettings, options: SpreadOptions, report: Reporter) {
    this.#chosen = chosen;
    this.#settings = settings;
    this.#options = options;
    this.#report = report;
    this.#found = chosen.map(() => undefined);
    this.#waiting = orderOf(chosen, options);
  }

  async run(): Promise<CompareResult> {
    const count = Math.min(this.#options.workers, this.#chosen.length);
    const starts = Array.from({ length: count }, () => this.#start());
    // If one cannot start, the others must have ended their start before they can be closed.
    await Promise.allSettled(starts);
    const started = await Promise.all(starts);
    this.#options.opened?.(started[0].sides);
    const task = 'Comparing';
    this.#report({ kind: 'start', task, total: this.#chosen.length, unit: 'cases' });
    await Promise.all(started.map((one) => this.#work(one, task)));
    this.#report({ kind: 'end', task });
    return { findings: this.#joined(), sides: started[0].sides, shims: this.#shims.list };
  }

  async close(): Promise<void> {
    await Promise.all([...this.#processes].map((one) => one.close()));
  }

  async #start(): Promise<CaseProcess> {
    const one = new CaseProcess(this.#options.module ?? workerModule, this.#report);
    this.#processes.add(one);
    await one.open(this.#settings);
    this.#shims.begin(one.shims);
    return one;
  }

  async #work(first: CaseProcess, task: string): Promise<void> {
    let worker = first;
    for (;;) {
      const at = this.#options.signal?.aborted ? undefined : this.#waiting.shift();
      if (at === undefined) break;
      const { suite, case: one } = this.#chosen[at];
      this.#report({ kind: 'progress', task, done: this.#done, detail: `${suite.name}: ${one.name}` });
      const lost = await this.#runCase(worker, at);
      this.#done++;
      if (this.#stopsAfter(at)) this.#waiting.length = 0;
      if (!lost) continue;
      await worker.close();
      if (this.#waiting.length === 0) return;
      try {
        worker = await this.#start();
      } catch (error) {
        this.#failure = messageOf(error);
        return;
      }
    }
    this.#shims.end(worker.shims, await worker.shimsNow().catch(() => worker.shims));
  }

  /** Runs a case; resolves to whether its worker can run no other. */
  async #runCase(worker: CaseProcess, at: number): Promise<boolean> {
    const { suite, case: one } = this.#chosen[at];
    const place = { suite: suite.name, case: one.name };
    const begun = performance.now();
    try {
      const { findings, lost } = await worker.run(place);
      this.#found[at] = findings;
      return lost;
    } catch (error) {
      this.#found[at] = brokenOff(place, messageOf(error));
      return error instanceof WorkerLost;
    } finally {
      this.#options.timed?.(place, (performance.now() - begun) / 1000);
    }
  }

  #stopsAfter(at: number): boolean {
    return this.#options.untilFirst === true && differs(this.#found[at]);
  }

  #joined(): Findings {
    const first = this.#options.untilFirst ? this.#found.findIndex(differs) : -1;
    const run = first < 0 ? this.#found : this.#found.slice(0, first + 1);
    return joinFindings(
      run.map((findings, at) => {
        const { suite, case: one } = this.#chosen[at];
        const place = { suite: suite.name, case: one.name };
        return findings ?? brokenOff(place, this.#failure ?? 'stopped before its turn');
      }),
    );
  }
}

/** The longest case first, so that no worker is left alone with it at the end. Until the first difference: in their order. */
function orderOf(chosen: Chosen, { untilFirst = false, secondsOf }: SpreadOptions): number[] {
  const seconds = chosen.map(({ suite, case: one }) => secondsOf(suite.name, one.name));
  const order = chosen.map((_, at) => at);
  return untilFirst ? order : order.sort((a, b) => seconds[b] - seconds[a]);
}

function differs(findings: Findings | undefined): boolean {
  return findings?.rows.some(({ passed }) => !passed) ?? false;
}

function brokenOff(place: CaseName, because: string): Findings {
  const none = { rows: [], notRunnable: [], notApplicable: [], observations: [], seconds: {} };
  return { ...none, broken: [{ ...place, because }] };
}

/** A process that runs cases. */
class CaseProcess {
  readonly #process: WorkerProcess<Request, Reply>;
  #opened: Extract<Reply, { kind: 'opened' }> | undefined;

  constructor(module: string, report: Reporter) {
    this.#process = new WorkerProcess({
      module,
      cwd: root,
      // Only events of this project's own worker arrive here.
      heard: (event) => report(event as ProgressEvent),
    });
  }

  async open(settings: WorkerSettings): Promise<void> {
    const reply = await this.#process.ask({ kind: 'open', ...settings }, startTimeout);
    if (reply.kind === 'opened') this.#opened = reply;
  }

  get sides(): Sides {
    return this.#started.sides;
  }

  /** The shims that its Python used while it started. */
  get shims(): readonly Shim[] {
    return this.#started.shims;
  }

  async shimsNow(): Promise<readonly Shim[]> {
    const reply = await this.#process.ask({ kind: 'shims' });
    return reply.kind === 'shims' ? reply.shims : [];
  }

  async run(one: CaseName): Promise<Extract<Reply, { kind: 'ran' }>> {
    const reply = await this.#process.ask({ kind: 'run', one });
    if (reply.kind !== 'ran') throw new Error(`the worker answered ${reply.kind} to a case`);
    return reply;
  }

  /** Lets the process remove its folders first. */
  close(): Promise<void> {
    return this.#process.close(5000);
  }

  get #started(): Extract<Reply, { kind: 'opened' }> {
    if (!this.#opened) throw new Error('the worker has not been opened');
    return this.#opened;
  }
}

/** Adds up how often the workers used each shim. */
class ShimCount {
  readonly #counts = new Map<string, Shim>();

  /** What a worker used at its start: every worker uses it, so it counts once. */
  begin(shims: readonly Shim[]): void {
    for (const shim of shims) if (!this.#counts.has(shim.quirk)) this.#counts.set(shim.quirk, shim);
  }

  end(atStart: readonly Shim[], now: readonly Shim[]): void {
    for (const shim of now) {
      const before = atStart.find(({ quirk }) => quirk === shim.quirk)?.times ?? 0;
      const known = this.#counts.get(shim.quirk)?.times ?? 0;
      this.#counts.set(shim.quirk, { ...shim, times: known + shim.times - before });
    }
  }

  get list(): readonly Shim[] {
    const number = ({ quirk }: Shim): number => Number(quirk.slice(1));
    return [...this.#counts.values()].sort((a, b) => number(a) - number(b));
  }
}
