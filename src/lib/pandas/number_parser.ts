const MAX_DIGITS = 17;
const INFINITIES: { readonly [word: string]: number } = {
  inf: Number.POSITIVE_INFINITY,
  '+inf': Number.POSITIVE_INFINITY,
  '-inf': Number.NEGATIVE_INFINITY,
  infinity: Number.POSITIVE_INFINITY,
  '+infinity': Number.POSITIVE_INFINITY,
  '-infinity': Number.NEGATIVE_INFINITY,
};
const NUMBER = /^[ \t\n\v\f\r]*([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?[ \t\n\v\f\r]*$/;
const INTEGER = /^[ \t\n\v\f\r]*([+-]?\d+)[ \t\n\v\f\r]*(.*)$/s;

/**
 * The number in a text as pandas' default parser reads it; undefined if the text is not a number. The result is not correctly rounded: the parser
 * collects the first 17 digits, including leading zeros, in a float64 and scales it by a power of ten, which can miss the nearest number by one unit
 * in the last place. Twin of `precise_xstrtod` in pandas' C parser.
 */
export function parseFloatLikePandas(text: string): number | undefined {
  const match = NUMBER.exec(text);
  if (!match) return INFINITIES[text.toLowerCase()];
  const [, sign, whole = '', decimals = '', exponentText] = match;
  if (whole.length + decimals.length === 0) return undefined;
  const usedDecimals = decimals.slice(0, Math.max(0, MAX_DIGITS - whole.length));
  let number = 0;
  for (const digit of whole.slice(0, MAX_DIGITS) + usedDecimals) number = number * 10 + (digit.charCodeAt(0) - 48);
  const exponent = Math.max(0, whole.length - MAX_DIGITS) - usedDecimals.length + exponentOf(exponentText ?? '0');
  const size = scale(number, exponent);
  if (!Number.isFinite(size)) return undefined;
  return sign === '-' ? -size : size;
}

/** pandas collects the exponent in 32 bits, which wrap around. */
function exponentOf(text: string): number {
  let exponent = 0;
  for (const digit of text.replace(/^[+-]/, '')) exponent = (Math.imul(exponent, 10) + digit.charCodeAt(0) - 48) | 0;
  return (text.startsWith('-') ? -exponent : exponent) | 0;
}

function scale(number: number, exponent: number): number {
  if (exponent > 308) return Number.POSITIVE_INFINITY;
  if (exponent > 0) return number * powerOfTen(exponent);
  if (exponent < -616) return 0;
  if (exponent < -308) return number / powerOfTen(-308 - exponent) / powerOfTen(308);
  return number / powerOfTen(-exponent);
}

/** Parsed from a literal, which gives the nearest float64; `10 ** n` may not. */
function powerOfTen(exponent: number): number {
  return Number(`1e${exponent}`);
}

/**
 * Result of reading a text as an integer: its value, or why there is none. As in pandas, an overflow is reported before a fault in the text after it.
 */
export function parseIntegerLikePandas(text: string, min: bigint, max: bigint): bigint | 'overflow' | 'invalid' {
  const match = INTEGER.exec(text);
  if (!match) return 'invalid';
  const [, digits, rest] = match;
  // More digits than any limit. BigInt is slow for very many digits.
  if (digits.replace(/^[+-]?0*/, '').length > 30) return 'overflow';
  const value = BigInt(digits.replace(/^\+/, ''));
  if (value < min || value > max) return 'overflow';
  return rest === '' ? value : 'invalid';
}
