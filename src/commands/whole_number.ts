import { UsageError } from '../errors.ts';

/** The number that a flag was given in digits; throws a UsageError outside of `least` to `most`. */
export function wholeNumber(flag: string, text: string, least: number, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new UsageError(flag, { got: text, expected: `a whole number from ${least} to ${most}` });
}
