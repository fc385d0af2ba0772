import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import {
  array,
  boolean,
  check,
  literal,
  maxLength,
  maxValue,
  minLength,
  minValue,
  number,
  object,
  pipe,
  string,
} from 'valibot';
import { InputError } from '../errors.ts';
import { amount } from '../lib/json/fields.ts';
import { type Described, readJson, writeJson } from '../lib/json/file.ts';
import { toFloat64 } from '../lib/numpy/convert.ts';
import type { DType } from '../lib/numpy/ndarray.ts';
import { columnOf } from '../lib/sklearn/metrics.ts';
import { chooseThreshold, thresholdRule } from '../lib/thresholds.ts';
import { readPredictions } from '../port/transplant/utils.ts';
import { counted } from '../text.ts';
import { type JobModel, predictionsFile } from './job_model.ts';

/** The file with the thresholds that a job chose. */
export const thresholdsFile = 'thresholds.json';

/** The threshold of a class for which none can be chosen: that of the original. */
const usual = 0.5;

const schema = object({
  format: literal(1),
  /** How they were chosen, as given to `--threshold`. */
  rule: pipe(
    string(),
    check((text) => thresholdRule(text) !== undefined, 'f1, youden or sensitivity=S'),
  ),
  /** Number of validation records that they were chosen on. */
  records: amount,
  classes: pipe(
    array(
      object({
        name: string(),
        /** Records with at least this probability are decided to have the class. */
        threshold: pipe(number(), minValue(0), maxValue(1)),
        /** False: the validation records do not tell (they lack one of the labels, or a probability is not a number), so the threshold is 0.5. */
        chosen: boolean(),
      }),
    ),
    minLength(1),
    maxLength(10_000),
  ),
});

/** Thresholds of the classes of a job, chosen on its validation records. */
export type JobThresholds = Described<typeof schema>;

/**
 * Chooses a threshold for each class on the validation records of a job, by `f1`, `youden` or `sensitivity=S`.
 *
 * @throws InputError if the job did not predict validation records.
 */
export function chooseJobThresholds(jobDir: string, rule: string): JobThresholds {
  const file = join(jobDir, predictionsFile('val'));
  if (!existsSync(file)) {
    throw new InputError('thresholds are chosen on validation records, and the job has none', {
      file,
      next: 'Train a job with some: ecg-transplant finetune --val-size 0.1',
    });
  }
  const { classes, yTrue, yProb } = readPredictions(file);
  if (yTrue === undefined || yProb === undefined || yTrue.shape.join() !== yProb.shape.join()) {
    throw new InputError('the table does not have truth and probabilities of the same classes', { file });
  }
  const [truth, prob] = [toFloat64(yTrue), toFloat64(yProb)];
  return {
    format: 1,
    rule,
    records: yProb.shape[0],
    classes: classes.map((name, k) => {
      const [labels, scores] = [truth, prob].map((values) => columnOf(values, classes.length, k));
      const isKnown = scores.every(Number.isFinite);
      const threshold = isKnown ? chooseThreshold(thresholdRule(rule)!, labels, scores) : undefined;
      return { name, threshold: threshold ?? usual, chosen: threshold !== undefined };
    }),
  };
}

/** Writes the thresholds of a job. */
export function writeJobThresholds(jobDir: string, thresholds: JobThresholds): void {
  writeJson(join(jobDir, thresholdsFile), thresholds);
}

/** Removes the thresholds of an earlier job. */
export function forgetJobThresholds(jobDir: string): void {
  rmSync(join(jobDir, thresholdsFile), { force: true });
}

/**
 * The thresholds that decide the predictions of a job; undefined for the original's decision.
 *
 * @param choice `default`: the original's; `job`: the job's own; `f1`, `youden` or `sensitivity=S`: chosen now on the job's validation records. Without it, the job's own if it
 *   has them.
 * @throws InputError if the job does not have what is asked for.
 */
export function thresholdsOf(
  jobDir: string,
  { classes }: Pick<JobModel, 'classes'>,
  choice?: string,
): JobThresholds | undefined {
  if (choice === 'default') return undefined;
  const file = join(jobDir, thresholdsFile);
  const stored = choice === undefined || choice === 'job';
  if (stored && !existsSync(file)) {
    if (choice === undefined) return undefined;
    throw new InputError('the job has no thresholds of its own', {
      file,
      next: 'Choose a rule instead, such as --threshold f1: it takes the validation records of the job.',
    });
  }
  const what = 'the list of thresholds';
  const next = 'Restore the file, or pass --threshold default.';
  const thresholds = stored ? readJson(file, schema, { what, next }) : chooseJobThresholds(jobDir, choice);
  const names = thresholds.classes.map(({ name }) => name);
  if (names.length === classes.length && names.every((name, k) => name === classes[k])) return thresholds;
  throw new InputError('the thresholds are not those of the network beside them', {
    file: stored ? file : join(jobDir, predictionsFile('val')),
    where: 'classes',
    got: names.join(', '),
    expected: classes.join(', '),
    next,
  });
}

/**
 * The threshold of each class. Those of float32 probabilities are the nearest float32, because the table that they were chosen on holds float32 in decimal.
 */
export function thresholdValues(
  thresholds: JobThresholds,
  classes: readonly string[],
  dtype: DType = 'float64',
): readonly number[] {
  const values = new Map(thresholds.classes.map(({ name, threshold }) => [name, threshold]));
  return classes.map((name) => (dtype === 'float32' ? Math.fround(values.get(name)!) : values.get(name)!));
}

/** Where thresholds come from, in a sentence. */
export function thresholdsText({ rule, records, classes }: JobThresholds): string {
  const parsed = thresholdRule(rule);
  const aim =
    parsed === 'f1'
      ? 'for the highest F1'
      : parsed === 'youden'
        ? 'for the largest sum of sensitivity and specificity'
        : `for a sensitivity of at least ${parsed?.sensitivity}`;
  const left = classes.filter(({ chosen }) => !chosen).map(({ name }) => name);
  const rest =
    left.length === 0
      ? ''
      : ` ${left.join(', ')}: ${usual}, because the validation records lack one of the labels, or a probability is not a number.`;
  return `Thresholds were chosen ${aim} of each class, on ${counted(records, 'validation record')}.${rest}`;
}
