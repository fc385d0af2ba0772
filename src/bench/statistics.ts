/** Summary of a row's rounds. Smaller is better. */
export interface RoundSummary {
  /** Medians over the rounds; null for a side that was not measured. */
  readonly port: number | null;
  readonly original: number | null;
  /** Median of the port divided by the median of the original. */
  readonly ratio: number | null;
  /** Smallest and largest ratio port / original of a single round. */
  readonly ratioRange: readonly [least: number, largest: number] | null;
}

/** Middle value, or the mean of the two middle ones. Throws a RangeError for no values and for NaN. */
export function median(values: readonly number[]): number {
  if (values.length === 0 || values.some(Number.isNaN)) {
    throw new RangeError(`a median needs numbers; got [${values.join(', ')}]`);
  }
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Summarises rounds in which both sides ran in turn: element i of both lists belongs to round i. */
export function compareRounds(port: readonly number[], original: readonly number[] | null): RoundSummary {
  if (original === null) return { port: median(port), original: null, ratio: null, ratioRange: null };
  if (port.length !== original.length) {
    throw new RangeError(`${port.length} rounds of the port, ${original.length} of the original`);
  }
  const ratios = port.map((value, round) => value / original[round]);
  return {
    port: median(port),
    original: median(original),
    ratio: median(port) / median(original),
    ratioRange: [Math.min(...ratios), Math.max(...ratios)],
  };
}
