import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../errors.ts';
import type { Precision } from '../../graph/precision.ts';
import { writeFileAtomic } from '../../lib/python/atomic_file.ts';
import type { Arch } from '../weights/layout.ts';
import { type Preprocessing, preprocessingFile, readPreprocessing, withChannel } from './preprocessing.ts';

/** Name of the file with a job's best weights. */
export const bestModelFile = 'best_model.weights.h5';

/** Name of the file with a job's network. */
export const modelFile = 'model.json';

/** The network of a finetuning job: what prediction has to know besides its weights. Content of `model.json`. */
export interface JobModel {
  readonly format: 1;
  readonly arch: Arch;
  readonly precision: Precision;
  /** Samples and leads of a recording that the network was trained on. */
  readonly samples: number;
  readonly leads: number;
  /** The one lead of the training data that was used, as `--channel` counts; absent: all. */
  readonly channel?: number;
  readonly classes: readonly string[];
  /** Several classes can be true (sigmoid, 0.5 decides), or exactly one (softmax, the largest decides). */
  readonly multiLabel: boolean;
}

/** Writes `model.json` and, where the training data are described, `preprocessing.json` with the one lead of `channel`
 * if there is one. */
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

/** The network of a job, and what was done to its recordings if that is known. Throws an InputError if the folder holds no such job. */
export function readJobModel(jobDir: string): { readonly model: JobModel; readonly preprocessing?: Preprocessing } {
  const model = readJson<JobModel>(join(jobDir, modelFile));
  const preprocessing = existsSync(join(jobDir, preprocessingFile))
    ? readJson<Preprocessing>(join(jobDir, preprocessingFile))
    : undefined;
  return { model, ...(preprocessing && { preprocessing }) };
}

function writeJson(file: string, value: unknown): void {
  writeFileAtomic(file, `${JSON.stringify(value, null, 2)}\n`);
}

function readJson<T extends { readonly format: 1 }>(file: string): T {
  const next = 'Name the --job-dir of a finetuning job.';
  if (!existsSync(file)) throw new InputError('the file is missing', { file, next });
  let value: T;
  try {
    value = JSON.parse(readFileSync(file, 'utf8')) as T;
  } catch (error) {
    throw new InputError('the file cannot be read', { file, got: (error as Error).message, expected: 'JSON', next });
  }
  if (value?.format !== 1) {
    throw new InputError('the file is of another version', { file, got: `format ${value?.format}`, expected: '1' });
  }
  return value;
}
