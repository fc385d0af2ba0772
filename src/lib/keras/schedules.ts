/** Settings of `cosineDecay`; names are those of `keras.optimizers.schedules.CosineDecay`. */
export interface CosineDecayOptions {
  readonly initialLearningRate: number;
  /** Steps of the decay. */
  readonly decaySteps: number;
  /** Learning rate at the end of the warm-up; without it there is none. */
  readonly warmupTarget?: number;
  /** Steps of the warm-up, before those of the decay. */
  readonly warmupSteps?: number;
}

/**
 * Learning rate of each step, counted from 0: it rises in a straight line from the initial rate to the target of the warm-up, then falls to 0 along half a period of the cosine. Without a
 * warm-up it falls from the initial rate. Twin of `keras.optimizers.schedules.CosineDecay`, in float64.
 */
export function cosineDecay(options: CosineDecayOptions): (step: number) => number {
  const { initialLearningRate, decaySteps, warmupTarget = initialLearningRate } = options;
  const warmupSteps = options.warmupTarget === undefined ? 0 : (options.warmupSteps ?? 0);
  return (step) => {
    if (step < warmupSteps) return (warmupTarget - initialLearningRate) * (step / warmupSteps) + initialLearningRate;
    const done = Math.min(step - warmupSteps, decaySteps) / decaySteps;
    return warmupTarget * (0.5 * (1 + Math.cos(Math.PI * done)));
  };
}
