import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { wordsOf } from '../evaluate/class_words.ts';
import { evaluate } from '../evaluate/evaluation.ts';
import { openPredictions, predictedPart } from '../evaluate/predictions.ts';
import { openRecords } from '../evaluate/records.ts';
import { type Reporter, silent } from '../events.ts';
import { readFinishedJob } from '../export/job.ts';
import { packageVersion } from '../jobs/environment.ts';
import { bestModelFile, modelFile, readJobModel } from '../jobs/job_model.ts';
import { writeJobThresholds } from '../jobs/job_thresholds.ts';
import { writeJson } from '../lib/json/file.ts';
import { checkNewOutput } from '../lib/outputs.ts';
import { temporaryPath, writeFileAtomic } from '../lib/python/atomic_file.ts';
import { fileDigestSync } from '../lib/python/hashlib.ts';
import { encodeSafetensors } from '../lib/safetensors/write.ts';
import { formatSums, sumsFile } from '../lib/sums.ts';
import { type Preprocessing, preprocessingFile } from '../prepare/preprocessing.ts';
import { writeWeights } from '../weights/files.ts';
import { type CardFacts, icentiaLicence, mayDescendFromIcentia, modelCard } from './card.ts';
import { originOf } from './origin.ts';

export interface PublishOptions {
  /** Folder of a finished finetuning job. */
  readonly jobDir: string;
  /** Folder to write; must not exist. */
  readonly target: string;
  /** Name of the model in its card; default that of the job's folder. */
  readonly title?: string;
  /** Licence of the weights, by the identifier of Hugging Face; default that of Icentia11k if the weights may descend from it, else none is stated. */
  readonly licence?: string;
  readonly report?: Reporter;
}

/** What was written. */
export interface Published {
  readonly files: readonly string[];
  readonly licence?: string;
  /** SHA-256 of the list of checksums: who has it can check the whole folder. */
  readonly sha256: string;
}

export const cardFile = 'README.md';
export const tensorsFile = 'model.safetensors';

/**
 * Writes the network of a job into a folder that can be uploaded as it is: best weights (Keras and safetensors), network, preparation, model card, checksums. Nothing in it is a
 * recording, a prediction, or the name of a record or a patient. Needs no TensorFlow.
 *
 * @throws InputError for a folder that exists or cannot be written; see `readFinishedJob` for those about the job.
 */
export async function publishJob(options: PublishOptions): Promise<Published> {
  const { jobDir, target, report = silent } = options;
  checkNewOutput('--to', target);
  const job = readFinishedJob(jobDir);
  const { model, preprocessing: described } = readJobModel(jobDir);
  const preprocessing = withoutSource(described!);
  const origin = originOf(jobDir);
  const licence = licenceOf(options, mayDescendFromIcentia(origin), report);
  const scores = await scoresOf(jobDir, report);
  const facts: CardFacts = {
    title: options.title ?? basename(resolve(jobDir)),
    model,
    preprocessing: described!,
    origin,
    ...(job.thresholds && { thresholds: job.thresholds }),
    ...(scores && { scores }),
    ...(licence !== undefined && { licence }),
    version: packageVersion(),
  };
  const temporary = temporaryPath(target);
  try {
    mkdirSync(temporary);
    const at = (name: string): string => join(temporary, name);
    const weights = [...job.weights].map(([path, value]) => ({ ...value, path }));
    // Without the state of the optimiser, which nobody needs and which tells more about the training records.
    await writeWeights(at(bestModelFile), job.build('float32'), weights);
    writeFileAtomic(at(tensorsFile), encodeSafetensors(weights, { format: 'keras' }));
    writeJson(at(modelFile), model);
    writeJson(at(preprocessingFile), preprocessing);
    if (job.thresholds) writeJobThresholds(temporary, job.thresholds);
    writeFileAtomic(at(cardFile), modelCard(facts));
    const files = readdirSync(temporary).sort();
    writeFileAtomic(at(sumsFile), formatSums(files.map((path) => ({ path, sha256: fileDigestSync(at(path)) }))));
    const sha256 = fileDigestSync(at(sumsFile));
    renameSync(temporary, target);
    return { files: [...files, sumsFile], sha256, ...(licence !== undefined && { licence }) };
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** The preparation without the user's folders and files. */
function withoutSource(preprocessing: Preprocessing): Preprocessing {
  const { collection, source } = preprocessing;
  return { ...preprocessing, source: { folder: collection, records: source.records, index: {} }, files: {} };
}

function licenceOf({ licence }: PublishOptions, fromIcentia: boolean, report: Reporter): string | undefined {
  if (licence === undefined) return fromIcentia ? icentiaLicence : undefined;
  if (fromIcentia && licence !== icentiaLicence) {
    const text = `--licence ${licence}: the training began from weights that were, or may have been, pretrained on Icentia11k, whose licence (CC BY-NC-SA 4.0) is non-commercial; make sure that you may`;
    report({ kind: 'warning', text });
  }
  return licence;
}

/** Scores of the records that the job held out; undefined if there are none. */
async function scoresOf(jobDir: string, report: Reporter): Promise<CardFacts['scores']> {
  const part = predictedPart(jobDir);
  if (part === undefined || part === 'train') return undefined;
  const predictions = openPredictions(jobDir);
  const records = await openRecords(predictions, { report });
  try {
    const { patients, statements } = records;
    const evaluation = evaluate(predictions, { ...(patients && { patients }), report });
    return { part, evaluation, words: wordsOf(predictions.classes, statements) };
  } finally {
    records.close();
  }
}
