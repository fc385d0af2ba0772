import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../errors.ts';
import { RandomState } from '../../lib/numpy/random.ts';
import type { SuiteName } from '../suite.ts';
import { mutationsOf, type Rule, type Site } from './rules.ts';
import { inScope } from './scope.ts';

/** One small error in one file of the port. */
export interface Mutant {
  /** Does not change as long as the changed line stays the same. */
  readonly id: string;
  /** Path below `src`. */
  readonly file: string;
  /** Line of the change, from 1. */
  readonly line: number;
  readonly start: number;
  readonly end: number;
  readonly replacement: string;
  /** What was there. */
  readonly replaced: string;
  /** Only for rule-made mutants. */
  readonly rule?: Rule;
  /** The mutant has an effect only if one of these runs. Empty if only the file is known. */
  readonly sites: readonly Site[];
  /** Only for hand-made mutants: the suite that must catch it. */
  readonly suite?: SuiteName;
  /** The case that must catch it, if it is not a quick one. */
  readonly case?: string;
}

/** A plausible programming error, inserted at one place of the port. */
export interface NamedMutant {
  /** Unique; what the error is. */
  readonly name: string;
  /** Path below `src`. */
  readonly file: string;
  /** Text that occurs there exactly once, and its replacement. */
  readonly search: string;
  readonly replacement: string;
  /** The suite that must notice it. */
  readonly suite: SuiteName;
  /** The case that must notice it, if no quick case does. */
  readonly case?: string;
}

/** The source with the mutant inserted. Throws an InputError if the mutant was made for another source. */
export function withMutant(source: string, { id, file, start, end, replaced, replacement }: Mutant): string {
  if (source.slice(start, end) !== replaced) {
    throw new InputError('this change was made for another source', {
      file,
      where: id,
      got: source.slice(start, end),
      expected: replaced,
    });
  }
  return source.slice(0, start) + replacement + source.slice(end);
}

/** A hand-made change, located in `src`. Throws an InputError unless its text occurs exactly once. */
export function placeNamed(src: string, { name, file, search, replacement, suite, case: one }: NamedMutant): Mutant {
  const source = readFileSync(join(src, file), 'utf8');
  const start = source.indexOf(search);
  if (start === -1 || source.includes(search, start + 1)) {
    throw new InputError('the text to change must occur exactly once', {
      file: join(src, file),
      where: `sabotage "${name}"`,
      got: start === -1 ? 'no occurrence' : 'several',
      expected: search,
      next: 'Adjust it in src/compare/sabotage/named_*.ts.',
    });
  }
  const line = source.slice(0, start).split('\n').length;
  const end = start + search.length;
  return { id: name, file, line, start, end, replacement, replaced: search, sites: [], suite, case: one };
}

/** All rule-made mutants of the sources in scope, file by file. */
export function mutantsByRules(src: string): Mutant[] {
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && inScope(file))
    .sort();
  return files.flatMap((file) => {
    const source = readFileSync(join(src, file), 'utf8');
    const lines = source.split('\n');
    const seen = new Map<string, number>();
    return mutationsOf(source).map((mutation): Mutant => {
      const { rule, line, start, end, replacement, sites } = mutation;
      const replaced = source.slice(start, end);
      const hash = createHash('sha256').update(JSON.stringify([lines[line - 1].trim(), replaced, replacement]));
      const key = `${file} ${rule} ${hash.digest('hex').slice(0, 8)}`;
      const again = seen.get(key) ?? 0;
      seen.set(key, again + 1);
      const id = again ? `${key}.${again}` : key;
      return { id, file, rule, line, start, end, replacement, replaced, sites };
    });
  });
}

/**
 * A seeded choice of eligible mutants, taken from files and rules in turn, so that long files do not dominate. If `eligible` admits more
 * mutants, the earlier ones stay near the front.
 */
export function drawMutants(
  mutants: readonly Mutant[],
  count: number,
  seed: number,
  eligible: (mutant: Mutant) => boolean = () => true,
): Mutant[] {
  const shuffled = new RandomState(seed).permutation([...mutants]).filter(eligible);
  const files = inTurnBy(
    shuffled,
    ({ file }) => file,
    (list) => inTurnBy(list, ({ rule }) => rule ?? ''),
  );
  return files.slice(0, count);
}

/** The first of each group, then the second of each, and so on. */
function inTurnBy<T>(items: readonly T[], key: (item: T) => string, within: (list: T[]) => T[] = (list) => list): T[] {
  const grouped = new Map<string, T[]>();
  for (const item of items) grouped.set(key(item), [...(grouped.get(key(item)) ?? []), item]);
  const groups = [...grouped.values()].map(within);
  const longest = Math.max(0, ...groups.map(({ length }) => length));
  return Array.from({ length: longest }, (_, i) => groups.flatMap((group) => group.slice(i, i + 1))).flat();
}
