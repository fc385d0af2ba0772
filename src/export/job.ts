import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../errors.ts';
import type { Model } from '../graph/model.ts';
import type { Precision } from '../graph/precision.ts';
import { configFile, isComplete, readConfig } from '../jobs/job.ts';
import { bestModelFile, type JobModel, readJobModel } from '../jobs/job_model.ts';
import { type JobThresholds, thresholdsOf } from '../jobs/job_thresholds.ts';
import type { NdArray } from '../lib/numpy/ndarray.ts';
import { fileDigestSync } from '../lib/python/hashlib.ts';
import { buildNetwork } from '../networks/network.ts';
import type { Preprocessing } from '../prepare/preprocessing.ts';
import { shellCommand } from '../text.ts';
import { readWeights } from '../weights/files.ts';
import { loadWeights } from '../weights/loading.ts';

/** A classifier with its weights in memory, and how its recordings were prepared. */
export interface TrainedClassifier {
  readonly model: JobModel;
  readonly preprocessing: Omit<Preprocessing, 'format' | 'source' | 'split' | 'files'>;
  /** The network in this precision, built for recordings of `model.samples` samples. */
  readonly build: (precision: Precision) => Model;
  /** Values of the network's variables by name. */
  readonly weights: ReadonlyMap<string, NdArray>;
  /** Thresholds that the job chose for its classes; undefined: as the original decides. */
  readonly thresholds?: JobThresholds;
  /** SHA-256 of the file with the weights. */
  readonly weightsDigest: string;
}

/**
 * Reads a job for export or publication. Needs no TensorFlow.
 *
 * @throws InputError if the folder is not a finished finetuning job, does not say how its recordings were prepared, or has weights that are not finite
 * numbers; an InputError or a ValueError if the weights cannot be read or belong to another network.
 */
export function readFinishedJob(jobDir: string): TrainedClassifier {
  const next = `Name the folder of a finetuning job that is complete: ${shellCommand(['ecg-transplant', 'inspect', jobDir])}`;
  if (!existsSync(jobDir)) throw new InputError('there is no such folder', { file: jobDir, next });
  const config = readConfig(jobDir);
  if (config?.job === 'pretrain') {
    throw new InputError('a pretraining job has no probabilities', {
      file: join(jobDir, configFile),
      got: 'a pretraining job',
      expected: 'a finetuning job',
      next: 'Finetune a classifier from its weights first: ecg-transplant finetune --help',
    });
  }
  if (config === undefined) throw new InputError('the folder does not hold a job', { file: jobDir, next });
  if (!isComplete(jobDir)) {
    throw new InputError('the job is not finished', {
      file: jobDir,
      expected: 'complete.json, which training writes at its end',
      next: 'Train to the end first: repeat the command of the job, ecg-transplant finetune, with --resume.',
    });
  }
  const { model, preprocessing } = readJobModel(jobDir);
  if (preprocessing === undefined) {
    throw new InputError('the job does not say how its training data were prepared', {
      file: jobDir,
      expected: 'preprocessing.json',
      next: 'Train on data made by prepare-data, and name that job.',
    });
  }
  const { arch, samples, leads, classes, multiLabel } = model;
  const build = (precision: Precision): Model =>
    buildNetwork(
      { arch, channels: leads, head: { classes: classes.length } },
      { shapes: { x: [samples, leads] }, precision, multiLabel },
    );
  const file = join(jobDir, bestModelFile);
  if (!existsSync(file)) {
    throw new InputError('the best weights are missing', { file, next: 'Restore the file, or train again.' });
  }
  const { assigned } = loadWeights(readWeights(file), build('float32').weights);
  const broken = assigned.find(({ data }) => !(data as Float32Array).every((value) => Number.isFinite(Number(value))));
  if (broken !== undefined) {
    throw new InputError('a weight is not a finite number', {
      file,
      where: broken.path,
      next: 'Restore the file, or train again.',
    });
  }
  const weights = new Map(assigned.map((weight) => [weight.path, weight] as const));
  const thresholds = thresholdsOf(jobDir, model);
  return {
    model,
    preprocessing,
    build,
    weights,
    ...(thresholds && { thresholds }),
    weightsDigest: fileDigestSync(file),
  };
}
