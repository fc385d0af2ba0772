import type { Suite } from '../suite.ts';
import { activations } from './activations.ts';
import { files } from './files.ts';
import { gradients } from './gradients.ts';
import { metrics } from './metrics.ts';
import { optimiser } from './optimiser.ts';
import { outcome } from './outcome.ts';
import { predictions } from './predictions.ts';
import { preprocessing } from './preprocessing.ts';
import { published } from './published.ts';
import { sampling } from './sampling.ts';
import { splits } from './splits.ts';
import { training } from './training.ts';

/** Every suite, in the order of `suiteNames`. */
export const suites: readonly Suite[] = [
  sampling,
  preprocessing,
  splits,
  activations,
  gradients,
  optimiser,
  training,
  predictions,
  metrics,
  files,
  published,
  outcome,
];
