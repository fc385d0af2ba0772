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
