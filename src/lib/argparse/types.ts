import { UsageError } from '../../errors.ts';
import { near } from '../near.ts';
import { parseNumber } from '../python/number.ts';

/** How the text of a flag becomes its value. */
export interface Type<T> {
  /** @throws UsageError that names the flag, for a text that is no such value. */
  read(text: string, flag: string): T;
}

/** A type from a function that gives undefined for what it cannot read; `expected` completes "expected …". */
export function typeOf<T>(expected: string, read: (text: string) => T | undefined): Type<T> {
  return {
    read(text, flag) {
      const value = read(text);
      if (value === undefined) throw new UsageError(`${flag}: invalid value`, { got: text, expected });
      return value;
    },
  };
}

/** A whole number in digits. */
export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER): Type<number> {
  const range = most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
  return typeOf(`a whole number ${range}`, (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    return value >= least && value <= most ? value : undefined;
  });
}

/** A finite number. */
export const number = typeOf('a number', parseNumber);

/** A number above 0. */
export const positive = typeOf('a number above 0', (text) => {
  const value = parseNumber(text);
  return value !== undefined && value > 0 ? value : undefined;
});

/** One of several words. */
export function oneOf<const T extends string>(choices: readonly T[]): Type<T> {
  return {
    read(text, flag) {
      const choice = choices.find((one) => one === text);
      if (choice !== undefined) return choice;
      throw new UsageError(`${flag}: invalid value`, {
        got: text,
        expected: choices.length === 1 ? choices[0] : `${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}`,
        next: near(text, choices),
      });
    },
  };
}

/** Items between commas. */
export function listOf<T>(item: Type<T>): Type<T[]> {
  return {
    read: (text, flag) =>
      text
        .split(',')
        .map((part) => part.trim())
        .filter(Boolean)
        .map((part) => item.read(part, flag)),
  };
}

/** Any text. */
export const text: Type<string> = { read: (text) => text };

/** Python's `int`, within what a double holds exactly; a wrong text is refused in argparse's words. */
export const int = pythonType('int', (text) => {
  if (!/^[+-]?\d+(_\d+)*$/.test(text)) return undefined;
  // Python has one zero.
  const value = Number(text.replaceAll('_', '')) + 0;
  return Number.isSafeInteger(value) ? value : undefined;
});

/** Python's `float`, likewise. */
export const float = pythonType('float', (text) => {
  const special = /^([+-]?)(inf|infinity|nan)$/i.exec(text);
  if (special) {
    if (special[2].toLowerCase() === 'nan') return Number.NaN;
    return special[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }
  const digits = String.raw`\d+(?:_\d+)*`;
  const pattern = new RegExp(`^[+-]?(?:${digits}\\.?(?:${digits})?|\\.${digits})(?:e[+-]?${digits})?$`, 'i');
  return pattern.test(text) ? Number(text.replaceAll('_', '')) : undefined;
});

function pythonType(name: string, read: (text: string) => number | undefined): Type<number> {
  return {
    read(text, flag) {
      const value = read(text.trim());
      if (value === undefined) throw new UsageError(`argument ${flag}: invalid ${name} value: '${text}'`);
      return value;
    },
  };
}

/** Milliseconds of a time limit as job schedulers write it: `90m`, `2h`, `30s`, `HH:MM:SS`, `DAYS-HH:MM:SS`, or minutes as a plain number. */
export const duration = typeOf(
  'a time such as 90m, 23.5h or 11:30:00, at most 24 days; a plain number means minutes',
  (text) => {
    const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };
    const [, amount, unit = 'm'] = /^(\d+(?:\.\d+)?)([smhd]?)$/.exec(text) ?? [];
    const [, days = '0', hours, minutes, seconds] = /^(?:(\d+)-)?(\d+):([0-5]?\d):([0-5]?\d)$/.exec(text) ?? [];
    const total =
      amount !== undefined
        ? Number(amount) * units[unit || 'm']
        : Number(days) * 86_400 + Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
    // Timers hold 2^31 ms, about 24 days.
    return total > 0 && total * 1000 < 2 ** 31 ? total * 1000 : undefined;
  },
);
