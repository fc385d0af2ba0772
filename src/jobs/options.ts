import { boolean, integer, number, optional, pipe, strictObject, string } from 'valibot';
import { UsageError } from '../errors.ts';
import { anyNumber } from '../lib/json/fields.ts';

/** A flag of a trainer: how its text is read, and what `--help` says of it. */
export interface FlagSpec {
  readonly type: 'text' | 'integer' | 'number' | 'switch';
  readonly help: string;
  readonly required?: boolean;
  readonly default?: string | number;
  /** Not in the original; such a flag has to be written in full, so that the original's abbreviations keep their meaning. */
  readonly addition?: boolean;
}

/** Flags by name, without the dashes. */
export type FlagTable = Readonly<Record<string, FlagSpec>>;

type ValueOf<S extends FlagSpec> = S['type'] extends 'text' ? string : S['type'] extends 'switch' ? boolean : number;

/** Values by flag; those that were not given are absent. */
export type FlagValues<T extends FlagTable> = { readonly [F in keyof T]?: ValueOf<T[F]> };

/** What a command line says. */
export interface ParsedFlags<T extends FlagTable> {
  readonly given: FlagValues<T>;
  /** Words that no flag takes. */
  readonly ignored: readonly string[];
}

/**
 * Reads a command line as `argparse.ArgumentParser.parse_known_args` does: `--flag value` or `--flag=value`, unambiguous beginnings of
 * flags, the last of several values, and unknown words set aside (Quirk Q41). Required flags are checked by `requireFlags`.
 *
 * @throws UsageError for a flag without a value, an ambiguous beginning, or a text that is no number.
 */
export function parseFlags<T extends FlagTable>(args: readonly string[], table: T): ParsedFlags<T> {
  const given: Record<string, string | number | boolean> = {};
  const ignored: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const word = args[i];
    if (word === '--') {
      ignored.push(...args.slice(i));
      break;
    }
    const { flag, text } = findFlag(word, table);
    if (flag === undefined) {
      ignored.push(word);
      continue;
    }
    const spec = table[flag];
    if (spec.type === 'switch') {
      if (text !== undefined) throw new UsageError(`argument --${flag}: ignored explicit argument '${text}'`);
      given[flag] = true;
      continue;
    }
    const next = args[i + 1];
    if (text === undefined && (next === undefined || !isValue(next))) {
      throw new UsageError(`argument --${flag}: expected one argument`);
    }
    given[flag] = readValue(flag, spec, text ?? next);
    if (text === undefined) i++;
  }
  return { given: given as FlagValues<T>, ignored };
}

/** What the options of a job have to be, by the names of the API, where they do not come from a command line. */
export function optionsSchema(table: FlagTable) {
  const types = { text: string(), integer: pipe(number(), integer()), number: anyNumber, switch: boolean() } as const;
  return strictObject(
    Object.fromEntries(Object.entries(table).map(([flag, { type }]) => [optionName(flag), optional(types[type])])),
  );
}

/** A flag's name in the API: `batch-size` is `batchSize`. */
export function optionName(flag: string): string {
  return flag.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** Throws a UsageError, in argparse's words, unless all required flags have a value. */
export function requireFlags(values: Readonly<Record<string, unknown>>, table: FlagTable): void {
  const missing = Object.keys(table).filter((flag) => table[flag].required && values[flag] === undefined);
  if (missing.length === 0) return;
  throw new UsageError(`the following arguments are required: ${missing.map((flag) => `--${flag}`).join(', ')}`);
}

/** The lines of `--help` that describe the flags: those of the original, then the additions. */
export function describeFlags(table: FlagTable): string {
  const usage = Object.fromEntries(
    Object.entries(table).map(([flag, { type }]) => [
      flag,
      type === 'switch' ? `--${flag}` : `--${flag} ${words[type]}`,
    ]),
  );
  const width = Math.max(...Object.values(usage).map(({ length }) => length));
  const lines = (addition: boolean): string[] =>
    Object.entries(table)
      .filter(([, spec]) => (spec.addition ?? false) === addition)
      .map(([flag, spec]) => {
        const note = spec.required ? ' (required)' : spec.default === undefined ? '' : ` (default ${spec.default})`;
        return `  ${usage[flag].padEnd(width)}  ${spec.help}${note}`;
      });
  return `Options of the original:\n${lines(false).join('\n')}\n\nAdditions (write them in full):\n${lines(true).join('\n')}\n`;
}

/** A flag as typed, by its name in the API: `batchSize` is `--batch-size`. */
export function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** What flags mean that are not given, by their names in the API. */
export function defaultsOf(table: FlagTable): Record<string, string | number> {
  return Object.fromEntries(
    Object.entries(table).flatMap(([flag, spec]) =>
      spec.default === undefined ? [] : [[optionName(flag), spec.default]],
    ),
  );
}

const words = { text: 'TEXT', integer: 'N', number: 'NUMBER', switch: '' } as const;

function findFlag(word: string, table: FlagTable): { flag?: string; text?: string } {
  if (!word.startsWith('--')) return {};
  const equals = word.indexOf('=');
  const name = word.slice(2, equals === -1 ? undefined : equals);
  const text = equals === -1 ? undefined : word.slice(equals + 1);
  if (Object.hasOwn(table, name)) return { flag: name, text };
  // With a blank in it argparse takes an unknown word for a value.
  if (equals === -1 && word.includes(' ')) return {};
  const candidates = Object.keys(table).filter((flag) => !table[flag].addition && flag.startsWith(name));
  if (candidates.length > 1) {
    const list = candidates.map((flag) => `--${flag}`).join(', ');
    throw new UsageError(`ambiguous option: --${name} could match ${list}`);
  }
  return { flag: candidates[0], text };
}

/** Whether argparse takes the word for a value: no dash in front, a negative number, or a blank in it. */
function isValue(word: string): boolean {
  return !word.startsWith('-') || word === '-' || /^-\d+$|^-\d*\.\d+$/.test(word) || word.includes(' ');
}

function readValue(flag: string, { type }: FlagSpec, text: string): string | number {
  if (type === 'text') return text;
  const value = type === 'integer' ? pythonInt(text) : pythonFloat(text);
  if (value === undefined) {
    throw new UsageError(`argument --${flag}: invalid ${type === 'integer' ? 'int' : 'float'} value: '${text}'`);
  }
  return value;
}

/** Twin of `int(text)`, within what a double holds exactly. */
function pythonInt(text: string): number | undefined {
  const digits = text.trim();
  if (!/^[+-]?\d+(_\d+)*$/.test(digits)) return undefined;
  const value = Number(digits.replaceAll('_', ''));
  return Number.isSafeInteger(value) ? value : undefined;
}

/** Twin of `float(text)`. */
function pythonFloat(text: string): number | undefined {
  const number = text.trim();
  const special = /^([+-]?)(inf|infinity|nan)$/i.exec(number);
  if (special) {
    if (special[2].toLowerCase() === 'nan') return Number.NaN;
    return special[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  }
  const digits = String.raw`\d+(?:_\d+)*`;
  if (!new RegExp(`^[+-]?(?:${digits}\\.?(?:${digits})?|\\.${digits})(?:e[+-]?${digits})?$`, 'i').test(number)) {
    return undefined;
  }
  return Number(number.replaceAll('_', ''));
}

/**
 * Milliseconds of a limit on time as job schedulers write it: `90m`, `2h`, `30s`, `HH:MM:SS`, `DAYS-HH:MM:SS`, or minutes as a plain number.
 *
 * @throws UsageError for another text, and for no time at all.
 */
export function parseDuration(option: string, text: string): number {
  const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };
  const [, amount, unit = 'm'] = /^(\d+(?:\.\d+)?)([smhd]?)$/.exec(text) ?? [];
  const [, days = '0', hours, minutes, seconds] = /^(?:(\d+)-)?(\d+):([0-5]?\d):([0-5]?\d)$/.exec(text) ?? [];
  const total =
    amount !== undefined
      ? Number(amount) * units[unit || 'm']
      : Number(days) * 86_400 + Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
  // Timers hold 2^31 ms, about 24 days.
  if (!(total > 0 && total * 1000 < 2 ** 31)) {
    throw new UsageError(`${option} cannot be used`, {
      got: text,
      expected: 'a time such as 90m, 23.5h or 11:30:00, at most 24 days; a number alone is minutes',
    });
  }
  return total * 1000;
}
