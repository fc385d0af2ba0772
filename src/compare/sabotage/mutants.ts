import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../errors.ts';
import { RandomState } from '../../lib/numpy/random.ts';
import type { SuiteName } from '../suite.ts';
import { inScope } from './files.ts';
import { Modules } from './modules.ts';
import { mutationsOf, type Rule, type Site } from './rules.ts';

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
  /** Whether it changes a constant that other modules can read too. */
  readonly exported?: boolean;
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

/** A hand-made change, located in `src`. Throws an InputError that says where the text is now unless it occurs exactly once in its file. */
export function placeNamed(src: string, { name, file, search, replacement, suite, case: one }: NamedMutant): Mutant {
  const path = join(src, file);
  const source = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const start = source.indexOf(search);
  if (start === -1 || source.includes(search, start + 1)) {
    const others = filesInScope(src).filter(
      (other) => other !== file && readFileSync(join(src, other), 'utf8').includes(search),
    );
    const moved = start === -1 && others.length > 0 ? `The text is in ${others.join(', ')}. ` : '';
    throw new InputError(`hand-made fault "${name}": its text must occur exactly once in the file that it changes`, {
      file: path,
      got: !existsSync(path) ? 'no such file' : start === -1 ? 'no occurrence' : 'several',
      expected: search,
      next: `${moved}Adjust the fault in src/compare/sabotage/named_*.ts.`,
    });
  }
  const line = source.slice(0, start).split('\n').length;
  const end = start + search.length;
  return { id: name, file, line, start, end, replacement, replaced: search, sites: [], suite, case: one };
}

/** All rule-made mutants of the sources in scope, file by file. */
export function mutantsByRules(src: string): Mutant[] {
  const modules = new Modules(src);
  return filesInScope(src).flatMap((file) => {
    const module = modules.in(file);
    const { source } = module;
    const lines = source.split('\n');
    const seen = new Map<string, number>();
    return mutationsOf(module).map((mutation): Mutant => {
      const { rule, line, start, end, replacement, sites, exported } = mutation;
      const replaced = source.slice(start, end);
      const hash = createHash('sha256').update(JSON.stringify([lines[line - 1].trim(), replaced, replacement]));
      const key = `${file} ${rule} ${hash.digest('hex').slice(0, 8)}`;
      const again = seen.get(key) ?? 0;
      seen.set(key, again + 1);
      const id = again ? `${key}.${again}` : key;
      return { id, file, rule, line, start, end, replacement, replaced, sites, exported };
    });
  });
}

function filesInScope(src: string): string[] {
  return readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && inScope(file))
    .sort();
}

/** Folders of the core: their files come up three times as often. */
const core = ['port/', 'graph/ops/', 'lib/numpy/', 'lib/sklearn/'];

/** How often a rule comes up in a file; others once. Their changes of a value seldom make a case break off. */
const turnsOfRule: { readonly [rule in Rule]?: number } = {
  arithmetic: 3,
  bits: 3,
  boundary: 3,
  number: 3,
  function: 3,
  arguments: 2,
};

/**
 * A seeded choice of eligible mutants, taken from files and rules in turn, so that long files do not dominate; the core and the rules that
 * change values have more turns. If `eligible` admits more mutants, the earlier ones stay near the front.
 */
export function drawMutants(
  mutants: readonly Mutant[],
  count: number,
  seed: number,
  eligible: (mutant: Mutant) => boolean = () => true,
): Mutant[] {
  const shuffled = new RandomState(seed).permutation([...mutants]).filter(eligible);
  const files = groupsOf(shuffled, ({ file }) => file).map((inFile) => {
    const byRule = groupsOf(inFile, ({ rule }) => rule);
    return inTurn(byRule, ({ rule }) => (rule && turnsOfRule[rule]) ?? 1);
  });
  const turns = ({ file }: Mutant): number => (core.some((folder) => file.startsWith(folder)) ? 3 : 1);
  return inTurn(files, turns).slice(0, count);
}

function groupsOf<T>(items: readonly T[], key: (item: T) => unknown): T[][] {
  const groups = new Map<unknown, T[]>();
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return [...groups.values()];
}

/** The first items of each group, as many as it has turns, then the next ones of each, and so on. */
function inTurn<T>(groups: readonly (readonly T[])[], turns: (item: T) => number): T[] {
  const share = groups.map(([first]) => turns(first));
  const rounds = Math.max(0, ...groups.map(({ length }, i) => Math.ceil(length / share[i])));
  return Array.from({ length: rounds }, (_, round) =>
    groups.flatMap((group, i) => group.slice(round * share[i], (round + 1) * share[i])),
  ).flat();
}
