import { UsageError } from '../errors.ts';
import { type Callback, ReduceLROnPlateau } from '../lib/keras/callbacks.ts';
import { cosineDecay } from '../lib/keras/schedules.ts';
import { checkAmounts, checkChoices, checkCounts } from './progress.ts';

/** Choices of `--schedule`. */
export const scheduleChoices = ['cosine', 'plateau'] as const;

/** Options of the learning rate, which the original does not set. */
export interface ScheduleOptions {
  /** Learning rate, or the highest one of a schedule. Default 0.001. */
  readonly learningRate?: number;
  /** How the learning rate falls: `cosine`, along a cosine to 0 at the last step; `plateau`, when the loss no longer improves. Default: it stays. */
  readonly schedule?: (typeof scheduleChoices)[number];
  /** Steps in which the learning rate first rises from 0. */
  readonly warmupSteps?: number;
  /** `plateau`: epochs without a better loss after which the learning rate is lowered. Default 10. */
  readonly plateauPatience?: number;
  /** `plateau`: what the learning rate is multiplied by. Default 0.1. */
  readonly plateauFactor?: number;
}

/** Throws a UsageError for an option of the learning rate without a valid value, or without effect. */
export function checkScheduleOptions(options: ScheduleOptions): void {
  const { learningRate, schedule, warmupSteps, plateauPatience, plateauFactor } = options;
  checkChoices({ schedule: [schedule, scheduleChoices] });
  checkAmounts({ learningRate, plateauFactor });
  checkCounts({ warmupSteps, plateauPatience });
  if (plateauFactor !== undefined && plateauFactor >= 1) {
    throw new UsageError(`--plateau-factor: got ${plateauFactor}, expected a number below 1`);
  }
  if (schedule === 'plateau' || (plateauPatience ?? plateauFactor) === undefined) return;
  const flag = plateauPatience === undefined ? '--plateau-factor' : '--plateau-patience';
  throw new UsageError(`${flag} belongs to another schedule`, {
    got: schedule === undefined ? 'no --schedule' : `--schedule ${schedule}`,
    expected: '--schedule plateau',
  });
}

/** The learning rates of a job. */
export interface Schedule {
  /** Learning rate of a step, counted from the start of the job. */
  readonly learningRate: (step: number) => number;
  readonly callbacks: readonly Callback[];
}

/** What a schedule depends on besides its options. */
export interface ScheduledTraining {
  readonly stepsPerEpoch: number;
  readonly epochs: number;
  readonly validates: boolean;
  /** Type of the weights: Keras keeps the learning rate in it. */
  readonly dtype: 'float32' | 'float64';
}

/**
 * The learning rates of a job; undefined if the rate stays the same. Of the last step of each epoch it is added to the figures, for callbacks that come after these.
 *
 * @throws UsageError if the warm-up takes all steps of a cosine.
 */
export function scheduleOf(options: ScheduleOptions, training: ScheduledTraining): Schedule | undefined {
  const { learningRate: highest = 1e-3, schedule, warmupSteps = 0 } = options;
  const { stepsPerEpoch, epochs, validates, dtype } = training;
  if (schedule === undefined && warmupSteps === 0) return undefined;
  if (schedule === 'plateau') {
    const { plateauPatience: patience = 10, plateauFactor: factor = 0.1 } = options;
    const round = dtype === 'float32' ? Math.fround : (rate: number) => rate;
    const monitor = validates ? 'val_loss' : 'loss';
    const plateau = new ReduceLROnPlateau({ monitor, factor, patience, learningRate: highest, round });
    return {
      learningRate: (step) => (step < warmupSteps ? plateau.rate * (step / warmupSteps) : plateau.rate),
      callbacks: [plateau],
    };
  }
  const decaySteps = stepsPerEpoch * epochs - warmupSteps;
  if (schedule === 'cosine' && decaySteps <= 0) {
    throw new UsageError('--warmup-steps leaves no step for --schedule cosine', {
      got: `${warmupSteps}`,
      expected: `less than the ${stepsPerEpoch * epochs} steps of the job (${stepsPerEpoch} in each epoch)`,
    });
  }
  const cosine = cosineDecay({ initialLearningRate: 0, decaySteps, warmupTarget: highest, warmupSteps });
  const learningRate = (step: number): number => {
    return schedule === 'cosine' || step < warmupSteps ? cosine(step) : highest;
  };
  const noting: Callback = {
    async onEpochEnd(epoch, logs) {
      logs.learning_rate = learningRate((epoch + 1) * stepsPerEpoch - 1);
    },
  };
  return { learningRate, callbacks: [noting] };
}
