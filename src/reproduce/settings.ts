import { InputError } from '../errors.ts';
import type { Experiment, FinetuningJob, FinetuningSet, PretrainingJob } from '../experiment_schema.ts';
import type { FormatSpeeds } from '../graph/format_speed.ts';
import type { Precision } from '../graph/precision.ts';
import { type FlagTable, flagOf } from '../lib/argparse/flags.ts';
import { finetuneFlags } from '../port/finetuning/trainer/flags.ts';
import type { FinetuneOptions } from '../port/finetuning/trainer.ts';
import type { Arch } from '../port/finetuning/utils.ts';
import { pretrainFlags } from '../port/pretraining/trainer/flags.ts';
import type { PretrainOptions } from '../port/pretraining/trainer.ts';
import type { PretrainingTask } from '../port/pretraining/utils.ts';
import { benchmarkTaskOf, collectionOf, patientIdsIn, patientsFolder } from './recordings.ts';
import type { RunFolder, SideName } from './run_folder.ts';

/** What a run is to do. */
export interface RunSettings {
  readonly experiment: Experiment;
  readonly folder: RunFolder;
  /** Folder of real recordings. Absent: recordings are generated. */
  readonly data?: string;
  /** The user's pretrained weights, for jobs with `given` weights. */
  readonly given?: GivenWeights;
  readonly sides: readonly SideName[];
  /** Trials of each finetuning job. */
  readonly trials: number;
  readonly seed: number;
  /** Number format of the port's training. The original trains in float32. */
  readonly precision: Precision;
  /** The speeds by which `--precision auto` chose it. */
  readonly measured?: FormatSpeeds;
  /** Checkout of the original. */
  readonly original: string;
  readonly python: string;
  readonly lock: string;
  /** Folder for copies of the inputs of each training, on a disk of the machine that runs it; may name environment variables. Absent: no copies. */
  readonly stage?: string;
  /** Command line that repeats the run, for people. */
  readonly command: string;
  /** Arguments of `reproduce` that repeat the run, the same from any folder. */
  readonly arguments: readonly string[];
}

/** Pretrained weights of the user. */
export interface GivenWeights {
  /** A Keras file or the prefix of a TensorFlow checkpoint. */
  readonly file: string;
  readonly arch: Arch;
  /** The task of a pretraining checkpoint; absent for a backbone or a classifier. */
  readonly task?: PretrainingTask;
}

/** Name of the pretraining job whose weights come from the user. */
export const given = 'given';

/** Seed of a trial, for NumPy, the initial weights and the order of training records. The trials of all jobs are paired by their seeds. */
export function trialSeed(seed: number, trial: number): number {
  return seed + trial - 1;
}

/** The finetuning set of a job. */
export function setOf({ sets, name }: Experiment, job: FinetuningJob): FinetuningSet {
  const set = sets.find((one) => one.name === job.set);
  if (!set)
    throw new Error(`${name}: the job ${job.name} uses the set ${job.set}, which the experiment does not define`);
  return set;
}

/** Options of the port's pretraining; the original takes the same, as flags. */
export function pretrainOptions(
  { folder, seed, precision }: RunSettings,
  side: SideName,
  { name, validation, chosenEpoch: _chosen, ...job }: PretrainingJob,
): PretrainOptions {
  const train = patientsFolder(folder);
  const ids = patientIdsIn(train);
  if (ids.length === 0)
    throw new InputError('the folder has no patients', { file: train, next: 'Start again: --from data --force' });
  // A single patient cannot be split.
  const held = ids.length > 1 ? validation : undefined;
  return {
    jobDir: folder.pretraining(side, name),
    train,
    unzipped: true,
    patients: ids.join(','),
    ...job,
    ...(held && {
      valPatients: held.patients,
      valSize: held.frames,
      cacheVal: folder.validationFrames(side, name),
    }),
    seed,
    initSeed: seed,
    ...(side === 'port' && { precision }),
  };
}

/** Options of a trial of the port's finetuning; the original takes the same, as flags. */
export function finetuneOptions(
  run: RunSettings,
  side: SideName,
  finetuning: FinetuningJob,
  trial: number,
): FinetuneOptions {
  const { folder, seed, precision } = run;
  const { name, set, weights, published: _published, subset = 1, ...job } = finetuning;
  const number = trialSeed(seed, trial);
  return {
    jobDir: folder.finetuning(side, name, trial),
    train: folder.prepared(side, set, 'train'),
    ...(benchmarkTaskOf(set) !== undefined && { val: folder.prepared(side, set, 'val') }),
    test: folder.prepared(side, set, 'test'),
    ...(weights !== undefined && { weightsFile: folder.weights(side, weights, collectionOf[set].leads) }),
    ...job,
    arch: archOf(run, finetuning),
    // Quirk Q48: for the trainers, 1 is one record.
    ...(subset < 1 && { subset }),
    seed: number,
    initSeed: number,
    ...(side === 'port' && { precision }),
  };
}

/**
 * Architecture of a finetuning job: its own, else that of its pretrained weights. A job with random weights takes that of the user's weights, so
 * that the two compare.
 */
export function archOf(
  { experiment, given: weights }: Pick<RunSettings, 'experiment' | 'given'>,
  job: FinetuningJob,
): Arch {
  if (job.arch !== undefined) return job.arch;
  return experiment.pretraining.find(({ name }) => name === job.weights)?.arch ?? weights?.arch ?? 'resnet18';
}

/** Options as flags of the original's programs. Options that the original does not have are left out. */
export function flagsOf(options: PretrainOptions | FinetuneOptions): string[] {
  const known: FlagTable = { ...pretrainFlags, ...finetuneFlags };
  return Object.entries(options).flatMap(([name, value]) => {
    if (value === undefined || !known[name] || known[name].addition) return [];
    const flag = flagOf(name);
    return value === true ? [flag] : [flag, String(value)];
  });
}
