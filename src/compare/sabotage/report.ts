import { markdownTable } from 'markdown-table';
import { suiteNames } from '../suite.ts';
import type { SabotageResult, Tried } from './campaign.ts';
import { type Rule, rules } from './rules.ts';
import { type MutantVerdict, verdicts } from './verdicts.ts';

/** How many mutants there were and how many were noticed. */
export interface Tally {
  readonly tried: number;
  readonly caught: number;
  /** Not noticed, and judged equivalent to the port. */
  readonly equivalent: number;
  /** Share of caught mutants among all that were tried, and among those that are not equivalent; NaN if there are none. */
  readonly share: number;
  readonly shareOfOthers: number;
}

export function tally(tried: readonly Tried[], known: typeof verdicts = verdicts): Tally {
  const done = tried.filter(({ trial }) => trial);
  const caught = done.filter(({ trial }) => trial?.outcome === 'caught').length;
  const equivalent = done.filter((one) => verdictOf(one, known)?.is === 'equivalent').length;
  const others = done.length - equivalent;
  return { tried: done.length, caught, equivalent, share: caught / done.length, shareOfOthers: caught / others };
}

/** The verdict on a mutant that was not noticed. */
function verdictOf({ mutant, trial }: Tried, known: typeof verdicts = verdicts): MutantVerdict | undefined {
  return trial && trial.outcome !== 'caught' ? known[mutant.id] : undefined;
}

/** Whether every hand-made mutant was noticed, and 95 % of the rule-made ones that are not equivalent. */
export function succeeded({ named, byRules }: SabotageResult): boolean {
  const [hand, rule] = [tally(named), tally(byRules)];
  const complete = [...named, ...byRules].every(({ trial }) => trial);
  return complete && hand.caught === hand.tried && (rule.tried === 0 || rule.shareOfOthers >= 0.95);
}

/** The first lines of a report. */
export function formatSummary({ named, byRules, possible, reached, seed, cases }: SabotageResult): string {
  const [hand, rule] = [tally(named), tally(byRules)];
  const failing = cases.filter(({ passed }) => !passed).length;
  return [
    `- ${hand.caught} of ${hand.tried} hand-made faults were noticed by the suite that should notice them.`,
    `- ${rule.caught} of ${rule.tried} rule-made faults were noticed: ${percent(rule.share)} of all, ${percent(rule.shareOfOthers)} of the ${rule.tried - rule.equivalent} that are not equivalent to the port.`,
    `- The rule-made faults were drawn with seed ${seed}, in turn by file and rule, from ${reached} changes at places that the cases run (of ${possible} that the rules can make).`,
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
counts as noticed only if the same case then passes on the undamaged port in the same process. *failed row*: a value differed; *broke off*: the
case ended with an error before it returned rows; *crash*, *hang*: the process crashed or hung.

${formatSummary(result)}

Made by \`${command}\`. \`src/compare/sabotage/verdicts.ts\` holds the verdicts on faults that were not noticed: *equivalent* means that no input
could distinguish it from the port, *gap* that the cases of this run do not test it.

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
      ['rule', 'change', 'tried', 'noticed', 'equivalent', 'gaps'],
      ...(Object.keys(rules) as Rule[]).map((rule) => {
        const { tried: n, caught, equivalent } = tally(tried.filter(({ mutant }) => mutant.rule === rule));
        return [rule, rules[rule], n, caught, equivalent, n - caught - equivalent].map(String);
      }),
    ],
    { align: ['l', 'l', 'r', 'r', 'r', 'r'] },
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
