import { suites } from '../../../src/compare/suites/index.ts';

const names = ['weights', 'initialisers', 'activations', 'gradients', 'optimiser', 'training', 'resume', 'predictions'];

/** The suites about networks. */
export const networkSuites = suites.filter(({ name }) => names.includes(name));
