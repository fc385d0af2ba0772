import type { Suite } from '../suite.ts';
import { metrics } from './metrics.ts';
import { preprocessing } from './preprocessing.ts';
import { sampling } from './sampling.ts';

/** Every suite, in the order of `suiteNames`. */
export const suites: readonly Suite[] = [sampling, preprocessing, metrics];
