import { type Reporter, silent } from '../../events.ts';
import { convolutionsOf } from '../../graph/convolutions.ts';
import { beginning } from '../../graph/fit.ts';
import { variableType } from '../../graph/precision.ts';
import type { Session } from '../../graph/session.ts';
import { batchesOf, predictAll } from '../../jobs/batches.ts';
import { deviceNames, partOf, settledDevices, tellDevices } from '../../jobs/devices.ts';
import { EventLog } from '../../jobs/event_log.ts';
import { Job } from '../../jobs/job.ts';
import { parametersOf } from '../../jobs/progress.ts';
import { type FetchInput, type JobProgram, parseJob, runJob } from '../../jobs/run_job.ts';
import { scheduleOf } from '../../jobs/schedule.ts';
import { train as trainJob } from '../../jobs/train.ts';
import { defaultsOf } from '../../lib/argparse/flags.ts';
import { type Callback, type Logs, ModelCheckpoint } from '../../lib/keras/callbacks.ts';
import type { NdArray } from '../../lib/numpy/ndarray.ts';
import { loadIntoModel, saveSession } from '../../weights/model_weights.ts';
import { CustomCheckpoint, f1 } from '../transplant/evaluation.ts';
import { checkOptions, requireSolverWeights } from './trainer/check.ts';
import { pretrainFlags } from './trainer/flags.ts';
import { isDataFile, settledOptions } from './trainer/folder.ts';
import { type FrameSet, samplesOf } from './trainer/frames.ts';
import type { PretrainOptions } from './trainer/options.ts';
import { buildSolver, createSolver } from './trainer/solver.ts';
import { fileSource, folderSource, type Sources } from './trainer/sources.ts';

export type { PretrainOptions } from './trainer/options.ts';
export { parsePatientIds } from './trainer/patients.ts';

/** Result of a pretraining job. */
export interface PretrainResult {
  readonly seed: number;
  readonly history: readonly Logs[];
}

const program: JobProgram<PretrainOptions> = {
  kind: 'pretrain',
  flags: pretrainFlags,
  settle: (options) => settledDevices(settledOptions(options, silent)),
  start: pretrain,
};

/**
 * Options of a command line, for `pretrain`; unknown options are dropped (Quirk Q41), a job that is resumed adds those it began with. Twin of
 * `pretraining.trainer.parse_args`.
 *
 * @throws UsageError for a command line that cannot be read.
 */
export function parseArgs(argv: readonly string[] = process.argv.slice(2)): PretrainOptions {
  return parseJob(program, argv).options;
}

/** Pretrains as the command line says; resolves to the exit code. Twin of `pretraining.trainer.main`. */
export function main(argv: readonly string[] = process.argv.slice(2), fetchInput?: FetchInput): Promise<number> {
  return runJob(program, argv, fetchInput);
}

/**
 * Trains a network on frames of Icentia11k and writes into the job folder: `history.csv` and `epoch_NN_model.weights.h5` of every epoch as
 * `pretraining.trainer`, whose twin it is, and what docs/jobs.md lists besides.
 *
 * @throws UsageError for an option without a valid value, InputError for missing GPUs, both before anything is created; ValueError for data that do not fit the task; JobPaused; see
 *   also `Job.open`.
 */
export async function pretrain(
  given: PretrainOptions,
  { report = silent, signal }: { readonly report?: Reporter; readonly signal?: AbortSignal } = {},
): Promise<PretrainResult> {
  checkOptions(given);
  const counted = settledDevices(given);
  const devices = deviceNames(counted);
  const options = settledOptions(counted, report);
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
      const { precision } = job;
      const size = partOf(options.batchSize ?? 32, devices?.length);
      job.begin(() => convolutionsOf(buildSolver(options, precision), size), log.report);
      const { kernelsOf } = job;
      const session = createSolver(options, job.config.initSeed, { precision, devices, kernelsOf });
      try {
        const count = parametersOf(session.model).toLocaleString('en');
        log.report({ kind: 'message', text: `Parameters: ${count}` });
        tellDevices(options, log.report);
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

function trainSolver(
  job: Job,
  session: Session,
  { train, val }: Sources,
  { options, log, signal }: { options: PretrainOptions; log: EventLog; signal?: AbortSignal },
): Promise<readonly Logs[]> {
  const { batchSize = 32, epochs = 1 } = options;
  const dtype = variableType(job.precision);
  const schedule = scheduleOf(options, { stepsPerEpoch: train.steps, epochs, validates: val !== undefined, dtype });
  return trainJob(job, session, {
    batches: train.batches,
    steps: train.steps,
    epochs,
    validation: val && (() => batchesOf(samplesOf(val), batchSize)),
    // The checkpoint comes first, so that the logger sees its score.
    callbacks: [
      createCheckpoint(job, session, val, options, log.report),
      job.historyLogger(),
      ...(schedule?.callbacks ?? []),
    ],
    learningRate: schedule?.learningRate,
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
