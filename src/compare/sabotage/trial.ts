import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { WorkerLost } from '../workers/process.ts';
import type { CaseName, CaseResult } from './messages.ts';
import type { Mutant } from './mutants.ts';
import type { SurveyedCase } from './survey.ts';
import { copyWithMutant, type Importers, importersIn } from './trees.ts';
import type { SabotageWorker } from './worker_process.ts';

/** The result of trying a mutant. */
export interface Trial {
  readonly id: string;
  readonly outcome: 'caught' | 'survived' | 'unsure';
  /** How it was noticed: by a failed row if any case has one, else by a case that broke off, or by the end of the process. */
  readonly how?: Exclude<CaseResult['outcome'], 'passed'> | 'crash' | 'hang';
  /** Whether at least one case that executes the changed place ran to its end. */
  readonly finished: boolean;
  readonly by?: CaseName;
  /** The row that failed, the message of the error. */
  readonly detail: string;
  /** Names of the cases that ran it. */
  readonly cases: readonly string[];
  readonly seconds: number;
}

/** Number of cases that may break off before a mutant is taken for one that breaks off everywhere. */
const mostBroken = 3;

/** Seconds of further cases, timed on the undamaged sources, after the first that breaks off. */
const secondsOnceBroken = 10;

/** Number of mutants after which a process is replaced, because the modules of each mutant stay in memory. */
const trialsPerProcess = 25;

/** Tries mutants one after the other, in one process as long as it is healthy. */
export class Bench {
  readonly #base: string;
  readonly #folder: string;
  readonly #start: () => Promise<SabotageWorker>;
  readonly #slack: number;
  #worker: SabotageWorker | undefined;
  #importers: Importers | undefined;
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
   * Runs the cases until one notices the mutant by a value. Where a case breaks off, the others still run, those of other suites first, for at most
   * {@link secondsOnceBroken}, unless {@link mostBroken} have broken off and none has ended. To rule out effects of earlier mutants, it counts as
   * caught only if the same case then passes on the undamaged sources in the same process, or if a fresh process ends or hangs.
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
    return { id: mutant.id, outcome: 'unsure', detail, finished: false, cases: namesOf(cases), seconds };
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

  async #attempt(mutant: Mutant, cases: readonly SurveyedCase[]): Promise<Found | 'again'> {
    this.#worker ??= await this.#start();
    const isFirst = this.#trials++ === 0;
    // A unique name, because benches run side by side and a process loads each module path only once.
    const tree = mkdtempSync(join(this.#folder, 'mutant-'));
    this.#importers ??= importersIn(join(this.#base, 'src'));
    copyWithMutant(this.#base, tree, mutant, this.#importers);
    const course = new Course(cases);
    try {
      return await this.#follow(course, this.#worker, tree);
    } catch (error) {
      await this.close();
      if (this.#stopped || !(error instanceof WorkerLost)) throw error;
      return isFirst ? course.lost(error) : 'again';
    } finally {
      rmSync(tree, { recursive: true, force: true });
    }
  }

  /** Runs the cases in a tree. Returns what was found; `again` if a case fails on the undamaged sources too. */
  async #follow(course: Course, worker: SabotageWorker, tree: string): Promise<Found | 'again'> {
    for (let one = course.next(); one; one = course.next()) {
      const result = await worker.run(tree, nameIn(one), this.#patience(one));
      const isNews = course.note(one, result);
      if (!isNews) continue;
      const clean = await worker.run(this.#base, nameIn(one), this.#patience(one));
      if (clean.outcome !== 'passed') return 'again';
    }
    return course.found;
  }

  /** Milliseconds that a case may take. */
  #patience({ seconds }: SurveyedCase): number {
    return 1000 * (this.#slack + 6 * seconds);
  }
}

type Found = Omit<Trial, 'id' | 'seconds'>;

/** The cases of one trial: which comes next, and what they have found so far. */
class Course {
  #waiting: readonly SurveyedCase[];
  readonly #ran: SurveyedCase[] = [];
  #broken = 0;
  /** What is left of {@link secondsOnceBroken}. */
  #seconds = secondsOnceBroken;
  found: Found = { outcome: 'survived', detail: '', finished: false, cases: [] };

  constructor(cases: readonly SurveyedCase[]) {
    this.#waiting = cases;
  }

  /** Takes the next case; undefined if the trial is over. */
  next(): SurveyedCase | undefined {
    const isHopeless = this.#broken >= mostBroken && !this.found.finished;
    if (this.found.how === 'failed row' || isHopeless) return undefined;
    const [one, ...rest] = this.#waiting;
    if (one === undefined) return undefined;
    if (this.#broken > 0) this.#seconds -= one.seconds;
    if (this.#seconds < 0) return undefined;
    this.#waiting = rest;
    this.#ran.push(one);
    return one;
  }

  /** Notes the result of a case. True if it is the first to notice, or the first to notice by a value. */
  note(one: SurveyedCase, { outcome, detail }: CaseResult): boolean {
    const finished = this.found.finished || outcome === 'passed' || outcome === 'failed row';
    const broke = outcome !== 'passed' && outcome !== 'failed row';
    const isNews = outcome === 'failed row' || (broke && this.found.how === undefined);
    this.found = { ...this.found, finished, cases: this.#ran.map(nameOfCase) };
    if (isNews) this.found = { ...this.found, outcome: 'caught', how: outcome, by: nameIn(one), detail };
    if (broke) {
      this.#broken++;
      const isSame = ({ suite }: SurveyedCase): boolean => suite === one.suite;
      this.#waiting = [...this.#waiting.filter((other) => !isSame(other)), ...this.#waiting.filter(isSame)];
    }
    return isNews;
  }

  /** What was found if the process ended or hung in the current case. */
  lost({ how, message }: WorkerLost): Found {
    const at = this.#ran.at(-1);
    const cases = this.#ran.map(nameOfCase);
    return { ...this.found, outcome: 'caught', how, ...(at && { by: nameIn(at) }), detail: message, cases };
  }
}

function nameIn({ suite, case: name }: CaseName): CaseName {
  return { suite, case: name };
}

function namesOf(cases: readonly SurveyedCase[]): string[] {
  return cases.map(nameOfCase);
}

/** A case under one name: `suite: case`. */
export function nameOfCase({ suite, case: name }: CaseName): string {
  return `${suite}: ${name}`;
}
