import { UsageError } from '../../errors.ts';
import type { Type } from './types.ts';

/** A flag: one declaration, from which parsing, its default, its line of `--help`, errors and its name in `config.json` follow. */
export interface Flag {
  /** What it does, in the imperative or as a noun phrase, without its default. */
  readonly help: string;
  /** A letter that does the same with one dash. */
  readonly short?: string;
  /** Word for its value in `--help`; a flag without one is a switch. */
  readonly value?: string;
  /** Default: any text. */
  readonly type?: Type<unknown>;
  readonly default?: unknown;
  /** What `--help` says of the default, where it is not the value's text. */
  readonly defaultText?: string;
  readonly required?: true;
  /** May be given several times; the value is a list. */
  readonly repeated?: true;
  /** Not in the original; it has to be written in full, so that the original's abbreviations keep their meaning. */
  readonly addition?: true;
}

/** Flags by their names in the API: `batchSize` is typed as `--batch-size`. */
export type FlagTable = Readonly<Record<string, Flag>>;

/** Flags by the titles under which `--help` shows them. */
export type FlagGroups = Readonly<Record<string, FlagTable>>;

type Single<F> = F extends { readonly type: Type<infer T> } ? T : string;
type IsSet<F> = F extends { readonly default: unknown } | { readonly required: true } ? true : false;
/** What a flag's value is, as TypeScript sees its declaration. */
export type ValueOf<F> = F extends { readonly value: string }
  ? F extends { readonly repeated: true }
    ? readonly Single<F>[] | undefined
    : IsSet<F> extends true
      ? Single<F>
      : Single<F> | undefined
  : true | undefined;
type Intersection<U> = (U extends unknown ? (value: U) => void : never) extends (value: infer I) => void ? I : never;

/** All flags of some groups. */
export type FlagsIn<G extends FlagGroups> = Intersection<G[keyof G]>;

/** Values of flags; undefined for one that was not given and has no default. */
export type Values<T> = { readonly [F in keyof T]: ValueOf<T[F]> };

/** A flag as typed, by its name in the API: `batchSize` is `--batch-size`. */
export function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** The flags of all groups in one table. */
export function flagsIn<G extends FlagGroups>(groups: G): FlagsIn<G> {
  return Object.assign({}, ...Object.values(groups));
}

/** Flags in groups for `--help`, by the names in each. */
export function grouped(table: FlagTable, groups: Readonly<Record<string, readonly string[]>>): FlagGroups {
  return Object.fromEntries(
    Object.entries(groups).map(([title, names]) => [
      title,
      Object.fromEntries(names.map((name) => [name, table[name]])),
    ]),
  );
}

/** What flags mean that are not given, by their names in the API. */
export function defaultsOf(table: FlagTable): Record<string, string | number> {
  const set = Object.entries(table).filter(([, { default: value }]) => value !== undefined);
  return Object.fromEntries(set.map(([name, { default: value }]) => [name, value as string | number]));
}

/** Throws a UsageError, in argparse's words, unless all required flags have a value. */
export function requireFlags(values: Readonly<Record<string, unknown>>, table: FlagTable): void {
  const missing = Object.keys(table).filter((name) => table[name].required && values[name] === undefined);
  if (missing.length === 0) return;
  throw new UsageError(`the following arguments are required: ${missing.map(flagOf).join(', ')}`);
}

/** A flag's lines of `--help`, without the flag: wrapped, unless the text has lines of its own. */
export function lineOf({ help, required, default: value, defaultText = String(value ?? '') }: Flag): string {
  const note = required ? '(required)' : defaultText && `(default: ${defaultText})`;
  const whole = [help, note].filter(Boolean).join(help.endsWith('\n') ? '' : ' ');
  return help.includes('\n') ? whole : whole.replace(/(.{1,90})( |$)/g, '$1\n').trimEnd();
}
