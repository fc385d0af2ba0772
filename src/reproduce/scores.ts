import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decode, encode, type Wire } from '../bridge/wire.ts';
import { InputError } from '../errors.ts';
import type { Contrast, FinetuningJob } from '../experiments.ts';
import type { NdArray } from '../lib/numpy/ndarray.ts';
import { readCsv } from '../lib/pandas/csv.ts';
import { writeFileAtomic } from '../lib/python/atomic_file.ts';
import { collectionKinds } from '../port/finetuning/collections.ts';
import { bootstrapDifference, bootstrapScores, type Interval, type Scores } from '../port/transplant/bootstrap.ts';
import { readPredictions } from '../port/transplant/utils.ts';
import { collectionOf, recordsFolder } from './recordings.ts';
import type { SideName } from './run_folder.ts';
import { type RunSettings, setOf, trialSeed } from './settings.ts';
import type { StepContext } from './step.ts';

/** Scores of one trial on the test records, with the intervals that its choice of records leaves open. */
export interface TrialScores {
  readonly job: string;
  readonly trial: number;
  readonly seed: number;
  readonly records: number;
  readonly classes: readonly string[];
  /** What the intervals draw again: records within their classes, or whole patients where they are known. */
  readonly drawn: 'records' | 'patients';
  /** Decision by the most probable class, as in the published figures, also where several labels can be true. */
  readonly scores: Scores<Interval>;
}

/** Scores of the pretrained job minus those of the random one, on the same test records, in one trial. */
export interface ContrastScores extends Contrast {
  readonly trial: number;
  readonly classes: readonly string[];
  readonly difference: Scores<Interval>;
}

/** All scores of one side. */
export interface SideScores {
  readonly trials: readonly TrialScores[];
  readonly contrasts: readonly ContrastScores[];
}

/** Resamples of the bootstrap. */
const resamples = 1000;

/** Scores all trials of one side and writes them into its folder. */
export function scoreSide(run: RunSettings, side: SideName, { reporter }: Pick<StepContext, 'reporter'>): void {
  const { experiment, trials } = run;
  const task = `Scoring the ${side}`;
  const { finetuning, contrasts } = experiment;
  const numbers = Array.from({ length: trials }, (_, i) => i + 1);
  reporter({ kind: 'start', task, total: (finetuning.length + contrasts.length) * trials, unit: 'trials' });
  let done = 0;
  const count = <T>(result: T): T => {
    reporter({ kind: 'progress', task, done: ++done });
    return result;
  };
  const patients = new Map(finetuning.map((job) => [job.name, patientsOf(run, job)]));
  const scores: SideScores = {
    trials: finetuning.flatMap((job) =>
      numbers.map((trial) => count(scoreTrial(run, side, job, trial, patients.get(job.name)))),
    ),
    contrasts: contrasts.flatMap((contrast) =>
      numbers.map((trial) => count(scoreContrast(run, side, contrast, trial, patients.get(contrast.random)))),
    ),
  };
  writeFileAtomic(run.folder.scores(side), `${encode(scores as unknown as Wire)}\n`);
  reporter({ kind: 'end', task });
}

/** The scores that `scoreSide` wrote. */
export function readScores(run: RunSettings, side: SideName): SideScores {
  return decode(readFileSync(run.folder.scores(side), 'utf8')) as unknown as SideScores;
}

type Patients = ReadonlyMap<string, string | number> | undefined;

function scoreTrial(
  run: RunSettings,
  side: SideName,
  job: FinetuningJob,
  trial: number,
  patients: Patients,
): TrialScores {
  const { names, classes, yTrue, yProb } = predictionsOf(run, side, job.name, trial);
  const groups = groupsOf(names, patients);
  return {
    job: job.name,
    trial,
    seed: trialSeed(run.seed, trial),
    records: names.length,
    classes,
    drawn: groups ? 'patients' : 'records',
    scores: bootstrapScores(yTrue, yProb, { resamples, seed: run.seed, groups }),
  };
}

function scoreContrast(
  run: RunSettings,
  side: SideName,
  contrast: Contrast,
  trial: number,
  patients: Patients,
): ContrastScores {
  const random = predictionsOf(run, side, contrast.random, trial);
  const pretrained = predictionsOf(run, side, contrast.pretrained, trial);
  if (random.names.join() !== pretrained.names.join()) {
    throw new Error(`${contrast.pretrained} and ${contrast.random} were not tested on the same records`);
  }
  const { names, classes, yTrue } = random;
  const options = { resamples, seed: run.seed, groups: groupsOf(names, patients) };
  return {
    ...contrast,
    trial,
    classes,
    difference: bootstrapDifference(yTrue, random.yProb, pretrained.yProb, options),
  };
}

function predictionsOf(
  { folder }: RunSettings,
  side: SideName,
  job: string,
  trial: number,
): { names: string[]; classes: readonly string[]; yTrue: NdArray; yProb: NdArray } {
  const file = join(folder.finetuning(side, job, trial), 'test_predictions.csv');
  const { classes, yTrue, yProb } = readPredictions(file);
  const names = readCsv(file).columns.get('record_name');
  if (!yTrue || !yProb || !names) {
    throw new InputError('these are no predictions of labelled records', {
      file,
      next: 'Test again: --from finetuning --force',
    });
  }
  return { names: Array.from(names.data as ArrayLike<unknown>, String), classes, yTrue, yProb };
}

function groupsOf(names: readonly string[], patients: Patients): (string | number)[] | undefined {
  return patients && names.map((name) => patients.get(name) ?? name);
}

/** Patient of each record, where the collection tells. */
function patientsOf(run: RunSettings, job: FinetuningJob): Map<string, string | number> | undefined {
  const set = setOf(run.experiment, job);
  const kind = collectionKinds[collectionOf[set.name].format];
  const { recordIds, patientIds } = kind.list(recordsFolder(run.folder, set, run.data), {});
  return patientIds && new Map(recordIds.map((record, i) => [String(record), patientIds[i]!]));
}
