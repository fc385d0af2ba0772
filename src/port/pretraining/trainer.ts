import { statSync } from 'node:fs';
import { UsageError } from '../../errors.ts';
import { type Reporter, silent } from '../../events.ts';
import { beginning } from '../../graph/fit.ts';
import { Adam } from '../../graph/optimizers.ts';
import type { Precision } from '../../graph/precision.ts';
import { compile, type Session } from '../../graph/session.ts';
import { batchesOf, predictAll } from '../../jobs/batches.ts';
import { EventLog } from '../../jobs/event_log.ts';
import { Job, type JobOptions } from '../../jobs/job.ts';
import { checkCounts, parametersOf } from '../../jobs/progress.ts';
import { train as trainJob } from '../../jobs/train.ts';
import { defaultsOf } from '../../lib/argparse/flags.ts';
import { type Callback, type Logs, ModelCheckpoint } from '../../lib/keras/callbacks.ts';
import type { NdArray } from '../../lib/numpy/ndarray.ts';
import { ValueError } from '../../lib/python/errors.ts';
import { buildNetwork } from '../../networks/network.ts';
import { loadIntoModel, saveSession } from '../../weights/model_weights.ts';
import { type Arch, archs } from '../finetuning/utils.ts';
import { CustomCheckpoint, f1 } from '../transplant/evaluation.ts';
import { requireConsistentOptions, requireSolverWeights } from './trainer/check.ts';
import { pretrainFlags } from './trainer/flags.ts';
import { resolveFolder } from './trainer/folder.ts';
import { type FrameSet, frameOptions, inputShapes, samplesOf } from './trainer/frames.ts';
import { parsePatientIds } from './trainer/patients.ts';
import { fileSource, folderSource, type Sources } from './trainer/sources.ts';
import { type PretrainingTask, pretrainingTasks } from './utils.ts';

/** What `valMetric` may be; every epoch is saved whatever it is (Quirk Q47). */
export const pretrainingMetrics = ['loss', 'acc', 'f1'] as const;

/** Options of a pretraining job; names and defaults are those of `pretraining.trainer`'s flags. */
export interface PretrainOptions extends JobOptions {
  readonly task: PretrainingTask;
  /** Icentia11k folder, or one pickled data file. */
  readonly train: string;
  /** Pickled validation set; takes precedence over `valPatients`. */
  readonly valFile?: string;
  /** Where to store validation frames collected from the folder. */
  readonly cacheVal?: string;
  /** Checkpoint of the same model to start from. */
  readonly weightsFile?: string;
  /** The folder holds unzipped files. Default: as its `icentia11k.json` says, else false. */
  readonly unzipped?: boolean;
  /** Validation patients: a count from 1 on (Quirk Q48), a fraction below. */
  readonly valPatients?: number;
  /** Validation frames to collect from the folder; default all samples of all validation patients. */
  readonly valSize?: number;
  /** `resnet18` (default), `resnet34` or `resnet50`. */
  readonly arch?: string;
  /** Only the first so many stages of the network. */
  readonly stages?: number;
  /** Samples per frame. Default 2048. */
  readonly frameSize?: number;
  /** Frames in a CPC context. Default 8. */
  readonly contextSize?: number;
  /** CPC negatives. Default 1. */
  readonly ns?: number;
  /** Frames between a CPC context and its positive. Default 0. */
  readonly positiveOffset?: number;
  /** Samples shared by neighbouring frames of a CPC context. Default 0. */
  readonly contextOverlap?: number;
  /** Frames per step. Default 32. */
  readonly batchSize?: number;
  /** Frames taken each time a patient is loaded. Default 1000. */
  readonly samplesPerPatient?: number;
  /** The same for validation. */
  readonly valSamplesPerPatient?: number;
  /** Batches per epoch of a folder. Default 100. */
  readonly stepsPerEpoch?: number;
  /** Default `loss`. */
  readonly valMetric?: (typeof pretrainingMetrics)[number];
  /** Generators that take turns. Default 1. */
  readonly dataParallelism?: number;
  /** Only these ids of the folder, as in `0-19,25`, or a file of such. Default: those of its `icentia11k.json`, else all 11,000. */
  readonly patients?: string;
  /** `measured` or `MEAN,STD` of a folder's signals; default the original's constants. */
  readonly normalize?: string;
  /** Number formats of the computation. Default `float32`. */
  readonly precision?: Precision;
}

/** What a pretraining job made. */
export interface PretrainResult {
  readonly seed: number;
  readonly history: readonly Logs[];
}

/**
 * Trains a network on frames of Icentia11k and writes into the job folder: `history.csv` and `epoch_NN_model.weights.h5` of every epoch as
 * `pretraining.trainer`, whose twin it is, and what docs/jobs.md lists besides.
 *
 * @throws UsageError for an option without a valid value, before anything is created; ValueError for data that do not fit the task; JobPaused; see
 *   also `Job.open`.
 */
export async function pretrain(
  given: PretrainOptions,
  { report = silent, signal }: { readonly report?: Reporter; readonly signal?: AbortSignal } = {},
): Promise<PretrainResult> {
  checkOptions(given);
  const options = settledOptions(given, report);
  const isFile = isDataFile(options);
  const job = Job.open('pretrain', options, report, defaultsOf(pretrainFlags));
  const log = new EventLog(job.path('events.jsonl'), report);
  return job.run(async () => {
    if (job.state === undefined) requireSolverWeights(options);
    const sources = await (isFile ? fileSource : folderSource)(options, {
      initSeed: job.config.initSeed,
      position: job.state?.fit ?? beginning,
      report: log.report,
    });
    try {
      job.begin();
      const session = createSolver(options, job.config.initSeed);
      try {
        const count = parametersOf(session.model).toLocaleString('en');
        log.report({ kind: 'message', text: `Parameters: ${count}` });
        if (job.state === undefined && options.weightsFile) loadIntoModel(session, options.weightsFile);
        const history = await trainSolver(job, session, sources, { options, log, signal });
        job.complete(options.epochs ?? 1);
        return { seed: job.config.seed, history };
      } finally {
        session.dispose();
      }
    } finally {
      await sources.train.close();
    }
  });
}

/** Options as a job keeps them: of a folder its patients and form, and `normalize` in numbers. */
export function settledOptions(options: PretrainOptions, report: Reporter): PretrainOptions {
  if (!isDataFile(options)) return resolveFolder(options, report);
  if (options.normalize === undefined) return options;
  throw new ValueError('--normalize is for the signals of a folder; the frames of a file are normalised already');
}

function isDataFile({ train }: PretrainOptions): boolean {
  return statSync(train, { throwIfNoEntry: false })?.isFile() ?? false;
}

/** The optimiser of pretraining. */
export function pretrainingAdam(): Adam {
  return new Adam({ learningRate: 1e-3, beta1: 0.9, beta2: 0.98, epsilon: 1e-9 });
}

/** The compiled model of a task, with fresh weights; dispose of it. */
export function createSolver(options: PretrainOptions, initSeed: number): Session {
  const { task, arch, stages, precision } = options;
  const description = { arch: arch as Arch | undefined, stages, head: { task } };
  const model = buildNetwork(description, { shapes: inputShapes(frameOptions(options)), precision });
  return compile(model, {
    loss: 'sparse_categorical_crossentropy',
    optimizer: pretrainingAdam(),
    seed: initSeed,
  });
}

function trainSolver(
  job: Job,
  session: Session,
  { train, val }: Sources,
  { options, log, signal }: { options: PretrainOptions; log: EventLog; signal?: AbortSignal },
): Promise<readonly Logs[]> {
  const { batchSize = 32, epochs = 1 } = options;
  return trainJob(job, session, {
    batches: train.batches,
    steps: train.steps,
    epochs,
    validation: val && (() => batchesOf(samplesOf(val), batchSize)),
    // The checkpoint comes first, so that the logger sees its score.
    callbacks: [createCheckpoint(job, session, val, options, log.report), job.historyLogger()],
    saveWeights: (file) => saveSession(session, file),
    log,
    signal,
    saveInterval: options.saveInterval,
  });
}

/** The callback that saves the weights of every epoch, whatever the metric (Quirk Q47). */
function createCheckpoint(
  job: Job,
  session: Session,
  val: FrameSet | undefined,
  { valMetric = 'loss', batchSize = 32 }: PretrainOptions,
  report: Reporter,
): Callback {
  const pathOf = (epoch: number): string => job.path(`epoch_${String(epoch).padStart(2, '0')}_model.weights.h5`);
  if (valMetric !== 'f1') {
    return new ModelCheckpoint({ pathOf, monitor: val ? `val_${valMetric}` : valMetric, saveBestOnly: false });
  }
  if (!val) throw new Error('options without validation are refused before');
  return new CustomCheckpoint({
    pathOf,
    predict: () => predictAll(session, val.inputs, { batchSize, name: 'validation frames', unit: 'frames', report }),
    yTrue: val.y,
    scoreFn: Object.assign((yTrue: NdArray, yProb: NdArray) => f1(yTrue, yProb), { metricName: 'f1' }),
    saveBestOnly: false,
  });
}

function checkPatients(text: string): void {
  try {
    parsePatientIds(text);
  } catch (error) {
    throw error instanceof ValueError ? new UsageError(error.message) : error;
  }
}

function checkOptions(options: PretrainOptions): void {
  const { task, arch, valMetric = 'loss', frameSize, contextSize, ns, batchSize, epochs, precision } = options;
  const { samplesPerPatient, valSamplesPerPatient, stepsPerEpoch, valSize, seed, initSeed } = options;
  const choices: [string, string | undefined, readonly string[]][] = [
    ['--val-metric', valMetric, pretrainingMetrics],
    ['--task', task, pretrainingTasks],
    ['--arch', arch, archs],
  ];
  for (const [flag, value, known] of choices) {
    if (value !== undefined && !known.includes(value)) {
      throw new UsageError(`${flag}: got ${value}, expected one of ${known.join(', ')}`);
    }
  }
  checkCounts({ frameSize, contextSize, ns, batchSize, epochs, stepsPerEpoch, samplesPerPatient, precision });
  checkCounts({ seed, initSeed });
  if (options.patients !== undefined) checkPatients(options.patients);
  // Python takes 0 for "not given" here.
  checkCounts({ valSamplesPerPatient: valSamplesPerPatient || undefined, valSize: valSize || undefined });
  requireConsistentOptions(options, isDataFile(options));
}
