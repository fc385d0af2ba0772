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
 * Number of a text as pandas' default parser reads it; undefined if it is none. Not correctly rounded: the first 17 digits, leading zeros included, are
 * gathered in a float64 and scaled by one power of ten, which can end one ulp from the nearest number. Twin of `precise_xstrtod` in pandas' C parser.
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

/** pandas gathers the exponent in 32 bits, which wrap around. */
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

/** The literal, which is the nearest float64; `10 ** n` need not be. */
function powerOfTen(exponent: number): number {
  return Number(`1e${exponent}`);
}

/** Outcome of reading a text as an integer: its value, or why it has none. Digits that overflow count before what follows them, as in pandas. */
export function parseIntegerLikePandas(text: string, min: bigint, max: bigint): bigint | 'overflow' | 'invalid' {
  const match = INTEGER.exec(text);
  if (!match) return 'invalid';
  const [, digits, rest] = match;
  // More digits than any limit has, and BigInt takes its time for very many.
  if (digits.replace(/^[+-]?0*/, '').length > 30) return 'overflow';
  const value = BigInt(digits.replace(/^\+/, ''));
  if (value < min || value > max) return 'overflow';
  return rest === '' ? value : 'invalid';
}
