import { UsageError } from '../errors.ts';
import type { AdamOptions } from '../graph/optimizers.ts';
import { checkAmounts } from './progress.ts';

/** Options of the optimiser, which the original does not set; names and meaning are those of Keras's Adam. */
export type OptimizerOptions = Pick<AdamOptions, 'learningRate' | 'clipnorm' | 'globalClipnorm' | 'weightDecay'>;

/** Throws a UsageError for an option of the optimiser without a valid value, and for two that exclude each other. */
export function checkOptimizerOptions(options: OptimizerOptions): void {
  const { clipnorm, globalClipnorm, weightDecay } = options;
  checkAmounts({ clipnorm, globalClipnorm, weightDecay });
  if (clipnorm === undefined || globalClipnorm === undefined) return;
  throw new UsageError('--clipnorm and --global-clipnorm exclude each other', { expected: 'one of them' });
}

/** The options of the optimiser among those of a job. */
export function optimizerOptionsOf(options: OptimizerOptions): OptimizerOptions {
  const { learningRate, clipnorm, globalClipnorm, weightDecay } = options;
  return { learningRate, clipnorm, globalClipnorm, weightDecay };
}
