import type { Suite } from '../../../src/compare/suite.ts';
import { activations } from '../../../src/compare/suites/activations.ts';
import { gradients } from '../../../src/compare/suites/gradients.ts';
import { initialisers } from '../../../src/compare/suites/initialisers.ts';
import { optimiser } from '../../../src/compare/suites/optimiser.ts';
import { predictions } from '../../../src/compare/suites/predictions.ts';
import { resume } from '../../../src/compare/suites/resume.ts';
import { training } from '../../../src/compare/suites/training.ts';
import { weights } from '../../../src/compare/suites/weights.ts';

/** The suites about networks. */
export const networkSuites: readonly Suite[] = [
  weights,
  initialisers,
  activations,
  gradients,
  optimiser,
  training,
  resume,
  predictions,
];
