import type { Callback, Logs, Training } from '../../../lib/keras/callbacks.ts';
import type { NdArray } from '../../../lib/numpy/ndarray.ts';

/** Score of probabilities against the truth; its `name` is the metric's. */
export interface ScoreFunction {
  (yTrue: NdArray, yProb: NdArray): number;
  /** Python name of the metric: `f1`, `multi_f1` or `auc`. */
  readonly metricName: string;
}

/** What a checkpoint by score needs. */
export interface CustomCheckpointOptions {
  /** File of an epoch, counted from 1. */
  readonly pathOf: (epoch: number) => string;
  /** Probabilities of the scored records, in the order of `yTrue`. */
  readonly predict: () => NdArray | Promise<NdArray>;
  readonly yTrue: NdArray;
  readonly scoreFn: ScoreFunction;
  readonly saveBestOnly: boolean;
  /** Score to beat. Default −∞. */
  readonly best?: number;
}

/**
 * Saves weights by a score that Keras does not know, and puts the score into the epoch's logs for the callbacks after it. A NaN score
 * never improves (Quirk Q14). Twin of `transplant.evaluation.CustomCheckpoint`.
 */
export class CustomCheckpoint implements Callback {
  readonly #options: CustomCheckpointOptions;
  /** Best score so far; settable, so that a resumed run goes on from it. */
  best: number;

  constructor(options: CustomCheckpointOptions) {
    this.#options = options;
    this.best = options.best ?? Number.NEGATIVE_INFINITY;
  }

  /** Name under which the score stands in the logs. */
  get metricName(): string {
    return this.#options.scoreFn.metricName;
  }

  async onEpochEnd(epoch: number, logs: Logs, training: Training): Promise<void> {
    const { pathOf, predict, yTrue, scoreFn, saveBestOnly } = this.#options;
    const score = scoreFn(yTrue, await predict());
    logs[this.metricName] = score;
    const improved = score > this.best;
    if (!improved && saveBestOnly) return;
    const path = pathOf(epoch + 1);
    const change = improved
      ? `improved from ${this.best.toFixed(5)} to`
      : `did not improve from ${this.best.toFixed(5)}:`;
    training.say(
      `Epoch ${String(epoch + 1).padStart(5, '0')}: ${this.metricName} ${change} ${score.toFixed(5)}, saving weights to ${path}`,
    );
    if (improved) this.best = score;
    await training.saveWeights(path);
  }
}
