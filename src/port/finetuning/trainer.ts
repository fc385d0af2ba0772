import { existsSync, rmSync } from 'node:fs';
import { InputError } from '../../errors.ts';
import { type Reporter, silent } from '../../events.ts';
import { convolutionsOf } from '../../graph/convolutions.ts';
import { Adam } from '../../graph/optimizers.ts';
import { variableType } from '../../graph/precision.ts';
import type { Session } from '../../graph/session.ts';
import { augmented, parseAugmentation, requireShift } from '../../jobs/augmentation.ts';
import { batchesOf, permutations, predictAll } from '../../jobs/batches.ts';
import { deviceNames, partOf, settledDevices, tellDevices } from '../../jobs/devices.ts';
import { EventLog } from '../../jobs/event_log.ts';
import { Job } from '../../jobs/job.ts';
import { bestModelFile, predictionsFile, writeJobModel } from '../../jobs/job_model.ts';
import {
  chooseJobThresholds,
  forgetJobThresholds,
  thresholdsText,
  writeJobThresholds,
} from '../../jobs/job_thresholds.ts';
import { optimizerOptionsOf } from '../../jobs/optimizer_options.ts';
import { parametersOf, tellFewSamples } from '../../jobs/progress.ts';
import { type FetchInput, type JobProgram, parseJob, runJob } from '../../jobs/run_job.ts';
import { scheduleOf } from '../../jobs/schedule.ts';
import { train as trainJob } from '../../jobs/train.ts';
import { defaultsOf } from '../../lib/argparse/flags.ts';
import type { Callback, Logs } from '../../lib/keras/callbacks.ts';
import type { NdArray } from '../../lib/numpy/ndarray.ts';
import { writeCsv } from '../../lib/pandas/csv.ts';
import { ValueError } from '../../lib/python/errors.ts';
import { loadIntoClassifier, saveSession } from '../../weights/model_weights.ts';
import { createPredictionsFrame, isMulticlass } from '../transplant/utils.ts';
import { bestModelCheckpoint, earlyStopping } from './trainer/best_model.ts';
import { balancedWeights } from './trainer/class_weights.ts';
import { buildClassifier, createClassifier, samplesOf } from './trainer/classifier.ts';
import { finetuneFlags } from './trainer/flags.ts';
import { checkOptions, type FinetuneOptions } from './trainer/options.ts';
import { type JobSets, withJobSets } from './trainer/sets.ts';
import type { Arch } from './utils.ts';

export type { FinetuneOptions } from './trainer/options.ts';

/** What a comparison sets to the same values on both sides. */
export interface FixedChances {
  /** Values of all weights at the start, in Keras's order. */
  readonly weights?: readonly NdArray[];
  /** `(epochs, records)`: the order of the training records in each epoch. */
  readonly order?: NdArray;
}

/** How a caller watches and controls a job. */
export interface RunContext {
  readonly report?: Reporter;
  readonly fixed?: FixedChances;
  /** Size of the recordings in bytes above which a set stays on disk; see `openPreparedSet`. */
  readonly unpackThreshold?: number;
  /** Pauses the job: it finishes the step, saves its state, and throws JobPaused. */
  readonly signal?: AbortSignal;
}

/** Result of a finetuning job. */
export interface FinetuneResult {
  readonly seed: number;
  readonly history: readonly Logs[];
  /** Probabilities `(records, classes)` of the best weights. */
  readonly predictions: { readonly train: NdArray; readonly val?: NdArray; readonly test?: NdArray };
}

const program: JobProgram<FinetuneOptions> = {
  kind: 'finetune',
  flags: finetuneFlags,
  settle: settledDevices,
  start: finetune,
};

/**
 * Options of a command line, for `finetune`; unknown options are dropped (Quirk Q41), a job that is resumed adds those it began with. Twin of
 * `finetuning.trainer.parse_args`.
 *
 * @throws UsageError for a command line that cannot be read.
 */
export function parseArgs(argv: readonly string[] = process.argv.slice(2)): FinetuneOptions {
  return parseJob(program, argv).options;
}

/** Finetunes as the command line says; resolves to the exit code. Twin of `finetuning.trainer.main`. */
export function main(argv: readonly string[] = process.argv.slice(2), fetchInput?: FetchInput): Promise<number> {
  return runJob(program, argv, fetchInput);
}

/**
 * Trains a classifier on a prepared data set and writes into the job folder: `history.csv`, `best_model.weights.h5` and
 * `{train,val,test}_predictions.csv` as `finetuning.trainer`, whose twin it is, and what docs/jobs.md lists besides.
 *
 * @throws UsageError for an option without a valid value, InputError for missing GPUs, both before anything is created; JobPaused; see also
 *   `Job.open`.
 */
export async function finetune(
  given: FinetuneOptions,
  { report = silent, fixed = {}, unpackThreshold, signal }: RunContext = {},
): Promise<FinetuneResult> {
  checkOptions(given);
  const options = settledDevices(given);
  const devices = deviceNames(options);
  const { jobDir, channel } = options;
  const job = Job.open('finetune', options, report, defaultsOf(finetuneFlags));
  const log = new EventLog(job.path('events.jsonl'), report);
  const unpack = { folder: jobDir, threshold: unpackThreshold, report: log.report };
  const work = async ({ train, val, test }: JobSets): Promise<FinetuneResult> => {
    const multiLabel = isMulticlass(train.y);
    const { arch = 'resnet18' } = options;
    const { precision } = job;
    const [records, samples, leads] = train.x.shape;
    if (leads === 0) {
      throw new ValueError(
        `--channel ${channel} takes no lead of the training set (records ${records}, samples ${samples})`,
      );
    }
    const { classes } = train;
    const network = { format: 1, arch: arch as Arch, precision, samples, leads, channel, classes, multiLabel } as const;
    const size = partOf(Math.min(options.batchSize ?? 32, records), devices?.length);
    job.begin(() => convolutionsOf(buildClassifier({ arch, precision }, train, multiLabel), size), log.report);
    forgetJobThresholds(jobDir);
    writeJobModel(jobDir, network, options.train);
    const training = {
      optimizer: new Adam(optimizerOptionsOf(options)),
      sampleWeights: options.classWeights !== undefined,
      frozenBackbone: options.freezeEpochs !== undefined,
      kernelsOf: job.kernelsOf,
    };
    const { initSeed } = job.config;
    const session = createClassifier({ arch, precision, initSeed, devices, ...training }, train, multiLabel);
    try {
      const count = parametersOf(session.model).toLocaleString('en');
      log.report({ kind: 'message', text: `Parameters: ${count}` });
      tellDevices(options, log.report);
      tellFewSamples(options.batchSize ?? 32, records, 'training records', log.report);
      const history = await trainBest(job, session, { train, val }, { options, multiLabel, log, fixed, signal });
      const predictions = await writePredictions(job, session, { train, val, test }, options, log.report, signal);
      const { threshold = 'default' } = options;
      if (threshold !== 'default') {
        const thresholds = chooseJobThresholds(jobDir, threshold);
        writeJobThresholds(jobDir, thresholds);
        log.report({ kind: 'message', text: thresholdsText(thresholds) });
      }
      job.complete(options.epochs ?? 1);
      return { seed: job.config.seed, history, predictions };
    } finally {
      session.dispose();
    }
  };
  return job.run(() => withJobSets(options, unpack, work));
}

/** Trains the session and loads the best weights into it. */
async function trainBest(
  job: Job,
  session: Session,
  { train, val }: JobSets,
  context: {
    options: FinetuneOptions;
    multiLabel: boolean;
    log: EventLog;
    fixed: FixedChances;
    signal?: AbortSignal;
  },
): Promise<readonly Logs[]> {
  const { options, multiLabel, log, fixed, signal } = context;
  const { batchSize = 32, epochs = 1, valMetric = 'loss', classWeights } = options;
  const report = log.report;
  const path = job.path(bestModelFile);
  if (job.state === undefined) {
    // The best weights of an earlier job must not count as this one's.
    rmSync(path, { force: true });
    if (options.weightsFile) loadIntoClassifier(session, options.weightsFile);
    const { weights: given } = fixed;
    if (given) session.assign(new Map(session.model.variables.map(({ name }, i) => [name, given[i]])));
  }
  const orderOf = fixed.order ? rowsOf(fixed.order) : permutations(job.config.initSeed, train.x.shape[0]);
  const weights = classWeights && balancedWeights(train, multiLabel);
  if (weights) report({ kind: 'message', text: weights.text });
  const samples = { ...samplesOf(train), weights: weights?.rows };
  const augmentation = options.augment === undefined ? undefined : parseAugmentation(options.augment);
  if (augmentation) requireShift(augmentation, train.x.shape[1]);
  const { initSeed: seed } = job.config;
  const stepsPerEpoch = Math.ceil(train.x.shape[0] / batchSize);
  const dtype = variableType(job.precision);
  const schedule = scheduleOf(options, { stepsPerEpoch, epochs, validates: val !== undefined, dtype });
  const history = await trainJob(job, session, {
    batches: (epoch, skip) => {
      const change =
        augmentation &&
        ((x: NdArray, records: readonly number[]) => augmented(x, augmentation, { seed, epoch, records }));
      return batchesOf(samples, batchSize, { order: orderOf(epoch), skip, change });
    },
    steps: stepsPerEpoch,
    epochs,
    validation: val && (() => batchesOf(samplesOf(val), batchSize)),
    callbacks: [
      // Quirk Q39: the logger comes first and never sees the score of a custom checkpoint.
      job.historyLogger(),
      bestModelCheckpoint({ metric: valMetric, path, session, train, val, batchSize, multiLabel, report }),
      ...(val ? [earlyStopping(options.stopMetric ?? 'loss', options.stopPatience ?? 50, multiLabel)] : []),
      stopWithoutHope(path),
      ...(schedule?.callbacks ?? []),
    ],
    learningRate: schedule?.learningRate,
    frozenEpochs: options.freezeEpochs,
    saveWeights: (file) => saveSession(session, file),
    log,
    signal,
    saveInterval: options.saveInterval,
  });
  if (!existsSync(path)) {
    throw new InputError('no epoch had a figure to compare', {
      file: job.dir,
      got: history.map((logs) => Object.values(logs).join(' ')).at(-1),
      expected: 'a number',
      next: 'Look for extreme samples in the data. prepare-data --normalize measured scales them.',
    });
  }
  loadIntoClassifier(session, path);
  return history;
}

/** Stops training on NaN if no weights have been saved: NaN weights never recover. */
function stopWithoutHope(bestModel: string): Callback {
  return {
    async onEpochEnd(_epoch, { loss }, training) {
      if (Number.isNaN(loss) && !existsSync(bestModel)) training.stop();
    },
  };
}

/** Writes a table of predictions for each set. Twin of the last part of `finetuning.trainer.main`. */
async function writePredictions(
  job: Job,
  session: Session,
  sets: JobSets,
  { batchSize = 32 }: FinetuneOptions,
  report: Reporter,
  signal?: AbortSignal,
): Promise<FinetuneResult['predictions']> {
  const predictions: Partial<Record<keyof JobSets, NdArray>> = {};
  for (const name of ['train', 'val', 'test'] as const) {
    const set = sets[name];
    if (!set) continue;
    const yProb = await predictAll(session, { x: set.x }, { batchSize, name, report, signal });
    predictions[name] = yProb;
    const { y: yTrue, recordIds } = set;
    const frame = createPredictionsFrame(yProb, { yTrue, classNames: sets.train.classes, recordIds });
    writeCsv(job.path(predictionsFile(name)), frame);
  }
  return { ...predictions, train: predictions.train! };
}

function rowsOf(order: NdArray): (row: number) => number[] {
  const [, records] = order.shape;
  return (row) => Array.from({ length: records }, (_, i) => Number(order.data[row * records + i]));
}
