import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { configFile, readConfig } from '../jobs/job.ts';
import { bestModelFile, modelFile, readJobModel } from '../jobs/job_model.ts';
import { isAddress } from '../lib/address.ts';

/** What the training of a classifier began from. */
export type Origin =
  | { readonly kind: 'random' }
  /** A pretraining job, which trains on Icentia11k or on recordings in its form. */
  | { readonly kind: 'pretrained'; readonly task: string }
  /** A classifier that itself began from random weights. */
  | { readonly kind: 'classifier'; readonly collection: string }
  /** A file whose training is not known. */
  | { readonly kind: 'unknown'; readonly name: string };

/** Most jobs in a chain, each begun from the weights of the one before. */
const longest = 16;

/**
 * Where the initial weights of a job come from, as far as the jobs beside the weight files tell.
 *
 * @throws InputError if the description of a job cannot be read.
 */
export function originOf(jobDir: string, depth = 0): Origin {
  const weights = readConfig(jobDir)?.options.weightsFile;
  if (typeof weights !== 'string' || weights === '') return { kind: 'random' };
  if (isAddress(weights)) return { kind: 'unknown', name: weights };
  const unknown = { kind: 'unknown', name: basename(weights) } as const;
  const folder = dirname(weights);
  if (depth === longest || !existsSync(join(folder, configFile))) return unknown;
  const config = readConfig(folder)!;
  if (config.job === 'pretrain') return { kind: 'pretrained', task: String(config.options.task) };
  if (basename(weights) !== bestModelFile || !existsSync(join(folder, modelFile))) return unknown;
  const before = originOf(folder, depth + 1);
  if (before.kind !== 'random') return before;
  const collection = readJobModel(folder).preprocessing?.collection;
  return collection === undefined ? unknown : { kind: 'classifier', collection };
}
