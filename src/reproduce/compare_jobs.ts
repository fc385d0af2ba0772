import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Original } from '../bridge/original.ts';
import { closely, exactly, type Row, sameText, vector } from '../compare/closeness.ts';
import type { Observation, Series } from '../compare/observations.ts';
import { sameJobs } from '../compare/suites/shared/finished_jobs.ts';
import { limitsOf } from '../compare/tolerances.ts';
import type { FinetuningJob, PretrainingJob } from '../experiment_schema.ts';
import { batchesOf, predictAll } from '../jobs/batches.ts';
import { mostProbable } from '../lib/decisions.ts';
import type { NdArray } from '../lib/numpy/ndarray.ts';
import { random } from '../lib/numpy/random.ts';
import { readCsv } from '../lib/pandas/csv.ts';
import { readWholeFile } from '../lib/python/whole_file.ts';
import { createClassifier } from '../port/finetuning/trainer/classifier.ts';
import { withJobSets } from '../port/finetuning/trainer/sets.ts';
import { frameOptions, loadFrames, samplesOf } from '../port/pretraining/trainer/frames.ts';
import { createSolver } from '../port/pretraining/trainer/solver.ts';
import { getPretrainedWeights } from '../port/pretraining/utils.ts';
import { isMulticlass, readPredictions } from '../port/transplant/utils.ts';
import { readWeights } from '../weights/files.ts';
import { loadIntoClassifier, loadIntoModel } from '../weights/model_weights.ts';
import { chosenCheckpoint } from './port_steps.ts';
import { finetuneOptions, pretrainOptions, type RunSettings } from './settings.ts';

/** Receives what the report shows beside the rows. */
export type Observe = (observation: Observation) => void;

/**
 * Compares a pretraining job of both sides: validation frames bit for bit, the form of the history, the validation losses that the port
 * computes from the original's checkpoints, and the backbone that each side extracts from the original's checkpoint.
 */
export async function comparePretraining(run: RunSettings, job: PretrainingJob, observe: Observe): Promise<Row[]> {
  const [ours, theirs] = (['port', 'original'] as const).map((side) => pretrainOptions(run, side, job));
  const rows = [sameHistoryForm(ours.jobDir, theirs.jobDir)];
  if (ours.cacheVal && theirs.cacheVal) {
    const shape = frameOptions(job);
    const [a, b] = [await loadFrames(ours.cacheVal, shape), await loadFrames(theirs.cacheVal, shape)];
    const frames = Array.from({ length: a.y.shape[0] }, (_, i) => i);
    const names = Object.keys(a.inputs);
    rows.push(
      exactly('sampling', `${frames.length} validation frames`, [
        ...names.map((name) => ({ name, port: a.inputs[name].take(frames), original: b.inputs[name].take(frames) })),
        { name: 'y', port: a.y, original: b.y },
      ]),
    );
    const session = createSolver(theirs, run.seed);
    try {
      const pairs = Array.from({ length: job.epochs }, (_, epoch) => {
        const name = `epoch_${String(epoch + 1).padStart(2, '0')}_model.weights.h5`;
        loadIntoModel(session, join(theirs.jobDir, name));
        let [loss, samples] = [0, 0];
        for (const { x, y } of batchesOf(samplesOf(b), job.batchSize)) {
          const result = session.evaluate(x, y);
          loss += result.loss * result.samples;
          samples += result.samples;
        }
        const original = column(theirs.jobDir, 'val_loss')[epoch];
        return { name: `epoch ${epoch + 1}`, port: vector([loss / samples]), original: vector([original]) };
      });
      const { losses } = limitsOf({ task: job.task }, 'float32');
      rows.push(closely('training', "validation losses from the original's checkpoints", pairs, losses));
    } finally {
      session.dispose();
    }
  }
  const taken = readWeights(run.folder.weights('original', job.name)).weights;
  const { weights } = getPretrainedWeights(chosenCheckpoint(run, 'original', job), job.task, job.arch, job.stages);
  const byPath = new Map(taken.map((weight) => [weight.path, weight]));
  rows.push(
    exactly(
      'weights',
      "the backbone of the original's checkpoint",
      weights.map((weight) => ({
        name: weight.path,
        port: weight,
        original: required(byPath.get(weight.path), weight.path),
      })),
    ),
  );
  observe(learningCurves(`Pretraining ${job.name}`, ours.jobDir, theirs.jobDir));
  return rows;
}

/**
 * Compares a trial of a finetuning job of both sides by `sameJobs`, with the original's best weights loaded into the port's network. The
 * learning curves of both free-running trainings are shown without a verdict.
 */
export async function compareFinetuning(
  run: RunSettings,
  job: FinetuningJob,
  trial: number,
  original: Original,
  observe: Observe,
): Promise<Row[]> {
  const [ours, theirs] = (['port', 'original'] as const).map((side) => finetuneOptions(run, side, job, trial));
  random.seed(ours.seed!);
  const { batchSize = 32, arch } = ours;
  const rows = await withJobSets(ours, { folder: ours.jobDir }, async ({ train, val, test }) => {
    const sets = (
      [
        ['train', train],
        ['val', val],
        ['test', test],
      ] as const
    ).flatMap(([name, set]) => (set ? [{ name, set }] : []));
    const session = createClassifier({ arch, initSeed: 0 }, train, isMulticlass(train.y));
    const predicted = new Map<string, NdArray>();
    try {
      loadIntoClassifier(session, join(theirs.jobDir, 'best_model.weights.h5'));
      for (const { name, set } of sets) {
        predicted.set(name, await predictAll(session, { x: set.x }, { batchSize, name }));
      }
    } finally {
      session.dispose();
    }
    return sameJobs(original, {
      portJob: ours.jobDir,
      originalJob: theirs.jobDir,
      parts: sets.map(({ name, set: { y, recordIds } }) => ({ name, y, recordIds })),
      classes: train.classes,
      probabilities: predicted,
    });
  });
  const title = `${job.name}, trial ${trial}`;
  observe(learningCurves(`Finetuning ${title}`, ours.jobDir, theirs.jobDir));
  const confusion = confusionOf(title, ours.jobDir, theirs.jobDir);
  if (confusion) observe(confusion);
  return rows;
}

function sameHistoryForm(ours: string, theirs: string): Row {
  const [a, b] = [ours, theirs].map((folder) => {
    const lines = Buffer.from(readWholeFile(join(folder, 'history.csv')))
      .toString()
      .split('\r\n');
    return `${lines[0]}\n${lines.length} lines`;
  });
  return sameText('files', 'columns and length of history.csv', a, b);
}

function learningCurves(title: string, ours: string, theirs: string): Observation {
  const series: Series[] = [];
  for (const [side, folder] of [
    ['port', ours],
    ['original', theirs],
  ] as const) {
    for (const name of ['loss', 'val_loss']) {
      const y = column(folder, name);
      if (y.every(Number.isNaN)) continue;
      const label = name === 'loss' ? 'training' : 'validation';
      series.push({ name: `${side}, ${label}`, side, x: y.map((_, epoch) => epoch + 1), y });
    }
  }
  return {
    kind: 'curves',
    title: `${title}: losses`,
    x: 'epoch',
    y: 'loss',
    series,
    note: 'Both sides train freely in float32, so the curves may differ.',
  };
}

/** A column of `history.csv`; NaN where it is absent or not a number. */
function column(folder: string, name: string): number[] {
  const file = join(folder, 'history.csv');
  const frame = readCsv(file);
  const epochs = frame.columns.get('epoch')?.data.length ?? 0;
  const data = frame.columns.get(name)?.data;
  return Array.from({ length: epochs }, (_, epoch) => Number(data?.[epoch] ?? Number.NaN));
}

function confusionOf(title: string, ours: string, theirs: string): Observation | undefined {
  const files = [ours, theirs].map((folder) => join(folder, 'test_predictions.csv'));
  if (!files.every((file) => existsSync(file))) return undefined;
  const [a, b] = files.map((file) => readPredictions(file));
  // With several labels, a record does not have a single true class.
  if (isMulticlass(a.yTrue!)) return undefined;
  const count = ({ yTrue, yProb }: typeof a): number[][] => {
    const { classes } = a;
    const counts = classes.map(() => classes.map(() => 0));
    const decided = mostProbable(yProb!).data;
    for (let record = 0; record < yTrue!.shape[0]; record++) {
      const at = record * classes.length;
      const truth = classes.findIndex((_, i) => Number(yTrue!.data[at + i]) === 1);
      const predicted = classes.findIndex((_, i) => Number(decided[at + i]) === 1);
      counts[truth][predicted]++;
    }
    return counts;
  };
  return {
    kind: 'confusion',
    title: `Test records of ${title}`,
    classes: a.classes,
    port: count(a),
    original: count(b),
  };
}

function required<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new Error(`the original's file does not contain ${name}`);
  return value;
}
