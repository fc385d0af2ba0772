import { UsageError } from '../errors.ts';
import { parseNumber } from '../lib/python/number.ts';
import { knownUnits, millivoltsPer } from '../lib/wfdb/units.ts';

/** A number above 0. */
export function positive(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = parseNumber(text);
  if (value === undefined || value <= 0)
    throw new UsageError(`${option} cannot be used`, { got: text, expected: 'a number above 0' });
  return value;
}

/** A unit of voltage. */
export function unitOf(option: string, text: string | undefined): string | undefined {
  if (text !== undefined && millivoltsPer(text) === undefined)
    throw new UsageError(`${option} is not known`, { got: text, expected: knownUnits });
  return text?.trim();
}

/** Items between commas. */
export function list(text: string | undefined): string[] | undefined {
  return text
    ?.split(',')
    .map((item) => item.trim())
    .filter(Boolean);
}
