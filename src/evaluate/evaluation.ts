import { type Reporter, silent } from '../events.ts';
import { thresholdValues } from '../jobs/job_thresholds.ts';
import {
  type BootstrapOptions,
  bootstrapDifference,
  bootstrapScores,
  type Decision,
  type Interval,
  type Scores,
} from '../lib/bootstrap.ts';
import { atThreshold, mostProbable } from '../lib/decisions.ts';
import { type CalibrationBin, calibrationCurve, expectedCalibrationError } from '../lib/sklearn/calibration.ts';
import {
  averagePrecisionScore,
  columnOf,
  confusionMatrix,
  fullRocCurve,
  type Indicator,
  precisionRecallCurve,
  precisionRecallFscoreSupport,
  rocAucScore,
  type ThresholdCurve,
} from '../lib/sklearn/metrics.ts';
import { auc, f1 } from '../port/transplant/evaluation.ts';
import type { Predictions } from './predictions.ts';

/** Everything that an evaluation says about one class. */
export interface ClassEvaluation {
  readonly name: string;
  /** Records that have the class. */
  readonly support: number;
  /** Records that are decided to have it. */
  readonly predicted: number;
  /** Undefined if all records have the class, or none. */
  readonly roc?: ThresholdCurve;
  /** Undefined if no record has the class. */
  readonly precisionRecall?: ThresholdCurve;
  readonly calibration: readonly CalibrationBin[];
  readonly calibrationError: number;
}

/** A record whose decision is wrong. */
export interface WrongRecord {
  /** Row of the predictions. */
  readonly row: number;
  readonly record: string;
  readonly truth: readonly string[];
  readonly predicted: readonly string[];
  /** Probability that the network gave to the worst of its wrong statements about the record. */
  readonly sureness: number;
}

/** Scores of predictions against the truth. */
export interface Evaluation {
  readonly predictions: Predictions;
  readonly decision: Decision;
  readonly scores: Scores<Interval>;
  readonly classes: readonly ClassEvaluation[];
  /** Records by true (row) and predicted class (column); undefined if a record can have several labels or none. */
  readonly confusion?: readonly (readonly number[])[];
  /** Expected calibration error, mean over the classes. */
  readonly calibrationError: number;
  /** Number of records whose decision is wrong, and the most surely wrong of them first. */
  readonly wrong: { readonly count: number; readonly records: readonly WrongRecord[] };
  readonly resamples: number;
  readonly seed: number;
  readonly drawn: 'records' | 'patients';
}

/** How to evaluate. */
export interface EvaluationOptions {
  /** Default 1,000. */
  readonly resamples?: number;
  /** Default 0. */
  readonly seed?: number;
  /** Patient of each record, if known. */
  readonly patients?: readonly (string | number)[];
  /** Default: the thresholds of the predictions, else the most probable class or, with several labels, each class with a probability of at least 0.5. */
  readonly decision?: Decision;
  readonly report?: Reporter;
}

/** Most records in the list of wrong ones. */
const mostWrong = 20;

/** The decision that `predict` makes. */
export function usualDecision({ multiLabel, classes, thresholds }: Predictions): Decision {
  if (thresholds) return thresholdValues(thresholds, classes);
  return multiLabel ? 0.5 : 'argmax';
}

/** What is decided of each record: (records, classes). */
export function decide({ yProb }: Pick<Predictions, 'yProb'>, decision: Decision): Indicator {
  return decision === 'argmax' ? mostProbable(yProb) : atThreshold(yProb, decision);
}

/** Scores predictions, with bootstrap intervals. The figures are those of the twins of scikit-learn and of `transplant.evaluation`. */
export function evaluate(predictions: Predictions, options: EvaluationOptions = {}): Evaluation {
  const { classes, yTrue, yProb, recordIds } = predictions;
  const { decision = usualDecision(predictions), patients, resamples = 1000, seed = 0 } = options;
  const task = `Bootstrap of ${predictions.name}`;
  const scores = withProgress(task, resamples, options.report, (onResample) =>
    bootstrapScores(yTrue, yProb, { decision, resamples, seed, groups: patients, onResample }),
  );
  const decided = decide(predictions, decision);
  const truth: Indicator = { ...decided, data: Uint8Array.from(yTrue.data) };
  const points = precisionRecallFscoreSupport(truth, decided);
  const perClass = classes.map((name, k) => {
    const [own, prob] = [columnOf(yTrue.data, classes.length, k), columnOf(yProb.data, classes.length, k)];
    const { support } = points[k];
    const both = support > 0 && support < recordIds.length;
    const calibration = calibrationCurve(own, prob);
    return {
      evaluation: {
        name,
        support,
        predicted: columnOf(decided.data, classes.length, k).reduce((sum, value) => sum + value, 0),
        ...(both && { roc: fullRocCurve(own, prob) }),
        ...(support > 0 && { precisionRecall: precisionRecallCurve(own, prob) }),
        calibration,
        calibrationError: expectedCalibrationError(calibration),
      },
      values: {
        ...points[k],
        auc: both ? rocAucScore(own, prob) : Number.NaN,
        averagePrecision: support > 0 ? averagePrecisionScore(own, prob) : Number.NaN,
      },
    };
  });
  const withValue = (interval: Interval, value: number): Interval => ({ ...interval, value });
  const defined = perClass.every(({ values }) => !Number.isNaN(values.auc));
  return {
    predictions,
    decision,
    scores: {
      ...scores,
      macroF1: withValue(scores.macroF1, macroF1(predictions, decision, scores.macroF1.value)),
      macroAuc: withValue(scores.macroAuc, defined ? auc(yTrue, yProb) : Number.NaN),
      perClass: scores.perClass.map((own, k) => {
        const { values } = perClass[k];
        return {
          precision: withValue(own.precision, values.precision),
          recall: withValue(own.recall, values.recall),
          f1: withValue(own.f1, values.f1),
          auc: withValue(own.auc, values.auc),
          averagePrecision: withValue(own.averagePrecision, values.averagePrecision),
        };
      }),
    },
    classes: perClass.map(({ evaluation }) => evaluation),
    ...(!predictions.multiLabel && decision === 'argmax' && { confusion: confusionOf(predictions, decided) }),
    calibrationError: perClass.reduce((sum, one) => sum + one.evaluation.calibrationError, 0) / classes.length,
    wrong: wrongOf(predictions, decided),
    resamples,
    seed,
    drawn: patients ? 'patients' : 'records',
  };
}

/** `transplant.evaluation.f1`. With one class it averages over the label values (Quirk Q11), which is not the F1 of the class: `own` then stands. */
function macroF1({ yTrue, yProb, classes }: Predictions, decision: Decision, own: number): number {
  if (classes.length === 1) return own;
  return decision === 'argmax' ? f1(yTrue, yProb) : f1(yTrue, yProb, { multiclass: true, threshold: decision });
}

/** Differences `b` minus `a` of two evaluations of the same records; each resample is drawn once for both. */
export function compareEvaluations(a: Evaluation, b: Evaluation, options: EvaluationOptions = {}): Scores<Interval> {
  const { resamples, seed } = a;
  const task = `Bootstrap of ${b.predictions.name} minus ${a.predictions.name}`;
  return withProgress(task, resamples, options.report, (onResample) => {
    const bootstrap: BootstrapOptions = { resamples, seed, groups: options.patients, onResample };
    const [first, second] = [a, b].map(({ predictions, decision }) => ({ yProb: predictions.yProb, decision }));
    return bootstrapDifference(a.predictions.yTrue, first.yProb, second.yProb, {
      ...bootstrap,
      decision: first.decision,
      decisionB: second.decision,
    });
  });
}

function withProgress<T>(
  task: string,
  total: number,
  report: Reporter = silent,
  work: (onResample: (done: number) => void) => T,
): T {
  report({ kind: 'start', task, total, unit: 'resamples' });
  const result = work((done) => report({ kind: 'progress', task, done }));
  report({ kind: 'end', task });
  return result;
}

/** Of records that share their highest probability between classes, the first class counts. */
function confusionOf({ yTrue, classes, recordIds }: Predictions, decided: Indicator): number[][] {
  const first = (values: ArrayLike<number>): number[] =>
    recordIds.map((_, row) => classes.findIndex((_name, k) => values[row * classes.length + k] === 1));
  return confusionMatrix(first(yTrue.data), first(decided.data), classes.length);
}

function wrongOf({ yTrue, yProb, classes, recordIds }: Predictions, decided: Indicator): Evaluation['wrong'] {
  const names = (row: number, values: ArrayLike<number>): string[] =>
    classes.filter((_, k) => values[row * classes.length + k] === 1);
  const wrong = recordIds.flatMap((record, row): WrongRecord[] => {
    const surenesses = classes.flatMap((_, k) => {
      const at = row * classes.length + k;
      if (decided.data[at] === yTrue.data[at]) return [];
      return [decided.data[at] ? yProb.data[at] : 1 - yProb.data[at]];
    });
    if (surenesses.length === 0) return [];
    const [truth, predicted] = [names(row, yTrue.data), names(row, decided.data)];
    return [{ row, record, truth, predicted, sureness: Math.max(...surenesses) }];
  });
  return { count: wrong.length, records: wrong.sort((a, b) => b.sureness - a.sureness).slice(0, mostWrong) };
}
