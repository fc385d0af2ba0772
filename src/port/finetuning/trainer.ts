import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Reporter, silent } from '../../events.ts';
import { type Batch, fit } from '../../graph/fit.ts';
import { Dense } from '../../graph/layers.ts';
import type { Precision } from '../../graph/precision.ts';
import { compile, type Session } from '../../graph/session.ts';
import { type Callback, CSVLogger, EarlyStopping, type Logs, ModelCheckpoint } from '../../lib/keras/callbacks.ts';
import { type NdArray, ndarray } from '../../lib/numpy/ndarray.ts';
import { RandomState, random } from '../../lib/numpy/random.ts';
import { writeCsv } from '../../lib/pandas/csv.ts';
import { ValueError } from '../../lib/python/errors.ts';
import { CustomCheckpoint, type ScoreFunction } from '../transplant/custom_checkpoint.ts';
import { auc, f1, multiF1 } from '../transplant/evaluation.ts';
import { createPredictionsFrame, isMulticlass } from '../transplant/utils.ts';
import type { Arch, ModelDescription } from '../weights/layout.ts';
import { loadIntoClassifier, saveSession } from '../weights/model_weights.ts';
import type { Rows } from './rows.ts';
import { loadTrainingSet, type TrainingSet, trainTestSplit, withLead } from './training_set.ts';
import { ecgFeatureExtractor } from './utils.ts';

/** What is watched to keep the best weights. */
export const valMetrics = ['loss', 'acc', 'f1', 'auc'] as const;
export type ValMetric = (typeof valMetrics)[number];

/** Options of a finetuning job; names and defaults are those of `finetuning.trainer`'s flags. */
export interface FinetuneOptions {
  /** Output folder, created. */
  readonly jobDir: string;
  /** Prepared training set: a gzip pickle as `prepare-data` writes it. */
  readonly train: string;
  /** Prepared validation set; takes precedence over `valSize`. */
  readonly val?: string;
  /** Prepared test set. */
  readonly test?: string;
  /** Pretrained backbone or whole-model weights. */
  readonly weightsFile?: string;
  /** Validation records cut from the training set: a count from 1 on, a fraction below. */
  readonly valSize?: number;
  /** `resnet18` (default), `resnet34` or `resnet50`. */
  readonly arch?: string;
  /** Training records to keep, after validation was cut: a count from 1 on, a fraction below. */
  readonly subset?: number;
  /** Records per step. Default 32. */
  readonly batchSize?: number;
  /** Default `loss`. */
  readonly valMetric?: ValMetric;
  /** Use this one lead only. */
  readonly channel?: number;
  /** Default 1. */
  readonly epochs?: number;
  /** Seed of the splits; 0 counts as none (Quirk Q42). */
  readonly seed?: number;
  /** Seed of initial weights and of the order of training records, which the original leaves to chance. */
  readonly initSeed?: number;
  /** Number formats of the computation. Default `float32`. */
  readonly precision?: Precision;
}

/** What a comparison fixes from outside: the same on both sides. */
export interface FixedChances {
  /** Values of all weights at the start, in Keras's order. */
  readonly weights?: readonly NdArray[];
  /** `(epochs, records)`: the order of the training records in each epoch. */
  readonly order?: NdArray;
}

/** What a finetuning job made. */
export interface FinetuneResult {
  readonly seed: number;
  readonly history: readonly Logs[];
  /** Probabilities `(records, classes)` of the best weights. */
  readonly predictions: { readonly train: NdArray; readonly val?: NdArray; readonly test?: NdArray };
}

const checkpointName = 'best_model.weights.h5';

/**
 * Trains a classifier on a prepared data set and writes `history.csv`, `best_model.weights.h5` and `{train,val,test}_predictions.csv`
 * into the job folder. Throws a ValueError for an unknown metric before anything is created. Twin of `finetuning.trainer`.
 */
export async function finetune(
  options: FinetuneOptions,
  { reporter = silent, fixed = {} }: { reporter?: Reporter; fixed?: FixedChances } = {},
): Promise<FinetuneResult> {
  const { jobDir, batchSize = 32, epochs = 1, valMetric = 'loss' } = options;
  if (!valMetrics.includes(valMetric)) {
    throw new ValueError(`--val-metric: got ${String(valMetric)}, expected one of ${valMetrics.join(', ')}`);
  }
  mkdirSync(jobDir, { recursive: true });
  // Quirk Q42: 0 counts as no seed.
  const seed = options.seed || random.randint(2 ** 16);
  reporter({ kind: 'message', text: `Seed: ${seed}` });
  random.seed(seed);

  const { train, val, test } = await loadSets(options);
  const multiLabel = isMulticlass(train.y);
  const session = createClassifier(options, train, multiLabel);
  const { model } = session;
  try {
    reporter({ kind: 'message', text: `Parameters: ${countParameters(model).toLocaleString('en')}` });
    if (options.weightsFile) loadIntoClassifier(session, options.weightsFile);
    if (fixed.weights) {
      session.assign(new Map(model.variables.map(({ name }, position) => [name, fixed.weights![position]])));
    }
    const orders = new RandomState(options.initSeed);
    const bestPath = join(jobDir, checkpointName);
    const description: ModelDescription = {
      arch: (options.arch ?? 'resnet18') as Arch,
      channels: train.x.shape[2],
      head: { classes: train.classes.length },
    };
    const { history } = await fit(session, {
      batches: (epoch) =>
        batchesOf(train, batchSize, fixed.order ? rowOf(fixed.order, epoch) : orders.permutation(train.x.shape[0])),
      steps: Math.ceil(train.x.shape[0] / batchSize),
      epochs,
      validation: val && (() => batchesOf(val, batchSize)),
      // Quirk Q39: the logger comes first and never sees the score of a custom checkpoint.
      callbacks: [
        new CSVLogger(join(jobDir, 'history.csv')),
        createCheckpoint(valMetric, bestPath, session, train, val, batchSize, multiLabel, reporter),
        // Quirk Q50: the loss is watched whatever the metric.
        ...(val ? [new EarlyStopping('val_loss', 50)] : []),
      ],
      saveWeights: (path) => saveSession(session, path, description),
      reporter,
    });
    loadIntoClassifier(session, bestPath);
    const predictions: Record<string, NdArray> = {};
    for (const [name, set] of Object.entries({ train, val, test })) {
      if (!set) continue;
      predictions[name] = predictAll(session, set.x, batchSize, name, reporter);
      const frame = createPredictionsFrame(predictions[name], {
        yTrue: set.y,
        classNames: train.classes,
        recordIds: set.recordIds,
      });
      writeCsv(join(jobDir, `${name}_predictions.csv`), frame);
    }
    return { seed, history, predictions: predictions as unknown as FinetuneResult['predictions'] };
  } finally {
    session.dispose();
  }
}

/** Training, validation and test set; the validation set is cut off before the subset. */
async function loadSets(
  options: FinetuneOptions,
): Promise<{ train: TrainingSet; val?: TrainingSet; test?: TrainingSet }> {
  let train = await loadTrainingSet(options.train);
  let val: TrainingSet | undefined;
  if (options.val) {
    val = await loadTrainingSet(options.val);
  } else if (options.valSize) {
    [train, val] = trainTestSplit(train, { testSize: splitSize(options.valSize), stratify: strata(train) });
  }
  let test = options.test ? await loadTrainingSet(options.test) : undefined;
  if (options.subset) {
    [train] = trainTestSplit(train, { trainSize: splitSize(options.subset), stratify: strata(train) });
  }
  const { channel } = options;
  if (channel !== undefined) {
    train = withLead(train, channel);
    val = val && withLead(val, channel);
    test = test && withLead(test, channel);
  }
  return { train, val, test };
}

// Quirk Q49 (changed): every distinct row of several labels would be a class, and one seen once stops the split.
function strata(set: TrainingSet): NdArray | undefined {
  return isMulticlass(set.y) ? undefined : set.y;
}

// Quirk Q48: 1 means one record, not all of them.
function splitSize(value: number): number {
  return value >= 1 ? Math.trunc(value) : value;
}

/** The compiled classifier of a job, with fresh weights; dispose of it. */
export function createClassifier(
  options: Pick<FinetuneOptions, 'arch' | 'precision' | 'initSeed'>,
  train: Pick<TrainingSet, 'x' | 'classes'>,
  multiLabel: boolean,
): Session {
  const model = ecgFeatureExtractor(options.arch)
    .add(new Dense(train.classes.length, multiLabel ? 'sigmoid' : 'softmax'))
    .build(train.x.shape.slice(1), options.precision);
  return compile(model, {
    loss: multiLabel ? 'binary_crossentropy' : 'categorical_crossentropy',
    seed: options.initSeed ?? new RandomState().randint(2 ** 31),
  });
}

function createCheckpoint(
  metric: ValMetric,
  path: string,
  session: Session,
  train: TrainingSet,
  val: TrainingSet | undefined,
  batchSize: number,
  multiLabel: boolean,
  reporter: Reporter,
): Callback {
  if (metric === 'loss' || metric === 'acc') {
    return new ModelCheckpoint({ pathOf: () => path, monitor: val ? `val_${metric}` : metric, saveBestOnly: true });
  }
  const set = val ?? train;
  if (!val) {
    reporter({
      kind: 'warning',
      text: `--val-metric ${metric} without validation is scored on the training records: add --val or --val-size`,
    });
  }
  return new CustomCheckpoint({
    pathOf: () => path,
    predict: () => predictAll(session, set.x, batchSize, 'scoring', silent),
    yTrue: set.y,
    scoreFn: scoreFunction(metric, multiLabel),
    saveBestOnly: true,
  });
}

function scoreFunction(metric: 'f1' | 'auc', multiLabel: boolean): ScoreFunction {
  if (metric === 'auc') return Object.assign(auc.bind(undefined), { metricName: 'auc' });
  if (multiLabel) return Object.assign(multiF1.bind(undefined), { metricName: 'multi_f1' });
  return Object.assign((yTrue: NdArray, yProb: NdArray) => f1(yTrue, yProb), { metricName: 'f1' });
}

function* batchesOf(set: TrainingSet, batchSize: number, order?: ArrayLike<number>): Generator<Batch> {
  const records = set.x.shape[0];
  const positions = order ?? Array.from({ length: records }, (_, i) => i);
  for (let start = 0; start < records; start += batchSize) {
    const chosen = Array.prototype.slice.call(positions, start, start + batchSize) as number[];
    yield { x: set.x.take(chosen), y: labelsOf(set.y, chosen) };
  }
}

function labelsOf(y: NdArray, indices: readonly number[]): NdArray {
  const [, classes] = y.shape;
  const data = new Float32Array(indices.length * classes);
  for (const [row, index] of indices.entries()) {
    for (let k = 0; k < classes; k++) data[row * classes + k] = Number(y.data[index * classes + k]);
  }
  return ndarray('float32', [indices.length, classes], data);
}

/** Outputs for all records in their order, `(records, outputs)` float32. */
export function predictAll(session: Session, rows: Rows, batchSize: number, name: string, reporter: Reporter): NdArray {
  const records = rows.shape[0];
  const task = `Predicting ${name}`;
  reporter({ kind: 'start', task, total: records, unit: 'records' });
  const parts: NdArray[] = [];
  for (let start = 0; start < records; start += batchSize) {
    const end = Math.min(records, start + batchSize);
    parts.push(session.predict(rows.take(Array.from({ length: end - start }, (_, i) => start + i))));
    reporter({ kind: 'progress', task, done: end });
  }
  reporter({ kind: 'end', task });
  const outputs = parts[0].shape[1];
  const data = new Float32Array(records * outputs);
  let offset = 0;
  for (const part of parts) {
    data.set(part.data as Float32Array, offset);
    offset += part.data.length;
  }
  return ndarray('float32', [records, outputs], data);
}

function rowOf(order: NdArray, epoch: number): number[] {
  const [, records] = order.shape;
  return Array.from({ length: records }, (_, i) => Number(order.data[epoch * records + i]));
}

function countParameters(model: Session['model']): number {
  return model.variables.reduce((sum, { shape }) => sum + shape.reduce((size, extent) => size * extent, 1), 0);
}
