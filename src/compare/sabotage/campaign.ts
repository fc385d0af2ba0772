import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../errors.ts';
import type { Reporter } from '../../events.ts';
import { lockFolder } from '../../lib/lock.ts';
import { ownCommand } from '../../text.ts';
import type { SuiteName } from '../suite.ts';
import { folders } from './files.ts';
import { type Campaign, Journal } from './journal.ts';
import type { ListedCase, WorkerSettings } from './messages.ts';
import { drawMutants, type Mutant, mutantsByRules, type NamedMutant, placeNamed } from './mutants.ts';
import { namedMutants } from './named.ts';
import { casesFor, type SurveyedCase, survey } from './survey.ts';
import { copySources, dependentsOf, importersIn } from './trees.ts';
import { Bench, nameOfCase, type Trial } from './trial.ts';
import { verdicts } from './verdicts.ts';
import { SabotageWorker } from './worker_process.ts';

/** A sabotage run. */
export interface SabotageOptions extends WorkerSettings {
  /** Root of the project: the folder of `package.json`. */
  readonly project: string;
  /** Folder for the journal and, while it runs, for the damaged copies. */
  readonly folder: string;
  /** Number of rule-made mutants to try. Those made by hand are always tried. */
  readonly count: number;
  /** Seed for choosing among the rule-made mutants. */
  readonly seed: number;
  /** Processes that try mutants, each with a Python of its own; default 1. */
  readonly workers?: number;
  /** Minutes after which no further mutant is started. */
  readonly minutes?: number;
  /** Seconds of cases (measured on the undamaged port) to run per mutant. Default 300. */
  readonly seconds?: number;
  /** All cases of the suites, not only the quick ones. */
  readonly all?: boolean;
  /** Only these suites. */
  readonly only?: readonly SuiteName[];
  /** Mutants made by hand; default all of them. */
  readonly named?: readonly NamedMutant[];
}

/** A mutant and its trial; undefined if it has not been tried yet. */
export interface Tried {
  readonly mutant: Mutant;
  readonly trial?: Trial;
}

/** What a sabotage run found. */
export interface SabotageResult {
  readonly named: readonly Tried[];
  readonly byRules: readonly Tried[];
  readonly cases: readonly SurveyedCase[];
  /** Mutants that the rules can make, and how many of them the cases run. */
  readonly possible: number;
  readonly reached: number;
  readonly seed: number;
}

/**
 * Damages copies of the port's sources, one small error at a time, and runs the cases that execute the damaged place until one notices.
 * Resumes a run that was stopped in the same folder. Never changes the project itself.
 */
export async function runSabotage(
  options: SabotageOptions,
  report: Reporter,
  signal?: AbortSignal,
): Promise<SabotageResult> {
  const { project, folder, count, seed, workers = 1, seconds = 300, minutes = Number.POSITIVE_INFINITY } = options;
  const end = performance.now() + minutes * 60_000;
  const work = join(folder, 'work');
  const base = join(work, 'base');
  mkdirSync(folder, { recursive: true });
  const unlock = lockFolder(folder, { work: 'works in this folder' });
  try {
    copySources(project, base);
    const src = join(base, 'src');
    const named = namedFor(options).map((one) => placeNamed(src, one));
    const possible = mutantsByRules(src);
    const journal = new Journal(folder, campaignOf(base, options, possible));
    const start = (): Promise<SabotageWorker> => startWorker(base, work, options);
    const cases = await surveyAll(start, base, work, possible, named, journal, options, report, signal);
    if (!signal?.aborted) checkSurvey(cases, report);
    const dependsOn = dependenceIn(src);
    const casesOf = (mutant: Mutant): SurveyedCase[] => casesWithin(casesFor(mutant, cases, dependsOn), seconds);
    const reached = new Set(possible.filter((mutant) => casesOf(mutant).length > 0));
    const drawn = drawMutants(possible, count, seed, (mutant) => reached.has(mutant));
    const left = [...named, ...drawn].filter((mutant) => !isDone(journal.trials.get(mutant.id), casesOf(mutant)));
    // What no case can notice runs all of them, so it comes last.
    const waiting = [...left].sort((a, b) => Number(isSettled(a.id)) - Number(isSettled(b.id)));
    const benches = Array.from({ length: workers }, () => new Bench(base, work, start));
    const attempt = async (bench: Bench, mutant: Mutant): Promise<Trial> => {
      const trial = await bench.try(mutant, casesOf(mutant));
      journal.keep(trial);
      return trial;
    };
    await tryAll(waiting, benches, attempt, () => performance.now() > end, report, signal);
    const withTrial = (mutant: Mutant): Tried => ({ mutant, trial: journal.trials.get(mutant.id) });
    return {
      named: named.map(withTrial),
      // Trials of an earlier run with other cases count too.
      byRules: possible.filter((mutant) => drawn.includes(mutant) || journal.trials.has(mutant.id)).map(withTrial),
      cases,
      possible: possible.length,
      reached: reached.size,
      seed,
    };
  } finally {
    rmSync(work, { recursive: true, force: true });
    unlock();
  }
}

/** Distributes the mutants to the benches until none is left or the time is up. Stops at once on the signal. */
async function tryAll(
  mutants: readonly Mutant[],
  benches: readonly Bench[],
  attempt: (bench: Bench, mutant: Mutant) => Promise<Trial>,
  isOver: () => boolean,
  report: Reporter,
  signal?: AbortSignal,
): Promise<void> {
  const task = 'Damaging the port';
  report({ kind: 'start', task, total: mutants.length, unit: 'mutants' });
  const waiting = [...mutants];
  let done = 0;
  const work = async (bench: Bench): Promise<void> => {
    while (!signal?.aborted && !isOver()) {
      const mutant = waiting.shift();
      if (!mutant) break;
      const { outcome } = await attempt(bench, mutant);
      report({ kind: 'progress', task, done: ++done, detail: `${outcome}: ${mutant.id}` });
    }
  };
  const stop = async (): Promise<void> => {
    await Promise.all(benches.map((bench) => bench.stop()));
  };
  signal?.addEventListener('abort', stop, { once: true });
  try {
    await Promise.all(benches.map(work));
  } catch (error) {
    if (!signal?.aborted) throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
    await stop();
  }
  report({ kind: 'end', task });
}

function namedFor({ named = namedMutants, only }: SabotageOptions): readonly NamedMutant[] {
  return only ? named.filter(({ suite }) => only.includes(suite)) : named;
}

/** The cases to use, with the places that they execute. Cases that the journal does not know are run first. */
async function surveyAll(
  start: () => Promise<SabotageWorker>,
  base: string,
  work: string,
  mutants: readonly Mutant[],
  named: readonly Mutant[],
  journal: Journal,
  { all = false, only }: SabotageOptions,
  report: Reporter,
  signal?: AbortSignal,
): Promise<SurveyedCase[]> {
  report({ kind: 'message', text: 'Starting the Python original' });
  const worker = await start();
  const known = new Set(journal.surveyed.map(nameOfCase));
  const needed = new Set(named.map(({ suite, case: one }) => `${suite}: ${one}`));
  const stop = (): Promise<void> => worker.close();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    const chosen = (one: ListedCase): boolean =>
      (only?.includes(one.suite) ?? one.suite !== 'outcome') && (all || one.quick || needed.has(nameOfCase(one)));
    const wanted = (one: ListedCase): boolean => chosen(one) && !known.has(nameOfCase(one));
    const folder = join(work, 'probed');
    await survey({ worker, base, folder, mutants, wanted, keep: (one) => journal.keepCase(one), report });
    const names = new Set((await worker.list(folder)).filter(chosen).map(nameOfCase));
    return journal.surveyed.filter((one) => names.has(nameOfCase(one)));
  } catch (error) {
    if (!signal?.aborted) throw error;
    return journal.surveyed;
  } finally {
    signal?.removeEventListener('abort', stop);
    await worker.close();
  }
}

/** Whether the module of a suite depends on a file. */
function dependenceIn(src: string): (suite: SuiteName, file: string) => boolean {
  const importers = importersIn(src);
  const known = new Map<string, ReadonlySet<string>>();
  return (suite, file) => {
    const dependents = known.get(file) ?? dependentsOf(file, importers);
    known.set(file, dependents);
    return dependents.has(`compare/suites/${suite}/suite.ts`);
  };
}

/** The fastest cases that together take at most so many seconds; at least one case. */
function casesWithin(cases: readonly SurveyedCase[], seconds: number): SurveyedCase[] {
  let sum = 0;
  return cases.filter((one, i) => {
    sum += one.seconds;
    return i === 0 || sum <= seconds;
  });
}

/** Whether a mutant need not be tried: it was caught, it is equivalent to the port, or it has survived every case. */
function isDone(trial: Trial | undefined, cases: readonly SurveyedCase[]): boolean {
  if (!trial) return false;
  if (isSettled(trial.id)) return true;
  return trial.outcome === 'caught' || cases.every((one) => trial.cases.includes(nameOfCase(one)));
}

/** Whether a verdict says that a comparison cannot notice a mutant. */
function isSettled(id: string): boolean {
  const is = verdicts[id]?.is;
  return is === 'equivalent' || is === 'outside';
}

/** A case that fails on the undamaged port cannot catch anything. */
function checkSurvey(cases: readonly SurveyedCase[], report: Reporter): void {
  for (const { suite, case: name, passed, detail } of cases) {
    if (passed) continue;
    report({ kind: 'warning', text: `${suite}: ${name} is left out: without any damage it gives "${detail}"` });
  }
  if (cases.some(({ passed }) => passed)) return;
  throw new InputError('no case passes on the undamaged sources', { next: `See: ${ownCommand('compare', '--quick')}` });
}

function startWorker(base: string, work: string, options: SabotageOptions): Promise<SabotageWorker> {
  const { bridge, settings, workers = 1 } = options;
  const temporary = join(work, 'tmp');
  mkdirSync(temporary, { recursive: true });
  const threads = workers > 1 ? { TF_NUM_INTRAOP_THREADS: '1', TF_NUM_INTEROP_THREADS: '1' } : {};
  return SabotageWorker.start(base, { bridge, settings }, { ...threads, TMPDIR: temporary });
}

function campaignOf(base: string, { bridge, settings }: SabotageOptions, watched: readonly Mutant[]): Campaign {
  const src = join(base, 'src');
  const suites = digestOf(src, isInstrument, {});
  const places = watched.map(({ file, sites }) => [file, sites]);
  return {
    port: digestOf(src, (file) => file.endsWith('.ts') && folders.some((folder) => file.startsWith(folder)), {
      bridge,
      settings,
    }),
    suites,
    survey: createHash('sha256')
      .update(JSON.stringify([suites, places]))
      .digest('hex'),
  };
}

/** Whether a file is part of what notices faults: the bridge and the comparison, without its reports and the sabotage itself. */
function isInstrument(file: string): boolean {
  if (file.startsWith('bridge/')) return /\.(ts|py)$/.test(file);
  return /^compare\/.*\.(ts|json)$/.test(file) && !/^compare\/(report|sabotage)\//.test(file);
}

function digestOf(src: string, isPart: (file: string) => boolean, settings: object): string {
  const hash = createHash('sha256').update(JSON.stringify(settings));
  for (const file of readdirSync(src, { recursive: true, encoding: 'utf8' }).sort()) {
    if (isPart(file)) hash.update(`${file}\0`).update(readFileSync(join(src, file)));
  }
  return hash.digest('hex');
}
