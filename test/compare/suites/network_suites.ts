import { suites } from '../../../src/compare/suites/index.ts';

const names = [
  'weights',
  'initialisers',
  'activations',
  'gradients',
  'optimiser',
  'training',
  'replicas',
  'resume',
  'predictions',
];

/** The suites about networks. */
export const networkSuites = suites.filter(({ name }) => names.includes(name));
