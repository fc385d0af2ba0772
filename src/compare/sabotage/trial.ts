import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { WorkerLost } from '../workers/process.ts';
import type { CaseName, CaseResult } from './messages.ts';
import type { Mutant } from './mutants.ts';
import type { SurveyedCase } from './survey.ts';
import { copyWithMutant } from './trees.ts';
import type { SabotageWorker } from './worker_process.ts';

/** The result of trying a mutant. */
export interface Trial {
  readonly id: string;
  readonly outcome: 'caught' | 'survived' | 'unsure';
  /** How it was noticed: by a failed row, by a case that broke off, or by the end of the process. */
  readonly how?: Exclude<CaseResult['outcome'], 'passed'> | 'crash' | 'hang';
  readonly by?: CaseName;
  /** The row that failed, the message of the error. */
  readonly detail: string;
  /** Names of the cases that ran it. */
  readonly cases: readonly string[];
  readonly seconds: number;
}

/** Number of mutants after which a process is replaced, because the modules of each mutant stay in memory. */
const trialsPerProcess = 25;

/** Tries mutants one after the other, in one process as long as it is healthy. */
export class Bench {
  readonly #base: string;
  readonly #folder: string;
  readonly #start: () => Promise<SabotageWorker>;
  readonly #slack: number;
  #worker: SabotageWorker | undefined;
  #trials = 0;
  #stopped = false;

  /**
   * `folder` is for the damaged copies of `base`. A case may take six times as long as on the undamaged sources, plus `slack` seconds for
   * loading modules.
   */
  constructor(base: string, folder: string, start: () => Promise<SabotageWorker>, slack = 30) {
    this.#base = base;
    this.#folder = folder;
    this.#start = start;
    this.#slack = slack;
  }

  /**
   * Runs the cases until one notices the mutant. To rule out effects of earlier mutants, it counts as caught only if the same case then
   * passes on the undamaged sources in the same process, or if a fresh process ends or hangs.
   */
  async try(mutant: Mutant, cases: readonly SurveyedCase[]): Promise<Trial> {
    const begun = performance.now();
    let found = await this.#attempt(mutant, cases);
    if (found === 'again') {
      await this.close();
      found = await this.#attempt(mutant, cases);
    }
    if (this.#trials >= trialsPerProcess) await this.close();
    const seconds = (performance.now() - begun) / 1000;
    if (found !== 'again') return { id: mutant.id, ...found, seconds };
    await this.close();
    const detail = 'the case failed on the undamaged sources too';
    return { id: mutant.id, outcome: 'unsure', detail, cases: namesOf(cases), seconds };
  }

  /** Ends the process at once. The current mutant counts as untried, and `try` throws. */
  stop(): Promise<void> {
    this.#stopped = true;
    return this.close();
  }

  /** Ends the process in use. */
  async close(): Promise<void> {
    await this.#worker?.close();
    this.#worker = undefined;
    this.#trials = 0;
  }

  async #attempt(mutant: Mutant, cases: readonly SurveyedCase[]): Promise<Omit<Trial, 'id' | 'seconds'> | 'again'> {
    this.#worker ??= await this.#start();
    const worker = this.#worker;
    const isFirst = this.#trials++ === 0;
    // A unique name, because benches run side by side and a process loads each module path only once.
    const tree = mkdtempSync(join(this.#folder, 'mutant-'));
    copyWithMutant(this.#base, tree, mutant);
    let at: SurveyedCase | undefined;
    try {
      for (const [i, one] of cases.entries()) {
        at = one;
        const by = { suite: one.suite, case: one.case };
        const { outcome, detail } = await worker.run(tree, by, this.#patience(one));
        if (outcome === 'passed') continue;
        const clean = await worker.run(this.#base, by, this.#patience(one));
        return clean.outcome === 'passed'
          ? { outcome: 'caught', how: outcome, by, detail, cases: namesOf(cases.slice(0, i + 1)) }
          : 'again';
      }
      return { outcome: 'survived', detail: '', cases: namesOf(cases) };
    } catch (error) {
      await this.close();
      if (this.#stopped || !(error instanceof WorkerLost)) throw error;
      if (!isFirst || !at) return 'again';
      const by = { suite: at.suite, case: at.case };
      return { outcome: 'caught', how: error.how, by, detail: error.message, cases: namesOf([at]) };
    } finally {
      rmSync(tree, { recursive: true, force: true });
    }
  }

  /** Milliseconds that a case may take. */
  #patience({ seconds }: SurveyedCase): number {
    return 1000 * (this.#slack + 6 * seconds);
  }
}

function namesOf(cases: readonly SurveyedCase[]): string[] {
  return cases.map(nameOfCase);
}

/** A case under one name: `suite: case`. */
export function nameOfCase({ suite, case: name }: CaseName): string {
  return `${suite}: ${name}`;
}
