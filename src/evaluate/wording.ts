import { thresholdsText } from '../jobs/job_thresholds.ts';
import type { Decision, Interval } from '../lib/bootstrap.ts';
import { alignedLines, counted } from '../text.ts';
import { type ClassWords, named } from './class_words.ts';
import type { Evaluation } from './evaluation.ts';

/** Scores of a class, in the order of the tables. */
export const scoreNames = [
  ['precision', 'Precision'],
  ['recall', 'Recall'],
  ['f1', 'F1'],
  ['auc', 'AUC'],
  ['averagePrecision', 'Average precision'],
] as const;

/** Such as `0.812 [0.780, 0.840]`. */
export function intervalText({ value, low, high }: Interval): string {
  if (Number.isNaN(value)) return 'not defined';
  return `${value.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`;
}

/** A difference with its sign. */
export function differenceText({ value, low, high }: Interval): string {
  if (Number.isNaN(value)) return 'not defined';
  return `${signed(value)} [${signed(low)}, ${signed(high)}]`;
}

function signed(value: number): string {
  const text = Math.abs(value).toFixed(3);
  return `${Number(text) === 0 ? '±' : value < 0 ? '−' : '+'}${text}`;
}

/** How classes are decided, in a sentence. */
export function decisionText(decision: Decision): string {
  if (decision === 'argmax') return 'The most probable class is predicted.';
  if (typeof decision === 'number') return `Every class with a probability of at least ${decision} is predicted.`;
  return 'Every class that reaches its own threshold is predicted: several classes or none can be.';
}

/** The column of thresholds in a table of classes; no column where all classes are decided alike. */
export function thresholdColumn(decision: Decision): readonly string[] | undefined {
  return typeof decision === 'object' ? decision.map((value) => String(Number(value.toPrecision(4)))) : undefined;
}

/** What the intervals cover, in a sentence. */
export function intervalsText({ resamples, seed, drawn }: Evaluation): string {
  const units =
    drawn === 'patients' ? 'whole patients are drawn' : 'records are drawn within each combination of labels';
  return `Intervals hold 95 % of ${counted(resamples, 'bootstrap resample')} (${units}; seed ${seed}). They cover sampling of the records, not variation between training runs.`;
}

/** The per-class table for a terminal. */
export function evaluationText(evaluation: Evaluation, words: ClassWords): string {
  const { predictions, scores, classes, wrong } = evaluation;
  const thresholds = thresholdColumn(evaluation.decision);
  const rows = classes.map(({ name, support }, k) => [
    named(name, words),
    support.toLocaleString('en'),
    ...(thresholds ? [thresholds[k]] : []),
    ...scoreNames.map(([key]) => intervalText(scores.perClass[k][key])),
  ]);
  const mean = [
    'mean of the classes',
    '',
    ...(thresholds ? [''] : []),
    ...[
      '',
      '',
      intervalText(scores.macroF1),
      intervalText(scores.macroAuc),
      intervalText(scores.macroAveragePrecision),
    ],
  ];
  const head = [
    'class',
    'records',
    ...(thresholds ? ['threshold'] : []),
    ...scoreNames.map(([, name]) => name.toLowerCase().replace('auc', 'AUC').replace('f1', 'F1')),
  ];
  const records = predictions.recordIds.length;
  return `${predictions.name}: ${counted(records, 'record')}, ${(records - wrong.count).toLocaleString('en')} entirely correct (accuracy ${intervalText(scores.accuracy)})
${alignedLines([head, ...rows, mean], 1).join('\n')}
${[decisionText(evaluation.decision), ...(predictions.thresholds ? [thresholdsText(predictions.thresholds)] : [])].join('\n')}
${intervalsText(evaluation)}
`;
}
