import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Original } from '../../../bridge/original.ts';
import { type NdArray, ndarray } from '../../../lib/numpy/ndarray.ts';
import { toCsv } from '../../../lib/pandas/csv.ts';
import { f1 } from '../../../port/transplant/evaluation.ts';
import { createPredictionsFrame, readPredictions } from '../../../port/transplant/utils.ts';
import { closely, exactly, type Pair, type Row, sameText, vector } from '../../closeness.ts';
import { limitsOf } from '../../tolerances.ts';

/** A finetuning job of each side, from the same data, initial weights and sample order. */
export interface JobPair {
  readonly portJob: string;
  readonly originalJob: string;
  /** The predicted parts, with the port's record ids and truth. */
  readonly parts: readonly {
    readonly name: 'train' | 'val' | 'test';
    readonly y: NdArray;
    readonly recordIds: readonly (string | number)[];
  }[];
  readonly classes: readonly string[];
  /** Probabilities that the port computes from the original's best weights, by part. */
  readonly probabilities: ReadonlyMap<string, NdArray>;
}

/**
 * Compares the files of two finished jobs: the same records in the same order, the same form of history and predictions, the same
 * probabilities from the same weights, and the same F1 from the same file.
 */
export async function sameJobs(original: Original, jobs: JobPair): Promise<Row[]> {
  const rows: Row[] = [];
  const read = (job: string, file: string): string => readFileSync(join(job, file), 'utf8');
  const header = (job: string): string => read(job, 'history.csv').split('\r\n')[0];
  rows.push(sameText('files', 'columns of history.csv', header(jobs.portJob), header(jobs.originalJob)));
  const probabilities: Pair[] = [];
  for (const { name, y, recordIds } of jobs.parts) {
    const file = `${name}_predictions.csv`;
    const path = join(jobs.originalJob, file);
    const theirs = read(jobs.originalJob, file);
    const predicted = asFloat32(readPredictions(path).yProb!);
    const rewritten = toCsv(createPredictionsFrame(predicted, { yTrue: y, classNames: jobs.classes, recordIds }));
    rows.push(sameText('files', `${file}: text of the original's figures`, rewritten, theirs));
    rows.push(
      sameText('splits', `${file}: records and truth in order`, truthOf(read(jobs.portJob, file)), truthOf(theirs)),
    );
    probabilities.push({ name, port: jobs.probabilities.get(name)!, original: predicted });
    const { yTrue, yProb } = readPredictions(path);
    rows.push(
      exactly('metrics', `${file}: F1`, [
        { name: 'f1', port: vector([f1(yTrue!, yProb!)]), original: vector([await original.metrics.f1OfFile(path)]) },
      ]),
    );
  }
  rows.push(
    closely(
      'predictions',
      "probabilities from the original's best weights",
      probabilities,
      limitsOf({}, 'float32').outputs,
    ),
  );
  return rows;
}

/** The columns before the probabilities. */
function truthOf(csv: string): string {
  const lines = csv.trimEnd().split('\n');
  const kept = lines[0].split(',').findIndex((column) => column.startsWith('prob_'));
  return lines.map((line) => line.split(',').slice(0, kept).join(',')).join('\n');
}

function asFloat32(array: NdArray): NdArray<'float32'> {
  return ndarray('float32', array.shape, Float32Array.from(array.data as Float64Array));
}
