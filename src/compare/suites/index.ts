import type { Suite } from '../suite.ts';
import { activations } from './activations.ts';
import { files } from './files.ts';
import { gradients } from './gradients.ts';
import { initialisers } from './initialisers.ts';
import { metrics } from './metrics.ts';
import { optimiser } from './optimiser.ts';
import { outcome } from './outcome.ts';
import { predictions } from './predictions.ts';
import { preprocessing } from './preprocessing.ts';
import { published } from './published.ts';
import { resume } from './resume.ts';
import { sampling } from './sampling.ts';
import { splits } from './splits.ts';
import { training } from './training.ts';
import { weights } from './weights.ts';

/** Every suite, in the order of `suiteNames`. */
export const suites: readonly Suite[] = [
  sampling,
  preprocessing,
  splits,
  weights,
  initialisers,
  activations,
  gradients,
  optimiser,
  training,
  resume,
  predictions,
  metrics,
  files,
  published,
  outcome,
];
