import type { Rung } from './closeness.ts';

/** How far a floating-point row may be off, and why. */
export interface Tolerance {
  /** What a row with this limit proves. */
  readonly rung: Rung;
  /** Largest allowed difference, relative to the original's array. */
  readonly limit: number;
  /** `max` (default): the worst element over the largest magnitude. `l2`: Euclidean lengths of difference and array. */
  readonly norm?: 'max' | 'l2';
  /** Measured distance of the original from itself that the limit derives from: `limit <= 10 * noise`. */
  readonly noise: number;
  /** What the noise is and how it was measured. */
  readonly reason: string;
  /** Whether NaN and infinities may stand where both sides have the same. */
  readonly allowNonFinite?: boolean;
}

const twoCompilations = 'sums in another order; the noise is that of ten losses of two compilations of one graph';

/**
 * Every limit of the comparison, by what it limits. Noise of the float32 rows: the original in float32 against the original in float64,
 * resnet18, 12 taught steps on batches of 8 × 2,048 real samples, worst array of all (2 cores, AVX-512, oneDNN on).
 */
export const tolerances = {
  activations64: { rung: 'float64', limit: 1e-11, noise: 1.3e-12, reason: `float64: ${twoCompilations}` },
  gradients64: { rung: 'float64', limit: 1e-11, noise: 1.3e-12, reason: `float64: ${twoCompilations}` },
  losses64: { rung: 'float64', limit: 1e-11, noise: 1.3e-12, reason: `float64: ${twoCompilations}` },
  weights64: { rung: 'float64', limit: 1e-11, noise: 1.3e-12, reason: `float64: ${twoCompilations}` },
  activations32: {
    rung: 'float32',
    limit: 2e-5,
    norm: 'l2',
    noise: 3.5e-6,
    reason: 'float32: sums of up to 2,560 products in another order, through 18 layers',
  },
  outputs32: {
    rung: 'float32',
    limit: 3e-6,
    norm: 'l2',
    noise: 4.9e-7,
    reason: 'float32: as the activations, after the softmax',
  },
  losses32: { rung: 'float32', limit: 2e-6, norm: 'l2', noise: 3.4e-7, reason: 'float32: as the outputs' },
  gradients32: {
    rung: 'float32',
    limit: 2.6e-2,
    norm: 'l2',
    noise: 5.2e-3,
    reason: 'float32: a rounding that turns a ReLU on or off changes whole rows of gradients',
  },
  updates32: {
    rung: 'float32',
    limit: 2.6e-2,
    norm: 'l2',
    noise: 5.4e-3,
    reason: 'float32: as the gradients that Adam averages',
  },
  statistics32: {
    rung: 'float32',
    limit: 5e-5,
    norm: 'l2',
    noise: 9.4e-6,
    reason: 'float32: mean and variance over 8 × 16 to 8 × 1,024 values of a channel',
  },
} satisfies Record<string, Tolerance>;
