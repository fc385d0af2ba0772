import { markdownTable } from 'markdown-table';
import { suiteNames } from '../suite.ts';
import type { SabotageResult, Tried } from './campaign.ts';
import { type Rule, rules } from './rules.ts';
import { type MutantVerdict, verdicts } from './verdicts.ts';

/** How many mutants there were and how they were noticed. Each mutant that was tried counts in one of the last six. */
export interface Tally {
  readonly tried: number;
  /** Noticed because a value differed. */
  readonly byValue: number;
  /** Noticed only because a case broke off, although another one ran to its end. */
  readonly byBreaking: number;
  /** Every case that was tried broke off, or the process ended: noticed, but not by a value. */
  readonly broken: number;
  /** Not noticed, and judged equivalent to the port. */
  readonly equivalent: number;
  /** Not noticed, and judged to change only what the original does not have. */
  readonly outside: number;
  /** Not noticed. */
  readonly gaps: number;
}

export function tally(tried: readonly Tried[], known: typeof verdicts = verdicts): Tally {
  const counts = { byValue: 0, byBreaking: 0, broken: 0, equivalent: 0, outside: 0, gaps: 0 };
  const done = tried.filter(({ trial }) => trial);
  for (const one of done) counts[kindOf(one, known)]++;
  return { tried: done.length, ...counts };
}

function kindOf(tried: Tried, known: typeof verdicts): Exclude<keyof Tally, 'tried'> {
  const { trial } = tried;
  if (trial?.outcome !== 'caught') {
    const is = verdictOf(tried, known)?.is ?? 'gap';
    return is === 'gap' ? 'gaps' : is;
  }
  if (trial.how === 'failed row') return 'byValue';
  return trial.finished ? 'byBreaking' : 'broken';
}

/** Number of mutants that change what the port does and run to the end: a value differed, or no case broke off. */
function ended({ byValue, gaps }: Tally): number {
  return byValue + gaps;
}

/** The verdict on a mutant that was not noticed. */
function verdictOf({ mutant, trial }: Tried, known: typeof verdicts = verdicts): MutantVerdict | undefined {
  return trial && trial.outcome !== 'caught' ? known[mutant.id] : undefined;
}

/** Whether every hand-made mutant was noticed and, by a value, 95 % of the rule-made ones that change what the port does and run to the end. */
export function succeeded({ named, byRules }: SabotageResult): boolean {
  const [hand, rule] = [tally(named), tally(byRules)];
  const complete = [...named, ...byRules].every(({ trial }) => trial);
  return complete && hand.gaps + hand.equivalent + hand.outside === 0 && rule.byValue >= 0.95 * ended(rule);
}

/** The first lines of a report. */
export function formatSummary({ named, byRules, possible, reached, seed, cases }: SabotageResult): string {
  const [hand, rule] = [tally(named), tally(byRules)];
  const failing = cases.filter(({ passed }) => !passed).length;
  const noticed = hand.byValue + hand.byBreaking + hand.broken;
  return [
    `- ${noticed} of ${hand.tried} hand-made faults were noticed by the suite that should notice them: ${hand.byValue} because a value differed, ${noticed - hand.byValue} because the case broke off.`,
    `- ${ended(rule)} of ${rule.tried} rule-made faults change what the port does and ran to the end. ${rule.byValue} of them (${percent(rule.byValue / ended(rule))}) were noticed because a value differed; ${rule.gaps} were not noticed.`,
    `- ${rule.byBreaking + rule.broken} more were noticed only because cases broke off: ${rule.broken} in every case that was tried, ${rule.byBreaking} in some. A run of any kind could have shown them, so they are not part of that share. With the ${rule.byBreaking} in it, it would be ${percent(rule.byValue / (ended(rule) + rule.byBreaking))}.`,
    `- ${rule.equivalent} more are equivalent to the port. ${rule.outside} more change only what the original does not have, such as limits against harmful files, so a comparison cannot notice them.`,
    `- The rule-made faults were drawn with seed ${seed}, in turn by file and rule, from ${reached} changes at places that the cases run (of ${possible} that the rules can make). Files of the core and rules that change values had more turns.`,
    `- ${cases.length} cases of ${new Set(cases.map(({ suite }) => suite)).size} suites took part${failing === 0 ? '' : `, except for ${failing} that did not pass on the undamaged port`}.`,
    ...(unfinished([...named, ...byRules]) === 0
      ? []
      : [`- ${unfinished([...named, ...byRules])} have not been tried yet; run the same command to go on.`]),
  ].join('\n');
}

function unfinished(tried: readonly Tried[]): number {
  return tried.filter(({ trial }) => !trial).length;
}

/** Everything found, for programs: `schema` 1. */
export function resultAsJson(result: SabotageResult): string {
  const told = (tried: readonly Tried[]): object[] =>
    tried.map((one) => ({ ...one.mutant, trial: one.trial ?? null, verdict: verdictOf(one) ?? null }));
  const { named, byRules, ...rest } = result;
  return `${JSON.stringify({ schema: 1, ...rest, named: told(named), byRules: told(byRules) }, null, 1)}\n`;
}

/** A whole report in Markdown. `command` is the one that made it. */
export function formatReport(result: SabotageResult, command: string): string {
  const survivors = result.byRules.filter(({ trial }) => trial && trial.outcome !== 'caught');
  return `# Can the comparison fail?

A comparison that cannot fail proves nothing. So this one ran against copies of the port with one small fault each, and had to notice it. A fault
counts as noticed only if the same case then passes on the undamaged port in the same process.

- *failed row*: a value differed. *broke off*: the case ended with an error before it returned rows. *crash*, *hang*: the process crashed or hung.
- For each fault, the cases that execute the changed place run one after the other, the fastest first, until one has a failed row. If a case breaks off, the others
  still run for 10 seconds, those of other suites first. After three that break off without any that ends, the fault counts as one that breaks off everywhere.
- A fault *runs to the end* if a value differs in one of these cases, or if none of them breaks off. Only such faults show whether the suites compare the
  right values: one that breaks off might be noticed by a run that compares nothing.

${formatSummary(result)}

Made by \`${command}\`. \`src/compare/sabotage/verdicts.ts\` holds the verdicts on faults that were not noticed: *equivalent* means that no input
could distinguish it from the port, *outside* that it changes something that the original does not have, *gap* that the cases of this run do not test it.

## Hand-made faults

${markdownTable([
  ['fault', 'place', 'suite', 'noticed by', 'how'],
  ...result.named.map(({ mutant, trial }) => [
    cell(mutant.id),
    place(mutant.file, mutant.line),
    mutant.suite ?? '',
    trial?.by ? cell(trial.by.case) : trial ? 'nothing' : '–',
    how(trial),
  ]),
])}

## Rule-made faults

${byRule(result.byRules)}

${bySuite(result.byRules)}

## Rule-made faults that were not noticed

${
  survivors.length === 0
    ? 'None.'
    : markdownTable([
        ['place', 'change', 'cases that ran it', 'verdict'],
        ...survivors.map((one) => [
          place(one.mutant.file, one.mutant.line),
          `${code(one.mutant.replaced)} → ${code(one.mutant.replacement)}`,
          String(one.trial?.cases.length ?? 0),
          judgement(one),
        ]),
      ])
}
`;
}

function byRule(tried: readonly Tried[]): string {
  return markdownTable(
    [
      [
        'rule',
        'change',
        'tried',
        'by a value',
        'broke off in some',
        'broke off in all',
        'equivalent',
        'outside',
        'gaps',
      ],
      ...(Object.keys(rules) as Rule[]).map((rule) => {
        const all = tally(tried.filter(({ mutant }) => mutant.rule === rule));
        return [
          rule,
          rules[rule],
          all.tried,
          all.byValue,
          all.byBreaking,
          all.broken,
          all.equivalent,
          all.outside,
          all.gaps,
        ].map(String);
      }),
    ],
    { align: ['l', 'l', 'r', 'r', 'r', 'r', 'r', 'r', 'r'] },
  );
}

function bySuite(tried: readonly Tried[]): string {
  const of = (suite: string, ways: readonly string[]): string =>
    String(tried.filter(({ trial }) => trial?.by?.suite === suite && ways.includes(trial.how ?? '')).length);
  const noticing = suiteNames.filter((suite) => tried.some(({ trial }) => trial?.by?.suite === suite));
  return markdownTable(
    [
      ['first noticed by', 'failed row', 'broke off', 'crash or hang'],
      ...noticing.map((suite) => [
        suite,
        of(suite, ['failed row']),
        of(suite, ['broke off', 'not runnable']),
        of(suite, ['crash', 'hang']),
      ]),
    ],
    { align: ['l', 'r', 'r', 'r'] },
  );
}

function judgement(tried: Tried): string {
  if (tried.trial?.outcome === 'unsure') return 'unsure: the undamaged port failed too';
  const verdict = verdictOf(tried);
  return verdict ? `${verdict.is}: ${cell(verdict.because)}` : 'gap: no verdict yet';
}

function how(trial: Tried['trial']): string {
  if (!trial) return 'not tried yet';
  if (trial.outcome !== 'caught') return trial.outcome;
  return `${trial.how}${trial.how === 'failed row' ? `: ${cell(trial.detail)}` : ''}`;
}

function place(file: string, line: number): string {
  return `${file}:${line}`;
}

function percent(share: number): string {
  return Number.isNaN(share) ? '–' : `${(100 * share).toFixed(1)} %`;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ').slice(0, 160);
}

function code(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  const short = line.length > 70 ? `${line.slice(0, 67)}…` : line;
  return `\`${short.replaceAll('`', "'").replaceAll('|', '\\|')}\``;
}
