import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { InputError, UsageError } from '../errors.ts';
import { type Reporter, silent } from '../events.ts';
import { predictionsFile, readJobModel } from '../jobs/job_model.ts';
import { type BenchmarkScore, benchmarkScores } from '../lib/benchmark_scores.ts';
import { astype } from '../lib/numpy/convert.ts';
import type { NdArray } from '../lib/numpy/ndarray.ts';
import { bytesOf } from '../lib/numpy/ndarray.ts';
import { readNpy, writeNpy } from '../lib/numpy/npy.ts';
import { checkOutputFolder } from '../lib/outputs.ts';
import { writeFileAtomic } from '../lib/python/atomic_file.ts';
import { ValueError } from '../lib/python/errors.ts';
import { readPredictions } from '../port/transplant/utils.ts';

/** Names of the benchmark's experiments, by the labels of the set. */
const experimentOf: Readonly<Record<string, string>> = {
  all: 'exp0',
  diagnostic: 'exp1',
  subdiagnostic: 'exp1.1',
  superdiagnostic: 'exp1.1.1',
  form: 'exp2',
  rhythm: 'exp3',
};

/** What `exportPredictions` writes, and where. */
export interface ExportOptions {
  /** Folder of a finished finetuning job. */
  readonly jobDir: string;
  /** Folder of all experiments, `output/` in the benchmark. */
  readonly target: string;
  /** Folder of the experiment (default: the benchmark's, by the labels of the set). */
  readonly experiment?: string;
  /** Folder of the network in it. */
  readonly model: string;
  /** Bootstrap samples of the test records; default 100. */
  readonly resamples?: number;
  /** Seed of the bootstrap; default 0. */
  readonly seed?: number;
  /** Replace the predictions of a network of this name. */
  readonly force?: boolean;
  readonly report?: Reporter;
}

/** What was written. */
export interface Exported {
  /** Folder of the network. */
  readonly folder: string;
  readonly records: number;
  /** Absent if a class never or always occurs in the test records. */
  readonly scores?: { readonly macroAuc: BenchmarkScore; readonly fMax: BenchmarkScore };
}

interface Part {
  readonly name: 'train' | 'val' | 'test';
  readonly truth: NdArray;
  readonly yProb: NdArray;
}

/**
 * Writes the predictions of a finetuning job in the layout of the public PTB-XL benchmark, and its scores: `data/y_{train,val,test}.npy`, and for the network
 * `y_{train,val,test}_pred.npy` and `results/te_results.csv`. Networks of one experiment share the truth.
 *
 * @throws InputError if the job has no predictions, if files exist already (without `force`), or if the experiment has other records; UsageError if the experiment
 *   has to be named.
 */
export function exportPredictions(options: ExportOptions): Exported {
  const { jobDir, target, model, resamples, seed, force = false, report = silent } = options;
  const { model: network, preprocessing } = readJobModel(jobDir);
  const experiment = options.experiment ?? experimentOf[preprocessing?.labels ?? ''];
  if (experiment === undefined) {
    throw new UsageError('the experiment has no name in the benchmark', {
      got: 'a job on a set that was prepared without --labels',
      expected: `a name for it, such as --experiment ${experimentOf.all}`,
    });
  }
  checkOutputFolder(target, { flag: '--target' });
  const tested = join(jobDir, 'test_predictions.csv');
  if (!existsSync(tested)) {
    throw new InputError('the job has no predictions of test records', {
      file: tested,
      expected: 'a finished job with a test set',
      next: 'Finish the job, or train again with a test set.',
    });
  }
  const parts = (['train', 'val', 'test'] as const).flatMap((name) => partOf(jobDir, name));
  const root = join(target, experiment);
  const folder = join(root, 'models', model);
  if (existsSync(folder) && !force) {
    throw new InputError('a network of this name is there already', {
      file: folder,
      next: 'Replace it with --force, or choose another --model.',
    });
  }
  const truthFile = (name: string): string => join(root, 'data', `y_${name}.npy`);
  for (const { name, truth } of parts) requireSameTruth(truthFile(name), truth);

  const { truth, yProb } = parts.find(({ name }) => name === 'test')!;
  report({ kind: 'message', text: `scoring ${truth.shape[0]} test records` });
  const scores = scoresOf(truth, yProb, { resamples, seed, classes: network.classes }, report);
  for (const place of [join(root, 'data'), join(folder, 'results')]) mkdirSync(place, { recursive: true });
  for (const part of parts) {
    writeNpy(truthFile(part.name), part.truth);
    writeNpy(join(folder, `y_${part.name}_pred.npy`), part.yProb);
  }
  writeFileAtomic(join(root, 'data', 'classes.txt'), network.classes.map((name) => `${name}\n`).join(''));
  if (scores) {
    writeNpy(join(root, 'test_bootstrap_ids.npy'), scores.drawn);
    writeFileAtomic(join(folder, 'results', 'te_results.csv'), resultsTable(scores));
  }
  return { folder, records: truth.shape[0], ...(scores && { scores }) };
}

function partOf(jobDir: string, name: Part['name']): Part[] {
  const file = join(jobDir, predictionsFile(name));
  if (!existsSync(file)) return [];
  const { yTrue, yProb } = readPredictions(file);
  if (yTrue && yProb) return [{ name, truth: astype(yTrue, 'int64'), yProb }];
  throw new InputError('the file does not hold predictions of labelled records', { file });
}

function requireSameTruth(file: string, truth: NdArray): void {
  if (!existsSync(file)) return;
  const known = readNpy(file);
  const isSame =
    known.dtype === truth.dtype &&
    known.shape.join() === truth.shape.join() &&
    Buffer.from(bytesOf(known)).equals(Buffer.from(bytesOf(truth)));
  if (isSame) return;
  throw new InputError('the experiment has other records or labels', {
    file,
    got: `labels (${truth.shape.join(', ')})`,
    expected: `the labels of the file (${known.shape.join(', ')})`,
    next: 'Choose another --experiment or --target.',
  });
}

function scoresOf(
  truth: NdArray,
  yProb: NdArray,
  options: Parameters<typeof benchmarkScores>[2],
  report: Reporter,
): ReturnType<typeof benchmarkScores> | undefined {
  try {
    return benchmarkScores(truth, yProb, options);
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    report({ kind: 'warning', text: `the test records are not scored: ${error.message}` });
    return undefined;
  }
}

function resultsTable({ macroAuc, fMax }: ReturnType<typeof benchmarkScores>): string {
  const rows = (['point', 'mean', 'lower', 'upper'] as const).map((row) => `${row},${macroAuc[row]},${fMax[row]}\n`);
  return [',macro_auc,Fmax\n', ...rows].join('');
}
