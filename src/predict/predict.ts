import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { InputError, UsageError } from '../errors.ts';
import { type Reporter, silent } from '../events.ts';
import type { Session } from '../graph/session.ts';
import { predictAll } from '../jobs/batches.ts';
import { bestModelFile, type JobModel, readJobModel } from '../jobs/job_model.ts';
import { type JobThresholds, thresholdsOf, thresholdValues } from '../jobs/job_thresholds.ts';
import { atThreshold, mostProbable } from '../lib/decisions.ts';
import { allocate, type NdArray, ndarray } from '../lib/numpy/ndarray.ts';
import { objectArray } from '../lib/numpy/object_array.ts';
import { type Column, DataFrame } from '../lib/pandas/csv.ts';
import { isUserFault } from '../lib/python/errors.ts';
import { openResampler, type Resampler } from '../lib/samplerate/resample.ts';
import type { PreparedSet } from '../port/finetuning/datasets.ts';
import { createClassifier } from '../port/finetuning/trainer/classifier.ts';
import { padRow } from '../port/transplant/utils/padding.ts';
import { sameClasses } from '../prepare/labels.ts';
import { openPreparedSet, withLead } from '../prepare/prepared_set.ts';
import { type Preprocessing, readPreprocessing } from '../prepare/preprocessing.ts';
import { type Outcome, prepareInTurn, prepareTogether, type RecordPlan } from '../prepare/record_transform.ts';
import {
  factsOf,
  requireAgreement,
  requireFinite,
  type SetOfFile,
  sourceOf,
  withClassesOf,
} from '../prepare/set_check.ts';
import { NoteBook } from '../recordings/notes.ts';
import type { RecordingFormat } from '../recordings/recordings.ts';
import { loadIntoClassifier } from '../weights/model_weights.ts';
import {
  defaultSteps,
  type Explanation,
  type ExplanationRequest,
  integratedGradients,
  largestGap,
  sumOf,
} from './attribution.ts';

const asTrained =
  'Prepare the file in the same way as the training data. Or predict the recordings themselves, which are then prepared for you: ecg-transplant predict --job-dir DIR RECORD…';

/** Recordings per batch. */
const recordBatch = 16;

/** Predictions of a finetuned network, one row per record. */
export interface Prediction {
  readonly classes: readonly string[];
  readonly recordIds: readonly (string | number)[];
  /** Probabilities `(records, classes)`, float32. */
  readonly probabilities: NdArray;
  /** 1 for each class that the network chose, `(records, classes)`. */
  readonly decisions: NdArray<'uint8'>;
  /** True labels `(records, classes)`, if known. */
  readonly truth?: NdArray;
}

/** How recordings are read. */
export interface RecordOptions {
  /** Leads of the recordings to use for the network's leads, in the network's order; default: the leads of the same names. */
  readonly leads?: readonly string[];
  /** Sampling rate (Hz) and unit of `.csv` and `.npy` recordings, whose files do not contain them. */
  readonly recordFs?: number;
  readonly recordUnits?: string;
  /** Lead names of `.npy` recordings, and of `.csv` recordings without names; default `leads`, else the network's. */
  readonly recordLeads?: readonly string[];
  readonly resampler?: Resampler;
  readonly report?: Reporter;
  /** Called for each recording that cannot be predicted, which is then left out. Without it, such a recording is an error. */
  readonly onFailure?: (path: string, error: Error) => void;
}

/** How recordings are read and explained. */
export interface ExplanationOptions extends Omit<RecordOptions, 'onFailure'> {
  /** Points of the integral; default 64. */
  readonly steps?: number;
}

function resamplerFor({ fs }: RecordPlan): Promise<Resampler> {
  return openResampler(fs === null ? 'javascript' : undefined);
}

/** How a network is opened. */
export interface PredictorOptions {
  /**
   * Thresholds of the decisions: `default` as the original decides, `job` the job's own, or chosen on its validation records: `f1`, `youden`, `sensitivity=0.95`. Default: the
   * job's own if it has them.
   */
  readonly threshold?: string;
  /** Whether `explainRecords` will be called; default false. */
  readonly explains?: boolean;
}

/** The network of a finetuning job. Dispose of it after use. */
export class Predictor {
  readonly model: JobModel;
  readonly preprocessing: Preprocessing | undefined;
  /** Thresholds of the decisions; undefined: the most probable class or, with several labels, each class with a probability of at least 0.5. */
  readonly thresholds: JobThresholds | undefined;
  readonly #session: Session;
  readonly #jobDir: string;

  private constructor(jobDir: string, { threshold, explains = false }: PredictorOptions) {
    const { model, preprocessing } = readJobModel(jobDir);
    this.#jobDir = jobDir;
    this.model = model;
    this.preprocessing = preprocessing;
    this.thresholds = thresholdsOf(jobDir, model, threshold);
    const { arch, precision, samples, leads, classes, multiLabel } = model;
    const network = { x: { shape: [1, samples, leads] }, classes };
    this.#session = createClassifier({ arch, precision, initSeed: 0, inputGradients: explains }, network, multiLabel);
  }

  /** Loads the best weights of a job. Throws an InputError or a ValueError if the folder does not have them, or not the thresholds. `explainRecords` needs `explains`. */
  static open(jobDir: string, options: PredictorOptions = {}): Predictor {
    const predictor = new Predictor(jobDir, options);
    try {
      loadIntoClassifier(predictor.#session, join(jobDir, bestModelFile));
      return predictor;
    } catch (error) {
      predictor.dispose();
      throw error;
    }
  }

  dispose(): void {
    this.#session.dispose();
  }

  /**
   * Predicts the records of a prepared file. The result has the true labels if the file has the network's classes, in any order.
   *
   * @param needsTruth other classes are an error; otherwise the labels are left out.
   * @throws InputError if the records were prepared differently from the training data, or have missing samples.
   */
  async predictFile(
    file: string,
    batchSize: number,
    report: Reporter = silent,
    needsTruth = false,
  ): Promise<Prediction> {
    const all = await openPreparedSet(file, { folder: this.#jobDir, report });
    try {
      if (needsTruth) this.#requireClasses(all, file);
      return await this.#predictSet(all, file, batchSize, report);
    } finally {
      all.close();
    }
  }

  #requireClasses({ classes }: PreparedSet, file: string): void {
    if (sameClasses(classes, this.model.classes)) return;
    throw new InputError('the file does not have the classes of the network, so its labels are not the truth', {
      file,
      got: classes.join(', '),
      expected: this.model.classes.join(', '),
      next: 'Leave out --report, or prepare the file with the classes of the training data.',
    });
  }

  async #predictSet(all: PreparedSet, file: string, batchSize: number, report: Reporter): Promise<Prediction> {
    const { samples, leads, channel, classes } = this.model;
    const set = channel !== undefined && all.x.shape[2] !== leads ? withLead(all, channel) : all;
    const described = readPreprocessing(file);
    const source: SetOfFile = { file, set, ...(described && { preprocessing: described }) };
    const form = { dtype: this.preprocessing?.dtype, samples, leads };
    const network = { name: `the network of ${this.#jobDir}`, facts: factsOf(form, this.preprocessing) };
    requireAgreement(network, sourceOf(source, channel), asTrained);
    requireFinite(set.x, set.recordIds, file);
    const probabilities = await predictAll(this.#session, { x: set.x }, { batchSize, name: file, report });
    if (!sameClasses(set.classes, classes)) {
      const text = `${file} has other classes (${set.classes.join(', ')}) than the network (${classes.join(', ')}): its labels are left out`;
      report({ kind: 'warning', text });
      return this.#decide(set.recordIds, probabilities);
    }
    const { set: arranged } = withClassesOf({ name: network.name, classes, multiLabel: true }, source, report);
    return this.#decide(set.recordIds, probabilities, arranged.y);
  }

  /**
   * Predicts recordings. Each is prepared like the training data: leads by name, unit, normalisation, sampling rate, length.
   *
   * @param paths see `recordingFile`.
   * @throws InputError if a recording lacks a lead, cannot be converted or has missing samples (see `onFailure`), or if the job does not say how its data were prepared.
   */
  async predictRecords(paths: readonly string[], options: RecordOptions = {}): Promise<Prediction> {
    const { report = silent, onFailure } = options;
    const { samples, leads, classes } = this.model;
    const plan = this.recordPlan(options);
    const resampler = options.resampler ?? (await resamplerFor(plan));
    const width = samples * leads;
    const batch = new Float32Array(Math.min(recordBatch, paths.length) * width);
    const predicted: string[] = [];
    const probabilities: number[] = [];
    let waiting = 0;
    const predictWaiting = (): void => {
      const x = ndarray('float32', [waiting, samples, leads], batch.slice(0, waiting * width));
      probabilities.push(...(this.#session.predict(x).data as Float32Array));
      waiting = 0;
    };
    const tell: Reporter = paths.length > recordBatch ? report : silent;
    const notes = new NoteBook(report);
    const task = 'predicting';
    tell({ kind: 'start', task, total: paths.length, unit: 'recordings' });
    const outcomes = prepareInTurn(paths, plan, resampler, notes.add);
    for (const [i, path] of paths.entries()) {
      try {
        this.#fill(batch.subarray(waiting * width, (waiting + 1) * width), outcomes.next().value!, path);
        predicted.push(path);
        waiting++;
      } catch (error) {
        if (onFailure === undefined || !isUserFault(error)) throw error;
        onFailure(path, error as Error);
      }
      if (waiting === recordBatch) predictWaiting();
      tell({ kind: 'progress', task, done: i + 1 });
      // Lets the progress bar and Ctrl-C work.
      if (i % recordBatch === 0) await setImmediate();
    }
    if (waiting > 0) predictWaiting();
    tell({ kind: 'end', task });
    notes.close();
    const shape = [predicted.length, classes.length];
    return this.#decide(predicted, ndarray('float32', shape, Float32Array.from(probabilities)));
  }

  /**
   * Explains predictions, one recording after the other: how much each sample adds to the probability of a class (see `integratedGradients`). Recordings are
   * read and prepared as `predictRecords` does it.
   *
   * @throws as `predictRecords`; RangeError if the predictor was not opened with `explains`.
   */
  async *explainRecords(
    requests: readonly ExplanationRequest[],
    { steps = defaultSteps, report = silent, ...options }: ExplanationOptions = {},
  ): AsyncGenerator<Explanation> {
    const { samples, leads, classes } = this.model;
    const plan = this.recordPlan(options);
    const resampler = options.resampler ?? (await resamplerFor(plan));
    const task = 'explaining';
    report({ kind: 'start', task, total: requests.length * steps, unit: 'steps' });
    let largest = 0;
    for (const [i, { path, className }] of requests.entries()) {
      const target = classes.indexOf(className);
      if (target === -1) throw new RangeError(`the network has no class ${className}`);
      const signal = ndarray('float32', [samples, leads], new Float32Array(samples * leads));
      const [outcome] = prepareTogether([path], plan, resampler);
      const length = this.#fill(signal.data, outcome, path);
      const attribution = await integratedGradients(this.#session, signal, {
        target,
        steps,
        onPoints: (done) => report({ kind: 'progress', task, done: i * steps + done }),
      });
      const sum = sumOf(attribution.attributions);
      const difference = attribution.probability - attribution.baselineProbability;
      largest = Math.max(largest, Math.abs(sum - difference));
      if (!(Math.abs(sum - difference) <= largestGap)) {
        const text = `${path}: the attributions add up to ${sum.toFixed(3)} instead of ${difference.toFixed(3)}; ${steps} steps are too few, take ${4 * steps}`;
        report({ kind: 'warning', text });
      }
      const padding = Math.max(0, samples - length);
      yield { path, className, steps, signal, padding, sum, ...attribution };
    }
    report({ kind: 'end', task, detail: `sums of attributions within ${largest.toFixed(4)}` });
  }

  /** Writes what the network sees of a recording into a row `(samples, leads)`; returns the length (samples) of the prepared recording. */
  #fill(row: Float32Array, outcome: Outcome, path: string): number {
    if ('error' in outcome) throw outcome.error;
    const { shape, data } = outcome.signal;
    this.#requireLength(shape[0], path);
    row.fill(0);
    padRow(data, row);
    return shape[0];
  }

  #requireLength(length: number, path: string): void {
    const { samples } = this.model;
    if (this.preprocessing?.padding !== null || length === samples) return;
    throw new InputError('the recording is not as long as the training data, which were not padded', {
      file: path,
      got: `${length} samples`,
      expected: `${samples} samples at ${this.preprocessing.samplingRate} Hz`,
    });
  }

  /** How many seconds at the end of a recording the network sees; see `padRow`. Throws as `recordPlan`. */
  get windowSeconds(): number {
    const { fs, recordedFs } = this.recordPlan();
    return this.model.samples / (fs ?? recordedFs);
  }

  /** How recordings are prepared before padding. Throws an InputError if the job does not say. */
  recordPlan({ leads, recordFs, recordUnits, recordLeads }: RecordOptions = {}): RecordPlan {
    if (this.preprocessing === undefined) {
      throw new InputError('the job does not say how its training data were prepared', {
        file: this.#jobDir,
        expected: 'preprocessing.json',
        next: 'Train on data made by prepare-data, or predict a prepared file with --data FILE.',
      });
    }
    const { samplingRate, normalization, resampling, units, leads: known } = this.preprocessing;
    if (leads !== undefined && leads.length !== known.length) {
      throw new UsageError('--leads must name a lead for each lead of the network', {
        got: leads.join(', '),
        expected: `${known.length}, in place of ${known.join(', ')}`,
      });
    }
    const format: RecordingFormat = {
      kind: 'any',
      fs: recordFs,
      units: recordUnits,
      leads: recordLeads ?? leads ?? known,
    };
    return {
      format,
      normalization,
      fs: resampling === null ? null : resampling.targetRate,
      leads: leads ?? known,
      units,
      keepMissing: false,
      keepFlat: 'no',
      recordedFs: samplingRate,
    };
  }

  #decide(recordIds: readonly (string | number)[], probabilities: NdArray, truth?: NdArray): Prediction {
    const { classes, multiLabel } = this.model;
    const lost = (probabilities.data as Float32Array).findIndex(Number.isNaN);
    if (lost !== -1) {
      throw new InputError('a prediction is not a number', {
        where: `record ${recordIds[Math.floor(lost / classes.length)]}`,
        next: 'Look for missing samples (NaN) in the record.',
      });
    }
    const { rows, columns, data } = this.thresholds
      ? atThreshold(probabilities, thresholdValues(this.thresholds, classes, probabilities.dtype))
      : multiLabel
        ? atThreshold(probabilities, 0.5)
        : mostProbable(probabilities);
    const decisions = ndarray('uint8', [rows, columns], data);
    return { classes, recordIds, probabilities, decisions, ...(truth && { truth }) };
  }
}

/** A table with the columns `record_name`, `true_…`, `prob_…` and `pred_…`, as of `createPredictionsFrame`, but for any number of records (see Quirk Q2). */
export function predictionFrame({ classes, recordIds, truth, probabilities, decisions }: Prediction): DataFrame {
  const columns = (prefix: string, values: NdArray): [string, Column][] =>
    classes.map((name, k) => [`${prefix}_${name}`, columnOf(values, k)]);
  return new DataFrame([
    ['record_name', objectArray(recordIds)],
    ...(truth ? columns('true', truth) : []),
    ...columns('prob', probabilities),
    ...columns('pred', decisions),
  ]);
}

/** Names of the classes that the network chose for each record. */
export function decidedClasses({ classes, decisions }: Prediction): string[][] {
  const [records, width] = decisions.shape;
  return Array.from({ length: records }, (_, i) => classes.filter((_name, k) => decisions.data[i * width + k] === 1));
}

function columnOf(values: NdArray, k: number): Column {
  const [records, width] = values.shape;
  const data = allocate(values.dtype, records) as { [row: number]: number | bigint };
  for (let i = 0; i < records; i++) data[i] = values.data[i * width + k];
  return { dtype: values.dtype, shape: [records], data: data as unknown as NdArray['data'] };
}
