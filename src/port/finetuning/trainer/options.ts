import { UsageError } from '../../../errors.ts';
import { kernelChoices } from '../../../graph/kernels.ts';
import { precisionChoices } from '../../../graph/precision.ts';
import { parseAugmentation } from '../../../jobs/augmentation.ts';
import type { JobOptions } from '../../../jobs/job.ts';
import { checkOptimizerOptions, type OptimizerOptions } from '../../../jobs/optimizer_options.ts';
import { checkChoices, checkCounts } from '../../../jobs/progress.ts';
import { checkScheduleOptions, type ScheduleOptions } from '../../../jobs/schedule.ts';
import { ruleOr } from '../../../lib/thresholds.ts';
import { archs } from '../utils.ts';
import { type ValMetric, valMetrics } from './best_model.ts';
import { type ClassWeights, classWeightChoices } from './class_weights.ts';

/** Options of a finetuning job; names and defaults are those of `finetuning.trainer`'s flags. */
export interface FinetuneOptions extends JobOptions {
  /** Prepared training set: a gzip pickle as `prepare-data` writes it. */
  readonly train: string;
  /** Prepared validation set; takes precedence over `valSize`. */
  readonly val?: string;
  /** Prepared test set. */
  readonly test?: string;
  /** Pretrained backbone or whole-model weights. */
  readonly weightsFile?: string;
  /** Training records to validate on instead: a count if at least 1, else a fraction. */
  readonly valSize?: number;
  /** `resnet18` (default), `resnet34` or `resnet50`. */
  readonly arch?: string;
  /** Training records to keep after the validation records are taken away: a count if at least 1, else a fraction. */
  readonly subset?: number;
  /** Records per step. Default 32. */
  readonly batchSize?: number;
  /** Default `loss`. */
  readonly valMetric?: ValMetric;
  /** Whether `valSize` and `subset` divide records (as the original does) or patients. Default: patients where they are known, except in
   * the published collections. */
  readonly split?: 'record' | 'patient';
  /** How a threshold is chosen for each class on the validation records: `f1`, `youden`, `sensitivity=S`, or `default` for none. */
  readonly threshold?: string;
  /** Use this one lead only. */
  readonly channel?: number;
  /** `balanced`: weigh the losses so that rare labels count as much as frequent ones. Default: no weights. */
  readonly classWeights?: ClassWeights;
  /** Changes of the training recordings, drawn anew in each epoch; see `parseAugmentation`. Default: none. */
  readonly augment?: string;
  /** Metric whose standstill in validation ends the job; `f1` and `auc` only with the same `valMetric`. Default `loss`. */
  readonly stopMetric?: ValMetric;
  /** Epochs without an improvement after which the job ends. Default 50. */
  readonly stopPatience?: number;
  /** Epochs at the start that train only the head. Default 0. */
  readonly freezeEpochs?: number;
}

const splits = ['record', 'patient'] as const;

/** Throws a UsageError for an option without a valid value. */
export function checkOptions(options: FinetuneOptions): void {
  const { valMetric = 'loss', arch, precision, kernels, batchSize, epochs, split, seed, initSeed } = options;
  checkChoices({
    valMetric: [valMetric, valMetrics],
    arch: [arch, archs],
    split: [split, splits],
    precision: [precision, precisionChoices],
    kernels: [kernels, kernelChoices],
  });
  checkCounts({ batchSize, epochs, seed, initSeed });
  checkTrainingOptions({
    ...options,
    startsFromWeights: options.weightsFile !== undefined,
    validates: options.val !== undefined || Boolean(options.valSize),
  });
  const { threshold = 'default', val, valSize } = options;
  if (ruleOr(['default']).read(threshold, '--threshold') !== 'default' && !val && !valSize) {
    throw new UsageError('--threshold: thresholds are chosen on validation records', {
      got: threshold,
      next: 'Add --val FILE or --val-size 0.1',
    });
  }
}

/** The options that the original does not have, and what they depend on: whether the job validates, and whether it starts from weights of a file. */
export interface TrainingOptions
  extends OptimizerOptions,
    ScheduleOptions,
    Pick<FinetuneOptions, 'valMetric' | 'stopMetric' | 'stopPatience' | 'classWeights' | 'augment' | 'freezeEpochs'> {
  readonly validates: boolean;
  readonly startsFromWeights: boolean;
}

/** Throws a UsageError for such an option without a valid value, or without effect. */
export function checkTrainingOptions(options: TrainingOptions): void {
  const { classWeights, freezeEpochs, startsFromWeights, validates } = options;
  const { valMetric = 'loss', stopMetric, stopPatience } = options;
  checkChoices({ classWeights: [classWeights, classWeightChoices] });
  checkCounts({ freezeEpochs, stopPatience });
  checkChoices({ stopMetric: [stopMetric, valMetrics] });
  if ((stopMetric ?? stopPatience) !== undefined && !validates) {
    const flag = stopMetric === undefined ? '--stop-patience' : '--stop-metric';
    throw new UsageError(`${flag} needs validation`, { expected: '--val FILE or --val-size SIZE' });
  }
  if ((stopMetric === 'f1' || stopMetric === 'auc') && stopMetric !== valMetric) {
    throw new UsageError(`--stop-metric ${stopMetric} needs the same metric for the best weights`, {
      got: `--val-metric ${valMetric}`,
      expected: `--val-metric ${stopMetric}`,
    });
  }
  if (freezeEpochs !== undefined && !startsFromWeights) {
    throw new UsageError('--freeze-epochs without --weights-file would keep random weights', {
      expected: '--weights-file FILE',
    });
  }
  if (options.augment !== undefined) parseAugmentation(options.augment);
  checkOptimizerOptions(options);
  checkScheduleOptions(options);
}
