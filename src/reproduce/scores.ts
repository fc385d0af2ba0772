import { join } from 'node:path';
import { array, object, optional, picklist } from 'valibot';
import { InputError } from '../errors.ts';
import type { Contrast, FinetuningJob } from '../experiment_schema.ts';
import { bootstrapDifference, bootstrapScores } from '../lib/bootstrap.ts';
import { amount, anyNumber, classNames, name } from '../lib/json/fields.ts';
import { type Described, readJson, writeJson } from '../lib/json/file.ts';
import type { NdArray } from '../lib/numpy/ndarray.ts';
import { readCsv } from '../lib/pandas/csv.ts';
import { isMulticlass, readPredictions } from '../port/transplant/utils.ts';
import { collectionKinds } from '../prepare/collections.ts';
import { benchmarkTaskOf, collectionOf, recordsFolder } from './recordings.ts';
import type { SideName } from './run_folder.ts';
import { type RunSettings, setOf, trialSeed } from './settings.ts';
import type { StepContext } from './step.ts';

const intervalSchema = object({ value: anyNumber, low: anyNumber, high: anyNumber, undefinedResamples: amount });
const classScores = { precision: intervalSchema, recall: intervalSchema, f1: intervalSchema, auc: intervalSchema };
const scoresSchema = object({
  accuracy: intervalSchema,
  macroF1: intervalSchema,
  macroAuc: intervalSchema,
  /** Of sets with several labels per record. */
  fMax: optional(intervalSchema),
  /** The score of the collection's challenge: mean F1 of some classes. */
  f1Of: optional(intervalSchema),
  perClass: array(object(classScores)),
});

/** Scores of one trial on the test records, with intervals that cover the sampling of the test set. */
export type TrialScores = SideScores['trials'][number];

/** Scores of the pretrained job minus those of the random one, on the same test records, in one trial. */
export type ContrastScores = SideScores['contrasts'][number];

/** All scores of one side. */
export type SideScores = Described<typeof sideSchema>;

const sideSchema = object({
  trials: array(
    object({
      job: name,
      trial: amount,
      seed: amount,
      records: amount,
      classes: classNames,
      /** What the bootstrap resamples: records within their classes, or whole patients where they are known. */
      drawn: picklist(['records', 'patients']),
      /** The most probable class decides, as in the published figures, even where several labels can be true. */
      scores: scoresSchema,
    }),
  ),
  contrasts: array(
    object({ pretrained: name, random: name, trial: amount, classes: classNames, difference: scoresSchema }),
  ),
});

/** Resamples of the bootstrap. */
const resamples = 1000;

/** Scores all trials of one side and writes them into its folder. */
export function scoreSide(run: RunSettings, side: SideName, { report }: Pick<StepContext, 'report'>): void {
  const { experiment, trials } = run;
  const task = `Scoring the ${side}`;
  const { finetuning, contrasts } = experiment;
  const numbers = Array.from({ length: trials }, (_, i) => i + 1);
  report({ kind: 'start', task, total: (finetuning.length + contrasts.length) * trials, unit: 'trials' });
  let done = 0;
  const count = <T>(result: T): T => {
    report({ kind: 'progress', task, done: ++done });
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
  writeJson(run.folder.scores(side), scores, 0);
  report({ kind: 'end', task });
}

/** The scores that `scoreSide` wrote. */
export function readScores(run: RunSettings, side: SideName): SideScores {
  return readJson(run.folder.scores(side), sideSchema, {
    what: 'the file of scores',
    next: 'Score again: --from metrics --force',
  });
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
    scores: bootstrapScores(yTrue, yProb, {
      resamples,
      seed: run.seed,
      groups,
      fMax: isMulticlass(yTrue),
      f1Of: scoredClasses(run, job, classes),
    }),
  };
}

/** Columns of the classes that the challenge of the job's set scored, if it had one and they are all there. */
function scoredClasses(
  { experiment }: RunSettings,
  job: FinetuningJob,
  classes: readonly string[],
): readonly number[] | undefined {
  const columns = collectionKinds[collectionOf[setOf(experiment, job).name].format].scoredClasses?.map((name) =>
    classes.indexOf(name),
  );
  return columns?.includes(-1) ? undefined : columns;
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
    throw new InputError('the file does not hold predictions of labelled records', {
      file,
      next: 'Test again: --from finetuning --force',
    });
  }
  return { names: Array.from(names.data as ArrayLike<unknown>, String), classes, yTrue, yProb };
}

function groupsOf(names: readonly string[], patients: Patients): (string | number)[] | undefined {
  return patients && names.map((name) => patients.get(name) ?? name);
}

/** Patient of each record, if the collection says so. */
function patientsOf(run: RunSettings, job: FinetuningJob): Map<string, string | number> | undefined {
  const set = setOf(run.experiment, job);
  const kind = collectionKinds[collectionOf[set.name].format];
  const labels = benchmarkTaskOf(set.name);
  const { recordIds, patientIds } = kind.list(recordsFolder(run.folder, set, run.data), { labels });
  return patientIds && new Map(recordIds.map((record, i) => [String(record), patientIds[i]]));
}
