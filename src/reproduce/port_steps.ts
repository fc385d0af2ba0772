import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { InputError } from '../errors.ts';
import type { FinetuningJob, FinetuningSet, PretrainingJob } from '../experiment_schema.ts';
import { isComplete, type JobOptions, JobPaused } from '../jobs/job.ts';
import { toCsv } from '../lib/pandas/csv.ts';
import { writeFileAtomic } from '../lib/python/atomic_file.ts';
import { readWholeFile } from '../lib/python/whole_file.ts';
import { identifyModel } from '../networks/identify.ts';
import { buildNetwork, describeModel } from '../networks/network.ts';
import { adjustNetwork } from '../port/finetuning/adjust_network.ts';
import { finetune } from '../port/finetuning/trainer.ts';
import { pretrain } from '../port/pretraining/trainer.ts';
import { getPretrainedWeights } from '../port/pretraining/utils.ts';
import { createPredictionsFrame } from '../port/transplant/utils.ts';
import { Predictor } from '../predict/predict.ts';
import { prepareData } from '../prepare/prepare_data.ts';
import { ownCommand } from '../text.ts';
import { readWeights, writeWeights } from '../weights/files.ts';
import { loadWeights } from '../weights/loading.ts';
import { benchmarkTaskOf, collectionOf, recordsFolder } from './recordings.ts';
import type { SideName } from './run_folder.ts';
import { finetuneOptions, type GivenWeights, given, pretrainOptions, type RunSettings } from './settings.ts';
import type { StepContext } from './step.ts';

/** Prepares a set as the documented recipe does, or as the PTB-XL benchmark does, into the folder of a side. */
export async function preparePort(
  run: RunSettings,
  set: FinetuningSet,
  { report }: StepContext,
  side: SideName = 'port',
): Promise<void> {
  const { fs, pad, testSize } = set;
  const labels = benchmarkTaskOf(set.name);
  await prepareData({
    format: collectionOf[set.name].format,
    source: recordsFolder(run.folder, set, run.data),
    target: run.folder.data(side),
    name: set.name,
    fs,
    pad,
    ...(labels === undefined ? { testSize } : { labels, valFolds: [9], testFolds: [10] }),
    seed: run.seed,
    force: true,
    report,
  });
}

/** The options of a job; its inputs are copies if the run asks for them. */
export async function inputsOf<O extends JobOptions>(options: O, context: StepContext): Promise<O> {
  return context.staged === undefined ? options : context.staged.of(options, context);
}

/** Starts or resumes a pretraining job of the port. */
export async function pretrainPort(run: RunSettings, job: PretrainingJob, context: StepContext): Promise<void> {
  const options = pretrainOptions(run, 'port', job);
  if (isComplete(options.jobDir, options.epochs)) return;
  mkdirSync(run.folder.data('port'), { recursive: true });
  await pretrain({ ...(await inputsOf(options, context)), resume: true }, context);
}

/** Checkpoint of the epoch whose weights are used. */
export function chosenCheckpoint(
  run: RunSettings,
  side: SideName,
  { name, epochs, chosenEpoch }: PretrainingJob,
): string {
  const epoch = String(chosenEpoch ?? epochs).padStart(2, '0');
  return join(run.folder.pretraining(side, name), `epoch_${epoch}_model.weights.h5`);
}

/** Extracts the backbone from a pretraining job and adapts it to the number of leads in finetuning. */
export async function takeWeights(run: RunSettings, job: PretrainingJob, leads: readonly number[]): Promise<void> {
  const { model, weights } = getPretrainedWeights(chosenCheckpoint(run, 'port', job), job.task, job.arch, job.stages);
  const file = run.folder.weights('port', job.name);
  mkdirSync(dirname(file), { recursive: true });
  await writeWeights(file, model, weights);
  for (const channels of leads.filter((count) => count > 1)) {
    await adjustNetwork({ weightsFile: file, channels, arch: job.arch, stages: job.stages });
  }
}

/**
 * Identifies a weight file of the user.
 *
 * @throws InputError or ValueError if it cannot be read safely, or is not a network of this project for one lead with all its stages.
 */
export function identifyGiven(file: string): GivenWeights {
  const model = identifyModel(readWeights(file));
  const { arch, stages, channels = 1, head } = model ?? {};
  if (model === undefined || arch === undefined || (stages ?? undefined) !== undefined || channels !== 1) {
    throw new InputError('these weights cannot be finetuned', {
      file,
      got: model ? describeModel(model) : 'weights of an unknown network',
      expected: 'a backbone, a classifier or a pretraining checkpoint for one lead, with all stages',
      next: `See what it holds: ${ownCommand('inspect', file)}`,
    });
  }
  return { file, arch, ...(head !== undefined && 'task' in head ? { task: head.task } : {}) };
}

/** Rewrites the user's weights as a backbone for one lead in Keras's format. Python opens only that file. */
export async function takeGivenWeights(run: RunSettings, leads: readonly number[]): Promise<void> {
  const { file, arch, task } = run.given!;
  const target = run.folder.weights('port', given);
  mkdirSync(dirname(target), { recursive: true });
  if (task !== undefined) {
    const { model, weights } = getPretrainedWeights(file, task, arch);
    await writeWeights(target, model, weights);
  } else {
    const model = buildNetwork({ arch });
    await writeWeights(target, model, loadWeights(readWeights(file), model.weights).assigned);
  }
  for (const channels of leads.filter((count) => count > 1))
    await adjustNetwork({ weightsFile: target, channels, arch });
}

/** Starts or resumes a trial of a finetuning job of the port. */
export async function finetunePort(
  run: RunSettings,
  job: FinetuningJob,
  trial: number,
  context: StepContext,
): Promise<void> {
  const options = finetuneOptions(run, 'port', job, trial);
  if (isComplete(options.jobDir, options.epochs)) return;
  await finetune({ ...(await inputsOf(options, context)), resume: true }, context);
}

/**
 * Predicts the test records with the weights that a job saved. Throws an InputError unless the result is byte for byte what the job itself
 * predicted: that proves that the file restores the network.
 */
export async function predictPort(
  run: RunSettings,
  job: FinetuningJob,
  trial: number,
  { report, signal }: StepContext,
): Promise<void> {
  const { jobDir, test, batchSize = 32 } = finetuneOptions(run, 'port', job, trial);
  if (signal.aborted) throw new JobPaused();
  const predictor = Predictor.open(jobDir);
  try {
    const { probabilities, truth, recordIds, classes } = await predictor.predictFile(test!, batchSize, report);
    const csv = toCsv(createPredictionsFrame(probabilities, { yTrue: truth, classNames: classes, recordIds }));
    const file = join(jobDir, 'test_predictions.csv');
    if (csv !== Buffer.from(readWholeFile(file)).toString()) {
      throw new InputError('the saved weights do not predict what the job predicted', {
        file,
        expected: 'the same bytes',
        next: 'If the training ran on another machine, train again: --from finetuning --force',
      });
    }
    const target = run.folder.predictions(job.name, trial);
    mkdirSync(dirname(target), { recursive: true });
    writeFileAtomic(target, csv);
  } finally {
    predictor.dispose();
  }
}
