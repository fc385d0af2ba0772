import { scrollBox } from '../../page/components.ts';
import { html, type Markup } from '../../page/markup.ts';
import { plain, scientific } from '../../page/plain.ts';
import { counted } from '../../text.ts';
import { rungNames } from '../closeness.ts';
import type { ComparedRow, Findings, Unfinished } from '../comparison.ts';
import { suiteNames } from '../suite.ts';
import { commandOf, formatDifference, formatLimit, formatSeconds, formatShare, formatWorst } from './figures.ts';
import type { Comparison } from './model.ts';
import { ladderOf, passedOf, type SuiteFindings, shareOf } from './verdict.ts';
import { freeRunningMeaning, rungMeanings } from './wording.ts';

/** The rungs, what each proves, and how much of its limits it uses. */
export function ladderTable(findings: Findings): Markup {
  const rungs = ladderOf(findings).map(({ rung, rows, failed, values, tightest }) => {
    const passed = passedOf({ rows, failed });
    const mark = rows.length === 0 ? 'none' : failed.length > 0 ? 'bad' : 'good';
    return {
      rung,
      line: html`<tr><th scope="row">${rung}</th><td class="text">${rungMeanings[rung]}</td><td class="number ${mark}">${passed}</td>
<td class="number">${values.toLocaleString('en')}</td><td class="number">${rows.length === 0 ? '' : tightest ? usedShare(tightest) : 'none allowed'}</td>
<td class="text">${tightest ? plain(`${tightest.suite}: ${tightest.case}: ${tightest.name}`) : ''}</td></tr>
`,
    };
  });
  const shown = findings.observations.filter(
    (one) => one.kind === 'curves' && one.series.some(({ side }) => side === 'noise'),
  );
  const free = html`<tr><th scope="row">free-running</th><td class="text">${freeRunningMeaning}</td><td class="number">not judged</td>
<td></td><td></td><td class="text">${shown.length === 0 ? 'not part of this run' : `${counted(shown.length, 'picture')} below`}</td></tr>
`;
  const before = rungs.filter(({ rung }) => rung !== 'outcome').map(({ line }) => line);
  const after = rungs.filter(({ rung }) => rung === 'outcome').map(({ line }) => line);
  return scrollBox(
    'Ladder of rungs',
    html`<table class="ladder"><caption>Rungs, the hardest statement first</caption>
<thead><tr><th scope="col">Rung</th><th scope="col">Proves</th><th scope="col" class="number">Rows passed</th><th scope="col" class="number">Values</th><th scope="col" class="number">Limit used</th><th scope="col">Most by</th></tr></thead>
<tbody>${before}${free}${after}</tbody></table>`,
  );
}

/** One line per suite. Suites that were not part of the run are named below. */
export function suitesTable(suites: readonly (SuiteFindings & { readonly id: string })[]): Markup {
  const lines = suites.map(
    ({ id, suite, rows, failed, notRunnable, notApplicable, broken, values, tightest, seconds }) =>
      html`<tr><th scope="row"><a href="#${id}">${plain(suite)}</a></th><td class="number ${failed.length > 0 ? 'bad' : rows.length > 0 ? 'good' : 'none'}">${passedOf({ rows, failed })}</td>
<td class="number${failed.length > 0 ? ' bad' : ''}">${failed.length}</td><td class="number">${notRunnable.length}</td><td class="number">${notApplicable.length}</td><td class="number">${broken.length}</td>
<td class="number">${values.toLocaleString('en')}</td><td class="number">${tightest ? usedShare(tightest) : ''}</td><td class="number">${formatSeconds(seconds)}</td></tr>
`,
  );
  const missing = suiteNames.filter((name) => !suites.some(({ suite }) => suite === name));
  return html`${scrollBox(
    'Suites',
    html`<table><caption>Suites of this run</caption>
<thead><tr><th scope="col">Suite</th><th scope="col" class="number">Passed</th><th scope="col" class="number">Differ</th><th scope="col" class="number">Not runnable</th><th scope="col" class="number">Not applicable</th><th scope="col" class="number">Broken off</th><th scope="col" class="number">Values</th><th scope="col" class="number">Limit used</th><th scope="col" class="number">Time</th></tr></thead>
<tbody>${lines}</tbody></table>`,
  )}${missing.length > 0 ? html`<p class="soft">Not part of this run: ${missing.join(', ')}.</p>` : undefined}`;
}

/** Rows by case, each case with the command that repeats it. */
export function rowsTable(
  comparison: Comparison,
  rows: readonly ComparedRow[],
  caption: string,
  { withSuite = false } = {},
): Markup {
  const cases = new Map<string, ComparedRow[]>();
  for (const row of rows) {
    const key = JSON.stringify([row.suite, row.case]);
    const group = cases.get(key);
    if (group) group.push(row);
    else cases.set(key, [row]);
  }
  const bodies = [...cases.values()].map((group) => {
    const [{ suite, case: name }] = group as [ComparedRow];
    const title = withSuite ? `${suite}: ${name}` : name;
    return html`<tbody><tr class="case"><th scope="rowgroup" colspan="8"><span class="stay">${plain(title)} <code>${plain(commandOf(comparison, suite, name), 1000)}</code></span></th></tr>
${group.map(rowLine)}</tbody>
`;
  });
  return scrollBox(
    caption,
    html`<table class="rows"><caption>${caption}</caption>
<thead><tr><th scope="col">Compared</th><th scope="col">Verdict</th><th scope="col" class="number">Values</th><th scope="col" class="number">Difference</th><th scope="col" class="number">Limit</th><th scope="col" class="number">Used</th><th scope="col" class="number">Noise</th><th scope="col">Worst at</th></tr></thead>
${bodies}</table>`,
  );
}

function rowLine(row: ComparedRow): Markup {
  return html`<tr><th scope="row">${plain(row.name)}</th><td class="${row.passed ? 'good' : 'bad'}">${row.passed ? 'passed' : 'differs'}</td><td class="number">${row.values.toLocaleString('en')}</td><td class="number">${formatDifference(row)}</td><td class="number">${formatLimit(row)}</td><td class="number">${row.kind === 'close' ? usedShare(row) : ''}</td><td class="number">${row.noise === undefined ? '' : scientific(row.noise)}</td><td class="text">${formatWorst(row)}</td></tr>
`;
}

/** Cases that returned no rows, with the reason. */
export function unfinishedTable(comparison: Comparison, cases: readonly Unfinished[], caption: string): Markup {
  const lines = cases.map(
    ({ suite, case: name, because }) =>
      html`<tr><th scope="row">${plain(suite)}</th><td class="text">${plain(name)}</td><td class="text">${plain(because, 400)}</td><td><code>${plain(commandOf(comparison, suite, name), 1000)}</code></td></tr>
`,
  );
  return scrollBox(
    caption,
    html`<table><caption>${caption}</caption>
<thead><tr><th scope="col">Suite</th><th scope="col">Case</th><th scope="col">Because</th><th scope="col">Repeat it</th></tr></thead>
<tbody>${lines}</tbody></table>`,
  );
}

/** Every limit that was used, with its noise. */
export function limitsTable(rows: readonly ComparedRow[]): Markup {
  const limits = new Map<string, { row: ComparedRow; users: number; tightest: ComparedRow }>();
  for (const row of rows) {
    if (row.kind === 'exact') continue;
    const key = JSON.stringify([row.rung, row.limit, row.noise, row.reason]);
    const found = limits.get(key);
    limits.set(key, {
      row,
      users: (found?.users ?? 0) + 1,
      tightest: found && shareOf(row) <= shareOf(found.tightest) ? found.tightest : row,
    });
  }
  if (limits.size === 0) return html`<p>Every row of this run is exact: no limit was needed.</p>`;
  const sorted = [...limits.values()].sort((a, b) => rungNames.indexOf(a.row.rung) - rungNames.indexOf(b.row.rung));
  const lines = sorted.map(
    ({ row: { rung, limit, noise, reason }, users, tightest }) =>
      html`<tr><th scope="row">${rung}</th><td class="number">${scientific(limit)}</td><td class="number">${noise === undefined ? '–' : scientific(noise)}</td><td class="number">${noise ? (limit / noise).toFixed(1) : '–'}</td><td class="number">${users}</td><td class="number">${usedShare(tightest)}</td><td class="text">${plain(reason ?? '', 400)}</td></tr>
`,
  );
  return scrollBox(
    'Limits',
    html`<table><caption>Limits of this run</caption>
<thead><tr><th scope="col">Rung</th><th scope="col" class="number">Limit</th><th scope="col" class="number">Noise</th><th scope="col" class="number">Limit / noise</th><th scope="col" class="number">Rows</th><th scope="col" class="number">Most used</th><th scope="col">What the noise is</th></tr></thead>
<tbody>${lines}</tbody></table>`,
  );
}

/** Share of a limit as a number with a bar; beyond the limit the bar is full and red. */
function usedShare(row: ComparedRow): Markup {
  const share = shareOf(row);
  const width = Number.isFinite(share) ? Math.min(100, Math.max(share > 0 ? 1 : 0, 100 * share)) : 100;
  return html`${formatShare(row)} <svg class="bar" viewBox="0 0 100 10" width="60" height="6" preserveAspectRatio="none" aria-hidden="true"><rect class="all" width="100" height="10"/><rect class="${row.passed ? 'part' : 'part over'}" width="${width.toFixed(1)}" height="10"/></svg>`;
}
