import type { Reporter } from '../../../events.ts';
import type { Session } from '../../../graph/session.ts';
import { predictAll } from '../../../jobs/batches.ts';
import { type Callback, EarlyStopping, ModelCheckpoint } from '../../../lib/keras/callbacks.ts';
import type { NdArray } from '../../../lib/numpy/ndarray.ts';
import { auc, CustomCheckpoint, f1, multiF1, type ScoreFunction } from '../../transplant/evaluation.ts';
import type { PreparedSet } from '../datasets.ts';

/** Metrics that can choose the best weights. */
export const valMetrics = ['loss', 'acc', 'f1', 'auc'] as const;
export type ValMetric = (typeof valMetrics)[number];

/** How the best epoch is chosen. */
export interface BestModelOptions {
  readonly metric: ValMetric;
  /** File for the best weights. */
  readonly path: string;
  readonly session: Session;
  readonly train: PreparedSet;
  readonly val?: PreparedSet;
  readonly batchSize: number;
  readonly multiLabel: boolean;
  readonly report: Reporter;
}

/** The callback that keeps the best weights. */
export function bestModelCheckpoint(options: BestModelOptions): Callback {
  const { metric, path, session, train, val, batchSize, multiLabel, report } = options;
  if (metric === 'loss' || metric === 'acc') {
    return new ModelCheckpoint({ pathOf: () => path, monitor: val ? `val_${metric}` : metric, saveBestOnly: true });
  }
  const set = val ?? train;
  if (!val) {
    // Quirk Q36 (changed): the original scores shuffled predictions against labels in order.
    const text = `--val-metric ${metric} without validation is scored on the training records: add --val or --val-size`;
    report({ kind: 'warning', text });
  }
  return new CustomCheckpoint({
    pathOf: () => path,
    predict: () => predictAll(session, { x: set.x }, { batchSize, name: 'scoring' }),
    yTrue: set.y,
    scoreFn: scoreFunction(metric, multiLabel),
    saveBestOnly: true,
  });
}

/**
 * The callback that ends a job with validation if a metric has not improved for so many epochs. A score must be that of the checkpoint, which comes before. Quirk Q50: by
 * default the loss is watched, whatever the metric.
 */
export function earlyStopping(metric: ValMetric, patience: number, multiLabel: boolean): Callback {
  if (metric === 'loss' || metric === 'acc') return new EarlyStopping(`val_${metric}`, patience);
  return new EarlyStopping(scoreFunction(metric, multiLabel).metricName, patience, 'max');
}

function scoreFunction(metric: 'f1' | 'auc', multiLabel: boolean): ScoreFunction {
  if (metric === 'auc') return Object.assign(auc.bind(undefined), { metricName: 'auc' });
  if (multiLabel) return Object.assign(multiF1.bind(undefined), { metricName: 'multi_f1' });
  return Object.assign((yTrue: NdArray, yProb: NdArray) => f1(yTrue, yProb), { metricName: 'f1' });
}
