import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { array, boolean, type GenericSchema, object, string } from 'valibot';
import type { PythonFacts } from '../bridge/original.ts';
import { divideByData } from '../compare/choose.ts';
import { type Chosen, type Findings, runCases } from '../compare/comparison.ts';
import { type ComparisonData, generatedCollections, openCollections, publishedFolder } from '../compare/data.ts';
import { findingsFault, shimLines } from '../compare/report/index.ts';
import { ownCasePrefix, type Suite, type SuiteCase, type SuiteName, suiteNames } from '../compare/suite.ts';
import { suites } from '../compare/suites/index.ts';
import { InputError } from '../errors.ts';
import { JobPaused } from '../jobs/job.ts';
import { mapOf } from '../lib/json/fields.ts';
import { type Described, readAnyJson, readJson, writeJson } from '../lib/json/file.ts';
import { throwFault } from '../lib/json/text.ts';
import { compareData } from './compare_data.ts';
import { compareFinetuning, comparePretraining } from './compare_jobs.ts';
import { benchmarkTaskOf } from './recordings.ts';
import type { RunFolder } from './run_folder.ts';
import type { RunSettings } from './settings.ts';
import type { StepContext } from './step.ts';

/** What the report needs of the Python process. */
export type OriginalFacts = Described<typeof factsSchema>;

const factsSchema = object({
  facts: object({
    python: string(),
    tensorflow: string(),
    keras: string(),
    numpy: string(),
    pandas: string(),
    sklearn: string(),
    wfdb: string(),
    samplerate: string(),
    library: array(string()),
    onednn: boolean(),
    parity: mapOf(string(), string()),
    gpus: array(string()),
  } satisfies Record<keyof PythonFacts, GenericSchema>),
  /** Fixes from outside that this original needed in order to run, one line each. */
  shims: array(string()),
});

const compareAgain = 'Compare again: --from comparison --force';

/** Trainings per side in the suite `outcome`: the smallest number that allows a statement. */
const outcomeTrials = 5;

/** What a comparison of this run's own files compares: a prepared set, a pretraining job, or a trial of a finetuning job. */
export type Compared =
  | { readonly kind: 'data'; readonly name: string }
  | { readonly kind: 'pretraining'; readonly name: string }
  | { readonly kind: 'finetuning'; readonly name: string; readonly trial: number };

/** A comparison of this run's own files, and the suite under which it is reported. */
export interface OwnCheck {
  readonly name: string;
  readonly of: Compared;
  readonly suite: SuiteName;
  readonly compare: SuiteCase['run'];
}

/** What is compared of this run's own files: prepared sets, and each job of both sides. */
export function runChecks(run: RunSettings): OwnCheck[] {
  const { experiment, trials } = run;
  const numbers = Array.from({ length: trials }, (_, i) => i + 1);
  return [
    // The original cannot prepare sets of the PTB-XL benchmark.
    ...experiment.sets
      .filter(({ name }) => benchmarkTaskOf(name) === undefined)
      .map(
        (set): OwnCheck => ({
          name: `data ${set.name}`,
          of: { kind: 'data', name: set.name },
          suite: 'preprocessing',
          compare: ({ original }) => compareData(run, set, original),
        }),
      ),
    ...experiment.pretraining.map(
      (job): OwnCheck => ({
        name: `pretraining ${job.name}`,
        of: { kind: 'pretraining', name: job.name },
        suite: 'training',
        compare: ({ observe }) => comparePretraining(run, job, observe),
      }),
    ),
    ...experiment.finetuning.flatMap((job) =>
      numbers.map(
        (trial): OwnCheck => ({
          name: `finetuning ${job.name}, trial ${trial}`,
          of: { kind: 'finetuning', name: job.name, trial },
          suite: 'predictions',
          compare: ({ original, observe }) => compareFinetuning(run, job, trial, original, observe),
        }),
      ),
    ),
  ];
}

/** The suites of an experiment with their quick cases. */
export function suiteChecks({ experiment }: RunSettings): { readonly name: SuiteName; readonly chosen: Chosen }[] {
  const { suites: wanted } = experiment;
  return suiteNames.flatMap((name) => {
    const suite = suites.find((one) => one.name === name);
    if (suite === undefined || (wanted !== 'quick' && !wanted.includes(name))) return [];
    const chosen = suite.cases.filter(({ quick }) => quick === true).map((one) => ({ suite, case: one }));
    return chosen.length > 0 ? [{ name, chosen }] : [];
  });
}

/** A check of this run's own files as a case of a suite. */
export function ownCase(suite: SuiteName, name: string, compare: SuiteCase['run']): Chosen {
  const one: SuiteCase = { name: `${ownCasePrefix}${name}`, on: {}, run: compare };
  const own: Suite = { name: suite, summary: '', cases: [one] };
  return [{ suite: own, case: one }];
}

/** Runs the cases that the recordings allow and writes their findings. If interrupted, throws JobPaused and writes nothing. */
export async function compareStep(run: RunSettings, file: string, chosen: Chosen, context: StepContext): Promise<void> {
  const original = await context.original();
  const data = await openData(run, context);
  const published = publishedFolder(run.data);
  const shared = { original, data, seed: run.seed, trials: outcomeTrials, ...(published ? { published } : {}) };
  const { possible, lacking } = divideByData(chosen, data, published);
  for (const lack of lacking) context.report({ kind: 'message', text: `left out, because this is missing: ${lack}` });
  const findings = await runCases(possible, shared, context.report, { signal: context.signal });
  if (context.signal.aborted) throw new JobPaused();
  mkdirSync(dirname(file), { recursive: true });
  writeJson(file, findings, 0);
  const known: OriginalFacts = { facts: await context.facts(), shims: shimLines(await original.shims()) };
  writeJson(factsFile(run.folder), known, 0);
}

/** What a comparison step found. */
export function readFindings(file: string): Findings {
  const value = readAnyJson(file, { maxBytes: 2 ** 28, maxValues: 2e7, next: compareAgain });
  const fault = findingsFault(value);
  if (fault) throwFault(fault, file, compareAgain);
  return value as Findings;
}

/** Whether a finished comparison should be repeated: a case broke off, for example because Python died, or the file is damaged. */
export function brokeOff(file: string): boolean {
  try {
    return readFindings(file).broken.length > 0;
  } catch (error) {
    if (error instanceof InputError) return true;
    throw error;
  }
}

/** What the last comparison step learned about Python. */
export function readFacts(folder: RunFolder): OriginalFacts {
  return readJson(factsFile(folder), factsSchema, { what: 'the file about Python', next: compareAgain });
}

/** File of a comparison step. */
export function findingsFile(folder: RunFolder, name: string): string {
  return folder.findings(name.replace(/[^\w.-]+/g, '-'));
}

/** Recordings for the suites: those of the user, or small generated ones in the run's folder. */
function openData({ data, folder, seed }: RunSettings, { report }: StepContext): Promise<ComparisonData> {
  return data === undefined
    ? generatedCollections(folder.suiteRecords, seed, report)
    : Promise.resolve(openCollections(data));
}

function factsFile(folder: RunFolder): string {
  return folder.findings('python');
}
