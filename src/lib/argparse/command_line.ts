import { type Action, ArgumentParser, type HelpFormatterOptions, RawTextHelpFormatter, SUPPRESS } from 'argparse';
import { UsageError } from '../../errors.ts';
import { near } from '../near.ts';
import {
  type FlagGroups,
  type FlagsIn,
  type FlagTable,
  flagOf,
  flagsIn,
  lineOf,
  requireFlags,
  type ValueOf,
  type Values,
} from './flags.ts';
import { text } from './types.ts';

/** What may stand on a command line beside flags. */
interface Words {
  /** Word for it in `--help`. */
  readonly name: string;
  readonly help: string;
  /** How many: one (the default), at least one, or any number. */
  readonly count?: 'some' | 'any';
}

/** A command line as `--help` shows it. */
export interface CommandLine<G extends FlagGroups> {
  /** As typed, such as `ecg-transplant pack`. */
  readonly program: string;
  /** What follows the program; default: the required flags and words, then `[options]`. */
  readonly usage?: string;
  readonly about: string;
  /** Flags of the original may be abbreviated, as in Python. */
  readonly abbreviations?: boolean;
  readonly words?: Words;
  readonly flags: G;
  /** What follows the flags. */
  readonly notes?: string;
  /** Command lines that work. */
  readonly examples?: string;
}

/** Text of `--help`. */
export function helpOf<G extends FlagGroups>(line: CommandLine<G>): string {
  return parserOf(line).format_help();
}

/**
 * Reads a command line on which every word must be known.
 *
 * @throws UsageError in one sentence, with the nearest flag for one that does not exist.
 */
export function parse<G extends FlagGroups>(
  line: CommandLine<G>,
  args: readonly string[],
): { readonly values: Values<FlagsIn<G>>; readonly words: readonly string[] } {
  const table: FlagTable = flagsIn(line.flags) as FlagTable;
  const [{ words, ...values }, unknown] = parserOf(line).parse_known_intermixed_args([...args]);
  if (unknown.length > 0) {
    const strange = unknown.find((word) => word.startsWith('-'))?.replace(/=.*/, '');
    throw new UsageError(`unrecognized arguments: ${unknown.join(' ')}`, {
      next: strange && near(strange, Object.keys(table).map(flagOf)),
    });
  }
  requireFlags(values, table);
  return { values: values as Values<FlagsIn<G>>, words: words === undefined ? [] : [words].flat() };
}

/** What a command line of a twin says. */
export interface Known<T extends FlagTable> {
  /** Values by flag; those that were not given are absent. */
  readonly given: { readonly [F in keyof T]?: Exclude<ValueOf<T[F]>, undefined> };
  /** Words that no flag takes. */
  readonly ignored: readonly string[];
}

/**
 * Reads a command line as `argparse.ArgumentParser.parse_known_args` of Python 3.11 does: unambiguous beginnings of flags, the last of several values,
 * and unknown words set aside (Quirk Q41). Required flags are checked by `requireFlags`.
 *
 * @throws UsageError in argparse's words.
 */
export function parseKnown<T extends FlagTable>(args: readonly string[], table: T): Known<T> {
  const parser = parserOf({ program: '', about: '', abbreviations: true, flags: { options: table } }, 'absent');
  const [given, ignored] = parser.parse_known_args<object>([...args]);
  return { given: { ...given } as Known<T>['given'], ignored };
}

/** Method of the library that its types leave out. */
interface Inside {
  /** What a word that is no flag may abbreviate. */
  _get_option_tuples(word: string): [action: Action, ...unknown[]][];
}

class Parser extends ArgumentParser {
  /** Words that begin with a dash and are values: those of Python 3.11, while the library follows 3.14. */
  readonly _negative_number_matcher = /^-\d+$|^-\d*\.\d+$/;
  readonly unabbreviated = new Set<Action>();

  override error(message: string): never {
    throw new UsageError(message);
  }

  _get_option_tuples(word: string): [action: Action, ...unknown[]][] {
    const found = (ArgumentParser.prototype as unknown as Inside)._get_option_tuples.call(this, word);
    return found.filter(([action]) => !this.unabbreviated.has(action));
  }
}

/** Leaves the lines of texts as they are written. */
class Formatter extends RawTextHelpFormatter {
  constructor(options: HelpFormatterOptions) {
    super({ ...options, max_help_position: 30, width: 120 });
  }
}

function parserOf(
  { program, usage, about, abbreviations = false, words, flags, notes, examples }: CommandLine<FlagGroups>,
  missing: 'defaults' | 'absent' = 'defaults',
): Parser {
  const parser = new Parser({
    prog: program,
    usage: `${program} ${usage ?? usageOf(flags, words)}`,
    description: about,
    epilog: [notes, examples && `Examples:\n${examples.replaceAll(/^/gm, '  ')}`].filter(Boolean).join('\n\n'),
    formatter_class: Formatter,
    add_help: false,
    allow_abbrev: abbreviations,
    color: false,
  });
  const groups = Object.entries(flags).map(([title, table]) => ({ group: parser.add_argument_group(title), table }));
  if (words) {
    const nargs = { one: undefined, some: '+', any: '*' } as const;
    groups[0].group.add_argument('words', {
      nargs: nargs[words.count ?? 'one'],
      metavar: words.name,
      help: escaped(words.help),
    });
  }
  for (const { group, table } of groups) {
    for (const [name, flag] of Object.entries(table)) {
      const { value, type = text, short, repeated, addition } = flag;
      const typed = flagOf(name);
      const action = group.add_argument(short ? `-${short}` : typed, ...(short ? [typed] : []), {
        dest: name,
        help: escaped(lineOf(flag)),
        default: missing === 'absent' || value === undefined ? SUPPRESS : flag.default,
        ...(value === undefined
          ? { action: 'store_true' }
          : {
              action: repeated ? 'append' : 'store',
              metavar: value,
              type: (text: string) => type.read(text, typed),
            }),
      });
      if (addition) parser.unabbreviated.add(action);
    }
  }
  const help = { action: 'store_true', default: SUPPRESS, help: 'show this text and exit' };
  parser.unabbreviated.add(groups.at(-1)!.group.add_argument('-h', '--help', help));
  return parser;
}

function usageOf(flags: FlagGroups, words: Words | undefined): string {
  const required = Object.entries(flagsIn(flags) as FlagTable).filter(([, flag]) => flag.required);
  const parts = required.map(([name, { value }]) => `${flagOf(name)} ${value}`);
  if (words) parts.unshift({ one: words.name, some: `${words.name}…`, any: `[${words.name}…]` }[words.count ?? 'one']);
  return [...parts, '[options]'].join(' ');
}

/** The library replaces `%(name)s` in help texts. */
function escaped(help: string): string {
  return help.replaceAll('%', '%%');
}
