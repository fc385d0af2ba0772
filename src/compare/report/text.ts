import { markdownTable } from 'markdown-table';
import { plain, scientific } from '../../page/plain.ts';
import { counted } from '../../text.ts';
import type { ComparedRow, Unfinished } from '../comparison.ts';
import { suiteNames } from '../suite.ts';
import { commandOf, formatDifference, formatLimit, formatSeconds, formatShare, formatWorst } from './figures.ts';
import type { Comparison } from './model.ts';
import {
  formatVerdict,
  headlinesOf,
  ladderOf,
  type ObservedTable,
  passedOf,
  type SuiteFindings,
  suitesOf,
} from './verdict.ts';
import { remarkOn, rungMeanings, sideFacts } from './wording.ts';

/** Text from data as a cell of a table. */
type Cell = (text: string) => string;

/** What the terminal shows: the verdict, the rungs, the suites, every row that differs and every case without rows. */
export function formatComparison(comparison: Comparison): string {
  const { rows } = comparison.findings;
  const failed = rows.filter(({ passed }) => !passed);
  return [
    plain(formatVerdict(comparison), 400),
    ...remarks(comparison),
    ladderTable(comparison, plain),
    suiteTable(suitesOf(comparison.findings), plain),
    ...(failed.length > 0 ? [`Rows that differ:\n\n${rowTable(failed, plain, { withSuite: true })}`] : []),
    ...unfinishedParts(comparison.findings, (words) => `${words}:`, plain),
  ].join('\n\n');
}

/** `report.md`: everything but the pictures. */
export function toMarkdown(comparison: Comparison): string {
  const { findings, witness } = comparison;
  const suites = suitesOf(findings);
  const headlines = headlinesOf(findings).filter((one) => one.kind === 'table');
  const failed = findings.rows.filter(({ passed }) => !passed);
  return `${[
    `# ${cell(comparison.title)}`,
    `**${cell(formatVerdict(comparison))}**`,
    ...remarks(comparison),
    ...(failed.length > 0 ? ['## Rows that differ', rowTable(failed, cell, { withSuite: true })] : []),
    ...unfinishedParts(findings, (words) => `## ${words}`, cell),
    ...(headlines.length > 0 ? ['## Results', ...headlines.flatMap(observedTable)] : []),
    '## Ladder',
    'Each rung proves what the one above cannot. Free-running training is shown in `report.html`, without a verdict.',
    ladderTable(comparison, cell, { withMeaning: true }),
    '## Suites',
    suiteTable(suites, cell),
    ...suites.flatMap((suite) => suitePart(comparison, suite)),
    '## Both sides',
    markdownTable([['', 'Port', 'Original'], ...sideFacts(comparison).map((row) => row.map(cell))]),
    ...(comparison.shims.length > 0
      ? [
          `Fixes from outside that ${cell(witness.title)} needed in order to run here:`,
          list(comparison.shims.map(cell)),
        ]
      : []),
    '## Repeat it',
    code(comparison.command),
    `Started ${cell(comparison.begun)}, ran for ${formatSeconds(comparison.seconds)}.`,
  ].join('\n\n')}\n`;
}

function remarks({ witness }: Comparison): string[] {
  const remark = remarkOn(witness);
  return remark ? [remark] : [];
}

function suitePart(comparison: Comparison, { suite, rows, observations, seconds }: SuiteFindings): string[] {
  const tables = observations.filter((one) => one.kind === 'table');
  const [example] = rows;
  return [
    `### ${cell(suite)}`,
    ...(rows.length > 0 ? [rowTable(rows, cell), `${formatSeconds(seconds)}. To run one case:`] : []),
    ...(example ? [code(commandOf(comparison, suite, example.case))] : []),
    ...tables.flatMap(observedTable),
  ];
}

function observedTable({ title, columns, rows, note }: ObservedTable): string[] {
  const table = markdownTable([columns.map(cell), ...rows.map((row) => row.map((value) => cell(String(value))))]);
  return [`#### ${cell(title)}`, table, ...(note ? [cell(note)] : [])];
}

function ladderTable({ findings }: Comparison, format: Cell, { withMeaning = false } = {}): string {
  const body = ladderOf(findings).map(({ rung, rows, failed, values, tightest }) => [
    rung,
    ...(withMeaning ? [rungMeanings[rung]] : []),
    passedOf({ rows, failed }),
    values.toLocaleString('en'),
    tightest ? formatShare(tightest) : '',
    tightest ? format(`${tightest.suite}: ${tightest.case}: ${tightest.name}`) : '',
  ]);
  const head = ['rung', ...(withMeaning ? ['proves'] : [])];
  return markdownTable([[...head, 'passed', 'values', 'limit used', 'most by'], ...body], {
    align: [...head.map(() => 'l'), 'r', 'r', 'r', 'l'],
  });
}

function suiteTable(suites: readonly SuiteFindings[], format: Cell): string {
  const body = suites.map(({ suite, rows, failed, values, tightest, notRunnable, notApplicable, broken, seconds }) => [
    format(suite),
    passedOf({ rows, failed }),
    String(failed.length || ''),
    String(notRunnable.length || ''),
    String(notApplicable.length || ''),
    String(broken.length || ''),
    values.toLocaleString('en'),
    tightest ? formatShare(tightest) : '',
    formatSeconds(seconds),
  ]);
  const missing = suiteNames.filter((name) => !suites.some(({ suite }) => suite === name));
  const table = markdownTable(
    [
      ['suite', 'passed', 'differ', 'not runnable', 'not applicable', 'broken off', 'values', 'limit used', 'time'],
      ...body,
    ],
    { align: ['l', 'r', 'r', 'r', 'r', 'r', 'r', 'r', 'r'] },
  );
  return missing.length === 0 ? table : `${table}\n\nNot part of this run: ${missing.join(', ')}.`;
}

function rowTable(rows: readonly ComparedRow[], format: Cell, { withSuite = false } = {}): string {
  const head = ['', ...(withSuite ? ['suite'] : []), 'case', 'compared', 'values'];
  const body = rows.map((row) => [
    row.passed ? 'ok' : 'DIFFERS',
    ...(withSuite ? [format(row.suite)] : []),
    format(row.case),
    format(row.name),
    row.values.toLocaleString('en'),
    formatDifference(row),
    formatLimit(row),
    formatShare(row),
    row.noise === undefined ? '' : scientific(row.noise),
    format(formatWorst(row)),
  ]);
  return markdownTable([[...head, 'difference', 'limit', 'used', 'noise', 'worst at'], ...body], {
    align: [...head.slice(0, -1).map(() => 'l'), 'r', 'r', 'r', 'r', 'r', 'l'],
  });
}

function unfinishedParts(
  { notRunnable, notApplicable, broken }: Pick<SuiteFindings, 'notRunnable' | 'notApplicable' | 'broken'>,
  heading: (words: string) => string,
  format: Cell,
): string[] {
  const part = (words: string, cases: readonly Unfinished[]): string[] =>
    cases.length === 0
      ? []
      : [
          heading(`${words} (${counted(cases.length, 'case')})`),
          list(cases.map(({ suite, case: name, because }) => `${format(suite)}: ${format(name)}: ${format(because)}`)),
        ];
  return [
    ...part('Not runnable here, so neither passed nor failed', notRunnable),
    ...part('Broken off, so neither passed nor failed', broken),
    ...part('Not applicable to this original, so not counted', notApplicable),
  ];
}

function list(lines: readonly string[]): string {
  return lines.map((line) => `* ${line}`).join('\n');
}

/** Text from data, safe in Markdown: no markup, no cell separators. */
function cell(text: string): string {
  return plain(text, 400)
    .replaceAll('\\', '\\\\')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('|', '\\|')
    .replaceAll('`', '\\`')
    .replaceAll('](', ']\\(');
}

function code(command: string): string {
  return `    ${plain(command, 1000)}`;
}
