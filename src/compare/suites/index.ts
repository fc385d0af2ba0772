import type { Suite } from '../suite.ts';
import { files } from './files.ts';
import { metrics } from './metrics.ts';
import { outcome } from './outcome.ts';
import { preprocessing } from './preprocessing.ts';
import { published } from './published.ts';
import { sampling } from './sampling.ts';
import { splits } from './splits.ts';

/** Every suite, in the order of `suiteNames`. */
export const suites: readonly Suite[] = [sampling, preprocessing, splits, metrics, files, published, outcome];
