/** What `float()` of Python reads, without `nan`, `inf`, `_` between digits and digits beyond ASCII. */
const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;

/**
 * The number that a text states in decimal, blanks around it allowed; undefined for any other text: `0x1F`, `1_000`, `nan`, an empty one, or a number too
 * large for a float64. The one way in which numbers of files and of command lines are read.
 */
export function parseNumber(text: string): number | undefined {
  const digits = text.trim();
  const value = NUMBER.test(digits) ? Number(digits) : Number.NaN;
  return Number.isFinite(value) ? value : undefined;
}
