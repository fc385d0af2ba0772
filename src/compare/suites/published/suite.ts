import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { mostProbable } from '../../../lib/decisions.ts';
import { toFloat64 } from '../../../lib/numpy/convert.ts';
import type { NdArray } from '../../../lib/numpy/ndarray.ts';
import { readCsv } from '../../../lib/pandas/csv.ts';
import { columnOf, confusionMatrix, precisionRecallFscoreSupport, rocCurve } from '../../../lib/sklearn/metrics.ts';
import { auc, f1, fMax, multiF1 } from '../../../port/transplant/evaluation.ts';
import { isMulticlass, readPredictions } from '../../../port/transplant/utils.ts';
import { exactly, type Pair, type Row, sameText, vector } from '../../closeness.ts';
import type { Series } from '../../observations.ts';
import { NotRunnable, type Suite, type SuiteCase, type SuiteContext } from '../../suite.ts';
import { sameReading } from '../files/csv.ts';
import { sameMetrics, scoreMetrics } from '../metrics/suite.ts';
import { int64 } from '../shared/data_cases.ts';
import { type PartFigures, type PublishedJob, publishedJobs } from './figures.ts';

const name = 'published';
const partNames = ['train', 'val', 'test'] as const;

/** Truth, probabilities and classes of a file of predictions. */
interface Predicted {
  readonly yTrue: NdArray;
  readonly yProb: NdArray;
  readonly classes: readonly string[];
}

function folderOf({ published }: SuiteContext, job: PublishedJob): string {
  if (published === undefined)
    throw new NotRunnable('the result files of the reproduction are missing: pass --published DIR');
  const folder = join(published, `${job.name}_classification`);
  if (!existsSync(folder)) throw new NotRunnable(`there is no ${folder}`);
  return folder;
}

function read(file: string): Predicted {
  const { yTrue, yProb, classes } = readPredictions(file);
  if (!yTrue || !yProb) throw new NotRunnable(`${file} has no truth or no probabilities`);
  return { yTrue, yProb, classes };
}

/** Compares known figures with those that each side computes from the file. */
async function sameFigures(
  { original }: SuiteContext,
  title: string,
  { yTrue, yProb }: Predicted,
  known: PartFigures,
): Promise<Row> {
  const wanted = ['f1', 'multi_f1', 'f_max', ...(known.auc === null ? [] : ['auc'])] as const;
  const calls = wanted.map((one) => ({ name: one as 'f1' | 'multi_f1' | 'f_max' | 'auc' }));
  const found = await original.metrics.evaluate(yTrue, yProb, calls);
  const theirs = found.map((result) => ('values' in result ? result.values : [Number.NaN]));
  const ours = [
    [f1(yTrue, yProb)],
    [multiF1(yTrue, yProb)],
    fMax(yTrue, yProb),
    ...(known.auc === null ? [] : [[auc(yTrue, yProb)]]),
  ];
  // `numpy.linspace(0, 1, 100)`.
  const best = [known.fMax, known.fMaxStep * (1 / 99)];
  const expected = [[known.f1], [known.multiF1], best, ...(known.auc === null ? [] : [[known.auc]])];
  const pairs: Pair[] = wanted.flatMap((metric, i) => [
    { name: `${metric} by the port`, port: vector(ours[i]), original: vector(expected[i]) },
    { name: `${metric} by the original`, port: vector(theirs[i]), original: vector(expected[i]) },
  ]);
  pairs.push({
    name: 'accuracy by the port',
    port: vector([accuracy(yTrue, yProb)]),
    original: vector([known.accuracy]),
  });
  return exactly(name, `${title}: F1, F1 at 0.5, AUC, F-max and accuracy as known`, pairs);
}

/** Accuracy by the most probable class or, if the truth has several labels (written as integers), element by element at 0.5. */
function accuracy(yTrue: NdArray, yProb: NdArray): number {
  const [rows, classes] = yProb.shape;
  const [truth, prob] = [toFloat64(yTrue), toFloat64(yProb)];
  if (yTrue.dtype !== 'bool') {
    return truth.reduce((count, value, i) => count + Number(value === Number(prob[i] > 0.5)), 0) / truth.length;
  }
  const [labels, decisions] = [firstMaxima(truth, classes), firstMaxima(prob, classes)];
  return labels.reduce((count, label, i) => count + Number(label === decisions[i]), 0) / rows;
}

/** `argmax` of each row. */
function firstMaxima(values: Float64Array, columns: number): number[] {
  return Array.from({ length: values.length / columns }, (_, row) => {
    const part = values.subarray(row * columns, (row + 1) * columns);
    return part.indexOf(part.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY));
  });
}

/** Scores by class and the confusion matrix of the test part: rows, and pictures for the report. */
async function sameClasses(context: SuiteContext, job: PublishedJob, predicted: Predicted): Promise<Row[]> {
  const { yTrue, yProb, classes } = predicted;
  const [truth, prob] = [toFloat64(yTrue), toFloat64(yProb)];
  const theirs = await context.original.metrics.byClass(yTrue, yProb);
  const decided = mostProbable(yProb);
  const indicator = { ...decided, data: Uint8Array.from(truth) };
  const scores = precisionRecallFscoreSupport(indicator, decided);
  const width = classes.length;
  const matrix = confusionMatrix(firstMaxima(truth, width), firstMaxima(prob, width), width);
  const rows = [
    exactly(
      name,
      'test: precision, recall, F1 and support of each class',
      (['precision', 'recall', 'f1', 'support'] as const).map((key, i) => ({
        name: key,
        port: vector(scores.map((score) => score[key])),
        original: vector(theirs.scores[i]),
      })),
    ),
    exactly(name, 'test: confusion matrix', [
      {
        name: 'counts',
        port: int64(matrix.flat(), [width, width]),
        original: int64(theirs.confusion.flat(), [width, width]),
      },
    ]),
  ];
  if (job.f1ByClass) {
    const shown = scores.map(({ f1: score }) => score.toFixed(5)).join('\n');
    rows.push(sameText(name, 'test: F1 of each class as published', shown, job.f1ByClass.join('\n')));
  }
  context.observe({
    kind: 'confusion',
    title: `DL4H ${job.name}, test part`,
    classes,
    port: matrix,
    original: theirs.confusion,
  });
  if (!isMulticlass(yTrue)) {
    const series: Series[] = [];
    const pairs: Pair[] = [];
    for (const [i, label] of classes.entries()) {
      const [t, p] = [columnOf(truth, width, i), columnOf(prob, width, i)];
      const [ours, found] = [rocCurve(t, p), await context.original.metrics.rocCurve(int64(t), vector(Array.from(p)))];
      pairs.push(
        { name: `${label}: false positive rates`, port: vector(ours.x), original: vector(found.x) },
        { name: `${label}: true positive rates`, port: vector(ours.y), original: vector(found.y) },
      );
      series.push({ name: label, side: 'port', ...thinned(ours) });
      series.push({ name: label, side: 'original', ...thinned(found) });
    }
    rows.push(exactly(name, 'test: ROC curve of each class', pairs));
    context.observe({ kind: 'roc', title: `DL4H ${job.name}, test part`, series });
  }
  return rows;
}

/** At most about 100 points of a curve, including both ends. */
function thinned({ x, y }: { x: readonly number[]; y: readonly number[] }): { x: number[]; y: number[] } {
  const step = Math.ceil(x.length / 100);
  const kept = x.flatMap((_, i) => (i % step === 0 || i === x.length - 1 ? [i] : []));
  return { x: kept.map((i) => x[i]), y: kept.map((i) => y[i]) };
}

/** Compares what the notebook prints with the files. */
function samePrint(job: PublishedJob, folder: string, test: Predicted): Row[] {
  const score = f1(test.yTrue, test.yProb);
  // Their machine summed in another order, so the last digits of a number printed in full may differ.
  const digits = 14;
  const cells = Object.entries(job.printedF1);
  const shown = cells.map(([cell, text]) => {
    const decimals = text.length - 2;
    return `cell ${cell}: ${decimals > digits ? score.toPrecision(digits) : Number(score.toFixed(decimals))}`;
  });
  const printed = cells.map(([cell, text]) => {
    return `cell ${cell}: ${text.length - 2 > digits ? Number(text).toPrecision(digits) : Number(text)}`;
  });
  const { columns } = readCsv(join(folder, 'history.csv'));
  const column = (key: string): number[] => Array.from(columns.get(key)?.data as ArrayLike<number>, Number);
  const [epochs, losses] = [column('epoch'), column('val_loss')];
  const keys = ['acc', 'loss', 'val_acc', 'val_loss'];
  const figures = job.history.map(([epoch, ...texts]) =>
    [epoch, ...keys.map((key, i) => (texts[i] === '' ? '' : column(key)[epoch].toFixed(6)))].join(' '),
  );
  const lowest = losses.indexOf(Math.min(...losses));
  return [
    sameText(name, 'F1 of the test part as printed', shown.join('\n'), printed.join('\n')),
    sameText(
      name,
      'history as printed, and the epoch of the lowest validation loss',
      [`${epochs.length} epochs`, `lowest ${lowest}`, ...figures].join('\n'),
      [`${job.epochs} epochs`, `lowest ${lowestOf(job)}`, ...job.history.map((row) => row.join(' '))].join('\n'),
    ),
  ];
}

/** Epoch of the lowest printed validation loss. */
function lowestOf({ history }: PublishedJob): number {
  const known = history.filter(([, , , , loss]) => loss !== '');
  return known.reduce((best, row) => (Number(row[4]) < Number(best[4]) ? row : best))[0];
}

function jobCase(job: PublishedJob): SuiteCase {
  return {
    name: `DL4H ${job.name}`,
    on: { dataSet: job.dataSet, task: 'finetuning' },
    quick: job.name === 'af',
    run: async (context) => {
      const folder = folderOf(context, job);
      const rows: Row[] = [];
      for (const [i, part] of partNames.entries()) {
        const file = join(folder, `${part}_predictions.csv`);
        const predicted = read(file);
        const { yTrue, yProb } = predicted;
        rows.push(...(await sameReading(context, name, part, file)));
        rows.push(sameText(name, `${part}: records`, String(yTrue.shape[0]), String(job.records[i])));
        const inputs = [{ title: part, yTrue, yProb }];
        const found = await sameMetrics(context, name, inputs, scoreMetrics);
        rows.push(...found.map((row) => ({ ...row, name: `${part}, ${row.name}` })));
        const known = job.parts[part];
        if (known) rows.push(await sameFigures(context, part, predicted, known));
        if (part === 'test')
          rows.push(...(await sameClasses(context, job, predicted)), ...samePrint(job, folder, predicted));
      }
      return rows;
    },
  };
}

/** The published results of the DL4H reproduction, recomputed from its files. */
export const published: Suite = {
  name,
  summary: 'every figure of the DL4H reproduction, recomputed by both sides from its result files',
  cases: publishedJobs.map(jobCase),
};
