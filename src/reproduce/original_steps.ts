import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Reporter } from '../events.ts';
import type { FinetuningJob, FinetuningSet, PretrainingJob } from '../experiment_schema.ts';
import type { Session } from '../graph/session.ts';
import { permutations } from '../jobs/batches.ts';
import { type NdArray, ndarray } from '../lib/numpy/ndarray.ts';
import { random } from '../lib/numpy/random.ts';
import { copyFileAtomic } from '../lib/python/atomic_file.ts';
import { readWholeFile } from '../lib/python/whole_file.ts';
import { createClassifier } from '../port/finetuning/trainer/classifier.ts';
import { withJobSets } from '../port/finetuning/trainer/sets.ts';
import type { FinetuneOptions } from '../port/finetuning/trainer.ts';
import { createSolver } from '../port/pretraining/trainer/solver.ts';
import { isMulticlass } from '../port/transplant/utils.ts';
import { collectionKinds } from '../prepare/collections.ts';
import { loadIntoClassifier } from '../weights/model_weights.ts';
import { chosenCheckpoint, inputsOf, preparePort } from './port_steps.ts';
import { collectionOf, recordsFolder } from './recordings.ts';
import { finetuneOptions, flagsOf, given, pretrainOptions, type RunSettings } from './settings.ts';
import type { StepContext } from './step.ts';

/** A training may take weeks. If Python dies, that is noticed without a time limit. */
const noLimit = 2 ** 31 - 1;

/** Prepares and splits a set with the original's functions. They know no tasks of the PTB-XL benchmark: such a set is prepared by the port. */
export async function prepareOriginal(run: RunSettings, set: FinetuningSet, context: StepContext): Promise<void> {
  const { folder, seed } = run;
  const { fs, pad, testSize, name } = set;
  if (testSize === undefined) return preparePort(run, set, context, 'original');
  const { python, format } = collectionOf[name];
  mkdirSync(folder.data('original'), { recursive: true });
  const original = await context.original();
  const all = folder.prepared('original', name, 'all');
  const records = recordsFolder(folder, set, run.data);
  await original.data.prepare(python, records, { fs, pad, normalize: true }, all);
  const [train, test] = (['train', 'test'] as const).map((part) => folder.prepared('original', name, part));
  // Quirk Q49: sets with several labels per record are split without stratification.
  const stratify = !isMulticlass(collectionKinds[format].list(records, {}).y);
  await original.data.split(all, { testSize, seed, train, test, stratify });
}

/** Runs a pretraining job of the original, from the port's initial weights. */
export async function pretrainOriginal(run: RunSettings, job: PretrainingJob, context: StepContext): Promise<void> {
  const options = await inputsOf(pretrainOptions(run, 'original', job), context);
  mkdirSync(run.folder.data('original'), { recursive: true });
  const session = createSolver(options, run.seed);
  let weights: NdArray[];
  try {
    weights = weightsOf(session);
  } finally {
    session.dispose();
  }
  const original = await context.original();
  await watched(options.jobDir, options.epochs ?? 1, `Pretraining ${job.name} in the original`, context.report, () =>
    original.run('pretraining.trainer', flagsOf(options), { weights, seed: run.seed }, noLimit),
  );
}

/** Extracts the backbone from a pretraining job of the original and adapts it to the number of leads in finetuning. */
export async function takeOriginalWeights(
  run: RunSettings,
  job: PretrainingJob,
  leads: readonly number[],
  context: StepContext,
): Promise<void> {
  const original = await context.original();
  const output = run.folder.weights('original', job.name);
  mkdirSync(dirname(output), { recursive: true });
  const { task, arch, stages } = job;
  const checkpointFile = chosenCheckpoint(run, 'original', job);
  await original.saveBackbone({ checkpointFile, task, arch, stages, output });
  for (const channels of leads.filter((count) => count > 1)) {
    const flags = ['--weights-file', output, '--channels', String(channels), '--arch', arch];
    const slice = stages === undefined ? [] : ['--stages', String(stages)];
    await original.run('finetuning.adjust_network', [...flags, ...slice]);
  }
}

/** Gives the original the user's weights as rewritten by the port. The original never opens the user's file. */
export function copyGivenWeights(run: RunSettings, leads: readonly number[]): void {
  for (const count of new Set([1, ...leads])) {
    const target = run.folder.weights('original', given, count);
    mkdirSync(dirname(target), { recursive: true });
    copyFileAtomic(run.folder.weights('port', given, count), target);
  }
}

/**
 * Runs a trial of a finetuning job of the original on its own data. The initial head and the order of the training records are the port's;
 * the other weights are the original's own pretrained ones, or the port's initial ones if there is no pretraining.
 */
export async function finetuneOriginal(
  run: RunSettings,
  job: FinetuningJob,
  trial: number,
  context: StepContext,
): Promise<void> {
  const options = await inputsOf(finetuneOptions(run, 'original', job, trial), context);
  mkdirSync(options.jobDir, { recursive: true });
  const fixed = await fixedChances(options);
  const original = await context.original();
  const task = `Finetuning ${job.name} in the original`;
  await watched(options.jobDir, options.epochs ?? 1, task, context.report, () =>
    original.run('finetuning.trainer', flagsOf(options), { ...fixed, seed: options.initSeed }, noLimit),
  );
}

/** What the port draws at the start of a job with these options: weights in Keras's order, and the order of records in each epoch. */
async function fixedChances(options: FinetuneOptions): Promise<{ weights: NdArray[]; order: NdArray }> {
  const { jobDir, arch, initSeed = 0, weightsFile, epochs = 1 } = options;
  // The trainers split the sets with NumPy's global generator.
  random.seed(options.seed ?? 0);
  return withJobSets(options, { folder: jobDir }, async ({ train }) => {
    const session = createClassifier({ arch, initSeed }, train, isMulticlass(train.y));
    try {
      if (weightsFile) loadIntoClassifier(session, weightsFile);
      const records = train.x.shape[0];
      const orderOf = permutations(initSeed, records);
      const order = new BigInt64Array(epochs * records);
      for (let epoch = 0; epoch < epochs; epoch++) {
        order.set(BigInt64Array.from(Array.from(orderOf(epoch)), BigInt), epoch * records);
      }
      return { weights: weightsOf(session), order: ndarray('int64', [epochs, records], order) };
    } finally {
      session.dispose();
    }
  });
}

function weightsOf(session: Session): NdArray[] {
  const values = session.read(session.model.variables.map(({ name }) => name));
  return [...values.values()];
}

/** Reports the epochs of a training in Python, read from the history that it writes. */
async function watched<T>(
  jobDir: string,
  epochs: number,
  task: string,
  report: Reporter,
  work: () => Promise<T>,
): Promise<T> {
  const history = join(jobDir, 'history.csv');
  report({ kind: 'start', task, total: epochs, unit: 'epochs' });
  const timer = setInterval(() => {
    if (!existsSync(history)) return;
    const done = Buffer.from(readWholeFile(history)).toString().trimEnd().split('\n').length - 1;
    report({ kind: 'progress', task, done: Math.max(done, 0) });
  }, 2000);
  // After Ctrl-C the work never settles.
  timer.unref();
  try {
    return await work();
  } finally {
    clearInterval(timer);
    report({ kind: 'end', task });
  }
}
