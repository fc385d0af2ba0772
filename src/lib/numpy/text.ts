import { floatRepr } from '../python/float_repr.ts';
import { fromFloat16, toFloat16 } from './float16.ts';
import type { DType } from './ndarray.ts';

/**
 * Text of one stored element as NumPy's `astype(str)` writes it: `True`, integers, and floats with the fewest digits that read back as the same
 * number in their own precision (`nan`, `inf`).
 */
export function numberText(dtype: DType, value: number | bigint): string {
  if (typeof value === 'bigint') return value.toString();
  switch (dtype) {
    case 'bool':
      return value ? 'True' : 'False';
    case 'float16':
      return shortText(fromFloat16(value), {
        round: (x) => fromFloat16(toFloat16(x)),
        digits: 5,
        fractionBits: 10,
        minExponent: -14,
      });
    case 'float32':
      return shortText(value, { round: Math.fround, digits: 9, fractionBits: 23, minExponent: -126 });
    case 'float64':
      return floatRepr(value);
    default:
      return String(value);
  }
}

interface Precision {
  readonly round: (value: number) => number;
  /** Number of significant decimal digits that always suffices. */
  readonly digits: number;
  readonly fractionBits: number;
  readonly minExponent: number;
}

function shortText(value: number, precision: Precision): string {
  if (!Number.isFinite(value) || value === 0) return floatRepr(value);
  const size = Math.abs(value);
  const shortest = shortestDecimal(size, precision);
  const sign = value < 0 ? '-' : '';
  // NumPy compares the number itself with the limits of positional notation, not its shortest decimal form.
  if (size >= 1e16 || size < 1e-4) return sign + scientific(shortest);
  return sign + positional(shortest);
}

/** Shortest decimal that reads back as `size`, in the form `d.dde±x`. If there are several, the nearest one. */
function shortestDecimal(size: number, { round, digits, fractionBits, minExponent }: Precision): string {
  const isPowerOfTwo = Number.isInteger(Math.log2(size)) && Math.log2(size) > minExponent;
  for (let count = 0; count < digits - 1; count++) {
    const nearest = size.toExponential(count);
    if (round(Number(nearest)) === size) {
      const even = nearestDecimal(size, count);
      return round(Number(even)) === size ? even : nearest;
    }
    // Below a power of two, numbers are twice as dense. So a decimal above it, although farther away, can be the only one that fits.
    if (isPowerOfTwo && Number(nearest) < size) {
      const next = Number(nearest) + 10 ** (Number(nearest.split('e')[1]) - count);
      if (next - size < size * 2 ** (-fractionBits - 1)) return next.toExponential(count);
    }
  }
  return nearestDecimal(size, digits - 1);
}

/** `toExponential`, but ties go to the even digit, as in NumPy. */
function nearestDecimal(size: number, count: number): string {
  const rounded = size.toExponential(count);
  const [exact, exponent] = size.toExponential(100).split('e') as [string, string];
  const digits = exact.replace('.', '');
  const isTie = /^50*$/.test(digits.slice(count + 1)) && (digits.charCodeAt(count) & 1) === 0;
  if (!isTie) return rounded;
  const kept = digits.slice(0, count + 1);
  return `${kept[0]}${count > 0 ? `.${kept.slice(1)}` : ''}e${exponent}`;
}

function scientific(decimal: string): string {
  const [mantissa, exponent] = decimal.split('e') as [string, string];
  const digits = exponent.replace(/^[+-]/, '').padStart(2, '0');
  return `${mantissa}e${exponent.startsWith('-') ? '-' : '+'}${digits}`;
}

function positional(decimal: string): string {
  const [mantissa, exponentText] = decimal.split('e') as [string, string];
  const digits = mantissa.replace('.', '');
  const exponent = Number(exponentText);
  if (exponent < 0) return `0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  return `${whole}.${digits.slice(exponent + 1) || '0'}`;
}
