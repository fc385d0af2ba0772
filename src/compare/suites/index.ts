import type { Suite } from '../suite.ts';

/** Every suite, in the order of `suiteNames`. */
export const suites: readonly Suite[] = [];
