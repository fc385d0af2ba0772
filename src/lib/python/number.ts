/** What Python's `float()` accepts, except `nan`, `inf`, `_` between digits, and non-ASCII digits. */
const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;

/**
 * The decimal number in a text, with optional blanks around it; undefined for any other text (`0x1F`, `1_000`, `nan`, an empty text) and for a number
 * too large for a float64. All numbers in files and on command lines are read by this function.
 */
export function parseNumber(text: string): number | undefined {
  const digits = text.trim();
  const value = NUMBER.test(digits) ? Number(digits) : Number.NaN;
  return Number.isFinite(value) ? value : undefined;
}
