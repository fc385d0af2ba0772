import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { InputError } from '../errors.ts';
import { configFile } from '../jobs/job.ts';
import { modelFile, predictionsFile, readJobModel } from '../jobs/job_model.ts';
import { type JobThresholds, thresholdsOf } from '../jobs/job_thresholds.ts';
import { toFloat64 } from '../lib/numpy/convert.ts';
import { type NdArray, ndarray } from '../lib/numpy/ndarray.ts';
import { numberText } from '../lib/numpy/text.ts';
import { readCsv } from '../lib/pandas/csv.ts';
import { isMulticlass, readPredictions } from '../port/transplant/utils.ts';
import { sameClasses, takeColumns } from '../prepare/labels.ts';

/** Parts of a data set that a job predicts, in the order in which an evaluation prefers them. */
export const parts = ['test', 'val', 'train'] as const;
export type Part = (typeof parts)[number];

/** Probabilities and truth of some records. */
export interface Predictions {
  /** How tables and pictures call them. */
  readonly name: string;
  readonly classes: readonly string[];
  readonly recordIds: readonly string[];
  /** (records, classes) of 0 and 1. */
  readonly yTrue: NdArray<'float64'>;
  /** (records, classes). */
  readonly yProb: NdArray<'float64'>;
  /** Whether several classes, or none, can be true of a record. */
  readonly multiLabel: boolean;
  /** The only lead of the recordings that the network saw; undefined: all. */
  readonly channel?: number;
  /** Thresholds of the decisions; undefined as the original decides. */
  readonly thresholds?: JobThresholds;
  /** The table that they come from, if they come from a file. */
  readonly file?: string;
  /** The job folder that the table lies in. */
  readonly job?: string;
  /** The part of a data set that a job predicted, and the folder that its table lies in. */
  readonly part?: Part;
  readonly folder?: string;
}

/**
 * Reads predictions with truth.
 *
 * @param path a table as `finetune` and `predict` write it, or a job folder, whose test records are taken, else its validation or training records.
 * @param choice thresholds of the job; see `thresholdsOf`.
 * @throws FileNotFoundError; InputError for a folder without predictions, and for a table without truth or with impossible values.
 */
export function openPredictions(path: string, choice?: string): Predictions {
  const file = statSync(path, { throwIfNoEntry: false })?.isDirectory() ? tableOf(path) : path;
  const { classes, yTrue, yProb } = readPredictions(file);
  if (yProb === undefined || classes.length === 0) {
    throw new InputError('the table has no probabilities', {
      file,
      expected: 'columns prob_CLASS and true_CLASS, as finetune and predict write them',
      next: 'Name a table of predictions, or the folder of a finetuning job.',
    });
  }
  if (yTrue === undefined || yTrue.shape[1] !== classes.length) {
    throw new InputError('the table does not have the truth', {
      file,
      got:
        yTrue === undefined
          ? 'no column true_CLASS'
          : `${yTrue.shape[1]} columns true_CLASS for ${classes.length} classes`,
      expected: 'a column true_CLASS for each prob_CLASS',
      next: 'Predict a prepared file, which has the truth: ecg-transplant predict --job-dir DIR --data FILE --csv PREDICTIONS.csv',
    });
  }
  const [records] = yProb.shape;
  if (records === 0) throw new InputError('the table has no records', { file });
  const ids = readCsv(file).columns.get('record_name');
  const recordIds = Array.from({ length: records }, (_, i) => String(ids?.data[i] ?? i));
  const folder = dirname(resolve(file));
  const job = existsSync(join(folder, configFile)) ? folder : undefined;
  const part = parts.find((one) => basename(file) === predictionsFile(one));
  const values = checkedValues({ classes, recordIds, yTrue, yProb }, file);
  const model = job !== undefined && existsSync(join(job, modelFile)) ? readJobModel(job).model : undefined;
  const thresholds = job === undefined ? withoutJob(file, choice) : thresholdsOf(job, { classes }, choice);
  return {
    name: part === undefined ? basename(file, '.csv') : `${basename(folder)}${part === 'test' ? '' : `, ${part}`}`,
    classes,
    recordIds,
    ...values,
    multiLabel: model?.multiLabel ?? isMulticlass(values.yTrue),
    ...(model?.channel !== undefined && { channel: model.channel }),
    ...(thresholds && { thresholds }),
    file,
    ...(job !== undefined && { job }),
    ...(part !== undefined && { part, folder }),
  };
}

/** Predictions that were just made, as they would be read from a table of them. */
export function predictionsFrom(
  made: { readonly classes: readonly string[]; readonly recordIds: readonly (string | number)[] } & Record<
    'truth' | 'probabilities',
    NdArray
  >,
  about: Pick<Predictions, 'name' | 'multiLabel' | 'channel' | 'thresholds'>,
): Predictions {
  const { classes, truth, probabilities } = made;
  const { dtype, data, shape } = probabilities;
  const decimal = Float64Array.from(data as ArrayLike<number>, (value) => Number(numberText(dtype, value)));
  const recordIds = made.recordIds.map(String);
  const yProb = ndarray('float64', shape, decimal);
  return { ...about, classes, recordIds, ...checkedValues({ classes, recordIds, yTrue: truth, yProb }) };
}

/** Throws an InputError unless labels are 0 or 1 and probabilities from 0 to 1. */
function checkedValues(
  { classes, recordIds, yTrue, yProb }: Pick<Predictions, 'classes' | 'recordIds'> & Record<'yTrue' | 'yProb', NdArray>,
  file?: string,
): Pick<Predictions, 'yTrue' | 'yProb'> {
  const checked = (given: NdArray, what: string, isPossible: (value: number) => boolean): NdArray<'float64'> => {
    const values = toFloat64(given);
    const wrong = values.findIndex((value) => !isPossible(value));
    if (wrong >= 0) {
      const [row, column] = [Math.floor(wrong / classes.length), wrong % classes.length];
      throw new InputError(`a ${what} is impossible`, {
        file,
        where: `record ${recordIds[row]}, class ${classes[column]}`,
        got: String(values[wrong]),
        expected: what === 'label' ? '0 or 1' : '0 to 1',
      });
    }
    return ndarray('float64', [recordIds.length, classes.length], values);
  };
  return {
    yTrue: checked(yTrue, 'label', (value) => value === 0 || value === 1),
    yProb: checked(yProb, 'probability', (value) => value >= 0 && value <= 1),
  };
}

/** A table that does not lie in a job folder has no thresholds. */
function withoutJob(file: string, choice = 'default'): undefined {
  if (choice === 'default') return undefined;
  throw new InputError('thresholds belong to a job, and the table does not lie in the folder of one', {
    file,
    got: `--threshold ${choice}`,
    next: 'Name the folder of the job, or evaluate while you predict: ecg-transplant predict --job-dir DIR --data FILE --threshold RULE --report PAGE.html',
  });
}

/** The part of the data that an evaluation of a job takes; undefined without predictions. */
export function predictedPart(folder: string): Part | undefined {
  return parts.find((part) => existsSync(join(folder, predictionsFile(part))));
}

function tableOf(folder: string): string {
  const part = predictedPart(folder);
  if (part !== undefined) return join(folder, predictionsFile(part));
  throw new InputError('the folder has no predictions', {
    file: folder,
    expected: parts.map(predictionsFile).join(', '),
    next: 'Name the folder of a finished finetuning job, or a table of predictions.',
  });
}

/**
 * The same predictions with records and classes in the order of `first`, for a paired comparison.
 *
 * @throws InputError if they are not predictions of the same records with the same truth.
 */
export function arrangedLike(first: Predictions, other: Predictions): Predictions {
  const file = other.file ?? other.name;
  const next = 'Evaluate them one by one, or predict the same records with both networks.';
  if (!sameClasses(first.classes, other.classes)) {
    throw new InputError('the predictions to compare have other classes', {
      file,
      got: other.classes.join(', '),
      expected: `${first.classes.join(', ')}, as ${first.file ?? first.name}`,
      next,
    });
  }
  const sameOrder =
    first.recordIds.length === other.recordIds.length && first.recordIds.every((id, i) => id === other.recordIds[i]);
  const places = new Map(other.recordIds.map((id, i) => [id, i]));
  const missing = first.recordIds.find((id) => !places.has(id));
  if (
    !sameOrder &&
    (missing !== undefined || places.size !== other.recordIds.length || first.recordIds.length !== places.size)
  ) {
    throw new InputError('the predictions to compare are not of the same records', {
      file,
      got: `${other.recordIds.length} records${missing === undefined ? '' : `, without ${missing}`}`,
      expected: `the ${first.recordIds.length} records of ${first.file ?? first.name}, each once`,
      next,
    });
  }
  const rows = sameOrder ? first.recordIds.map((_, i) => i) : first.recordIds.map((id) => places.get(id)!);
  const columns = first.classes.map((name) => other.classes.indexOf(name));
  const arrange = (values: NdArray<'float64'>): NdArray<'float64'> => {
    const taken = takeColumns(values, columns);
    const width = columns.length;
    const data = Float64Array.from({ length: rows.length * width }, (_, i) =>
      Number(taken.data[rows[Math.floor(i / width)] * width + (i % width)]),
    );
    return ndarray('float64', [rows.length, width], data);
  };
  const arranged = {
    ...other,
    classes: first.classes,
    recordIds: first.recordIds,
    yTrue: arrange(other.yTrue),
    yProb: arrange(other.yProb),
  };
  const differs = first.yTrue.data.findIndex((value, i) => value !== arranged.yTrue.data[i]);
  if (differs >= 0) {
    const [row, column] = [Math.floor(differs / columns.length), differs % columns.length];
    throw new InputError('the predictions to compare have another truth', {
      file,
      where: `record ${first.recordIds[row]}, class ${first.classes[column]}`,
      got: String(arranged.yTrue.data[differs]),
      expected: String(first.yTrue.data[differs]),
      next,
    });
  }
  return arranged;
}
