import { studentQuantile } from './student.ts';

/** Fewest trials per side for a statement about a difference. */
export const trialsForStatement = 5;

/** A figure over several trials that differ in their seeds. */
export interface TrialSummary {
  readonly trials: number;
  readonly mean: number;
  /** Sample standard deviation (n − 1); NaN for one trial. */
  readonly std: number;
}

/** What paired trials say about a difference, given a margin that was fixed in advance. */
export type Conclusion =
  | 'too few trials'
  /** The whole interval is above the margin, or above zero. */
  | 'higher by more than the margin'
  | 'higher'
  | 'lower by more than the margin'
  | 'lower'
  /** The whole interval is within the margin around zero. */
  | 'equal within the margin'
  | 'open';

/** Difference of two jobs over trials with the same seeds. */
export interface PairedDifference extends TrialSummary {
  /** Student's 95 % interval of the mean; infinite for one trial. */
  readonly low: number;
  readonly high: number;
  readonly margin: number;
  readonly conclusion: Conclusion;
}

/** Mean and standard deviation. Throws a RangeError for no values or NaN. */
export function summarise(values: readonly number[]): TrialSummary {
  if (values.length === 0 || values.some(Number.isNaN)) {
    throw new RangeError(`expected figures of at least one trial, got ${values.join(', ') || 'none'}`);
  }
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return {
    trials: values.length,
    mean,
    std: values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : Number.NaN,
  };
}

/** Mean over trials with Student's interval, which is infinite for one trial. `confidence` defaults to .95. */
export function meanInterval(
  values: readonly number[],
  confidence = 0.95,
): TrialSummary & { readonly low: number; readonly high: number } {
  const summary = summarise(values);
  const { trials, mean, std } = summary;
  const reach =
    trials > 1
      ? (studentQuantile((1 + confidence) / 2, trials - 1) * std) / Math.sqrt(trials)
      : Number.POSITIVE_INFINITY;
  return { ...summary, low: mean - reach, high: mean + reach };
}

/**
 * Differences `a[i] − b[i]` of trials with the same seed. `confidence` is that of the interval, default .95.
 *
 * @throws RangeError if the sides have different numbers of trials.
 */
export function pairedDifference(
  a: readonly number[],
  b: readonly number[],
  { margin, confidence = 0.95 }: { readonly margin: number; readonly confidence?: number },
): PairedDifference {
  if (a.length !== b.length) throw new RangeError(`${a.length} and ${b.length} trials cannot be paired`);
  const found = meanInterval(
    a.map((value, i) => value - b[i]),
    confidence,
  );
  return { ...found, margin, conclusion: conclude(found.trials, found.low, found.high, margin) };
}

function conclude(trials: number, low: number, high: number, margin: number): Conclusion {
  if (trials < trialsForStatement) return 'too few trials';
  if (low > margin) return 'higher by more than the margin';
  if (high < -margin) return 'lower by more than the margin';
  if (low >= -margin && high <= margin) return 'equal within the margin';
  if (low > 0) return 'higher';
  if (high < 0) return 'lower';
  return 'open';
}
