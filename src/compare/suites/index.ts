import type { Suite } from '../suite.ts';
import { activations } from './activations/suite.ts';
import { files } from './files/suite.ts';
import { gradients } from './gradients/suite.ts';
import { initialisers } from './initialisers/suite.ts';
import { metrics } from './metrics/suite.ts';
import { optimiser } from './optimiser/suite.ts';
import { outcome } from './outcome/suite.ts';
import { predictions } from './predictions/suite.ts';
import { preprocessing } from './preprocessing/suite.ts';
import { published } from './published/suite.ts';
import { replicas } from './replicas/suite.ts';
import { resume } from './resume/suite.ts';
import { sampling } from './sampling/suite.ts';
import { splits } from './splits/suite.ts';
import { training } from './training/suite.ts';
import { weights } from './weights/suite.ts';

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
  replicas,
  resume,
  predictions,
  metrics,
  files,
  published,
  outcome,
];
