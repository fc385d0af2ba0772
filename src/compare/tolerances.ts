/** How far a floating-point row may be off, and why. */
export interface Tolerance {
  /** Largest allowed difference over the scale (largest magnitude) of the original's array. */
  readonly limit: number;
  /** Measured distance of the original from itself that the limit derives from: `limit <= 10 * noise`. */
  readonly noise: number;
  /** What the noise is and how it was measured. */
  readonly reason: string;
  /** Whether NaN and infinities may stand where both sides have the same. */
  readonly allowNonFinite?: boolean;
}

/** Every limit of the comparison, by what it limits. */
export const tolerances = {
  activations64: {
    limit: 1e-10,
    noise: 1e-12,
    reason: 'float64: sums of up to 3,584 products in another order, through 40 layers',
  },
  gradients64: {
    limit: 1e-10,
    noise: 1e-12,
    reason: 'float64: as the activations, through 40 layers and back',
  },
  losses64: { limit: 1e-9, noise: 1e-10, reason: 'float64: ten steps of two compilations drift apart' },
  weights64: { limit: 1e-8, noise: 1e-9, reason: 'float64: as the losses' },
  activations32: { limit: 1e-4, noise: 1e-5, reason: 'float32' },
  outputs32: { limit: 1e-5, noise: 1e-6, reason: 'float32' },
  gradients32: { limit: 1.5e-1, noise: 1.5e-2, reason: 'float32' },
  losses32: { limit: 1e-5, noise: 1e-6, reason: 'float32' },
  weights32: { limit: 1e-1, noise: 1e-2, reason: 'float32' },
} satisfies Record<string, Tolerance>;
