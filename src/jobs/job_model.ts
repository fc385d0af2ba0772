import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { boolean, forward, literal, object, optional, partialCheck, picklist, pipe } from 'valibot';
import { InputError } from '../errors.ts';
import { precisions } from '../graph/precision.ts';
import { classNames, maxLeads, maxRecordBytes, samples, whole } from '../lib/json/fields.ts';
import { type Described, readJson, writeJson } from '../lib/json/file.ts';
import { archs } from '../port/finetuning/utils.ts';
import {
  type Preprocessing,
  preprocessingFile,
  preprocessingSchema,
  readPreprocessing,
  withChannel,
} from '../prepare/preprocessing.ts';

/** The file with a job's best weights. */
export const bestModelFile = 'best_model.weights.h5';

/** Name of the table with the predictions of a part of a job's data. */
export function predictionsFile(part: 'train' | 'val' | 'test'): string {
  return `${part}_predictions.csv`;
}

/** The file that describes a job's network. */
export const modelFile = 'model.json';

const putBack = 'Restore the file, or train again.';

/** The network of a finetuning job: what prediction needs besides the weights. */
export type JobModel = Described<typeof modelSchema>;

/** Content of `model.json`. */
const modelSchema = pipe(
  object({
    format: literal(1),
    arch: picklist(archs),
    precision: picklist(precisions),
    /** Samples and leads of the recordings that the network was trained on. */
    samples,
    leads: whole(1, maxLeads),
    /** The only lead of the training data that was used, as given to `--channel`; absent: all leads. */
    channel: optional(whole(-maxLeads, maxLeads)),
    classes: classNames,
    /** Whether several classes can be true (sigmoid, threshold 0.5) or exactly one (softmax, the largest wins). */
    multiLabel: boolean(),
  }),
  forward(
    partialCheck(
      [['samples'], ['leads']],
      ({ samples, leads }) => samples * leads * 4 <= maxRecordBytes,
      `records of at most ${maxRecordBytes} bytes`,
    ),
    ['samples'],
  ),
);

/** Writes `model.json` and, if the training data have a description, `preprocessing.json` (of the lead `channel` only, if it is set). */
export function writeJobModel(jobDir: string, model: JobModel, trainFile: string): void {
  writeJson(join(jobDir, modelFile), model);
  const file = join(jobDir, preprocessingFile);
  const preprocessing = readPreprocessing(trainFile);
  if (preprocessing === undefined) {
    rmSync(file, { force: true });
    return;
  }
  const { channel } = model;
  writeJson(file, channel === undefined ? preprocessing : withChannel(preprocessing, channel));
}

/** The network of a job, and how its recordings were prepared, if known. Throws an InputError if the folder does not hold a finetuning job. */
export function readJobModel(jobDir: string): { readonly model: JobModel; readonly preprocessing?: Preprocessing } {
  const description = join(jobDir, modelFile);
  const model = readJson(description, modelSchema, {
    what: 'the description of the network',
    next: existsSync(description) ? putBack : 'Name the --job-dir of a finetuning job.',
  });
  const file = join(jobDir, preprocessingFile);
  if (!existsSync(file)) return { model };
  const preprocessing = readJson(file, preprocessingSchema, {
    what: 'the description of the training data',
    next: putBack,
  });
  requireSame(file, 'leads', preprocessing.leads.length, model.leads);
  if (preprocessing.padding) requireSame(file, 'padding.samples', preprocessing.padding.samples, model.samples);
  return { model, preprocessing };
}

/** Throws an InputError unless the two descriptions of a job agree. */
function requireSame(file: string, where: string, got: number, expected: number): void {
  if (got === expected) return;
  throw new InputError(`the file does not belong to ${modelFile} beside it`, {
    file,
    where,
    got: `${got}`,
    expected: `${expected}`,
    next: putBack,
  });
}
