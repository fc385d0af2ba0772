import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Observation } from '../observations.ts';
import { type Picture, usualWidth } from './charts.ts';
import { formatSeconds, formatShare, plain, scientific } from './figures.ts';
import { ladderTable, limitsTable, rowsTable, scrollBox, suitesTable, unfinishedTable } from './html_tables.ts';
import { type Content, html, Markup } from './markup.ts';
import type { Comparison } from './model.ts';
import { pictureOf } from './pictures.ts';
import {
  count,
  describeVerdict,
  headlinesOf,
  type ObservedTable,
  type Status,
  type SuiteFindings,
  suitesOf,
  verdictOf,
} from './verdict.ts';
import { remarkOn, sideFacts } from './wording.ts';

/** `report.html`: one file without scripts that loads nothing from elsewhere. */
export function toHtml(comparison: Comparison): string {
  // With the line ends that a browser sees. Otherwise the digest would not match the style.
  const style = readFileSync(join(import.meta.dirname, 'report.css'), 'utf8').replaceAll('\r\n', '\n');
  const digest = createHash('sha256').update(style).digest('base64');
  const policy = `default-src 'none'; style-src 'sha256-${digest}'; base-uri 'none'; form-action 'none'`;
  return html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${verdictOf(comparison.findings).status}: ${plain(comparison.title)}</title>
<style>${new Markup(style)}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the verdict</a>
${body(comparison)}
</body>
</html>
`.text;
}

function body(comparison: Comparison): Markup {
  const { findings } = comparison;
  const suites = suitesOf(findings).map((suite, i) => ({ ...suite, id: `suite-${i + 1}` }));
  const headlines = headlinesOf(findings);
  const failed = findings.rows.filter(({ passed }) => !passed);
  const { notRunnable, broken } = findings;
  const troubled = failed.length + notRunnable.length + broken.length > 0;
  return html`<header>
<p class="kicker">Python original and TypeScript port, number by number</p>
<h1>${plain(comparison.title)}</h1>
</header>
<main id="main">
${verdictPart(comparison)}
<nav aria-label="Contents"><ul>
${troubled ? html`<li><a href="#trouble">What did not pass</a></li>` : undefined}
<li><a href="#ladder">Ladder</a></li>${headlines.length > 0 ? html`<li><a href="#results">Results</a></li>` : undefined}<li><a href="#suites">Suites</a></li>
${suites.map(({ id, suite }) => html`<li><a href="#${id}">${plain(suite)}</a></li>`)}
<li><a href="#limits">Limits</a></li><li><a href="#sides">Both sides</a></li><li><a href="#repeat">Repeat it</a></li>
</ul></nav>
${troubled ? troubleParts(comparison) : undefined}
<section id="ladder" aria-labelledby="ladder-title">
<h2 id="ladder-title">Ladder</h2>
<p>Each rung proves what the one above cannot. The bar shows the largest share of its limit that any row of the rung uses.</p>
${ladderTable(findings)}
</section>
${
  headlines.length > 0
    ? html`<section id="results" aria-labelledby="results-title">
<h2 id="results-title">Results</h2>
${headlines.map(observedTable)}
</section>`
    : undefined
}
<section id="suites" aria-labelledby="suites-title">
<h2 id="suites-title">Suites</h2>
<p>In the order of the data flow: the first failure is nearest to the cause.</p>
${suitesTable(suites)}
</section>
${suites.map((suite) => suitePart(comparison, suite))}
<section id="limits" aria-labelledby="limits-title">
<h2 id="limits-title">Limits and the noise behind them</h2>
<p>A limit is at most ten times the measured distance between the original and itself.</p>
${limitsTable(findings.rows)}
</section>
${sidesPart(comparison)}
${repeatPart(comparison)}
</main>
<footer><p>Made by ecg-transplant. The same figures: <code>report.json</code>, <code>report.md</code>, <code>junit.xml</code>.</p></footer>`;
}

const looks: { readonly [status in Status]: { readonly name: string; readonly mark: string } } = {
  PASSED: { name: 'good', mark: '✓' },
  FAILED: { name: 'bad', mark: '✗' },
  'COULD NOT RUN': { name: 'open', mark: '–' },
};

function verdictPart({ findings, witness, data, seconds, begun }: Comparison): Markup {
  const verdict = verdictOf(findings);
  const remark = remarkOn(witness);
  const { name, mark } = looks[verdict.status];
  const figure = (term: string, value: string): Markup => html`<div><dt>${term}</dt><dd>${value}</dd></div>`;
  return html`<section class="verdict ${name}" aria-labelledby="verdict-title">
<h2 id="verdict-title"><span class="mark" aria-hidden="true">${mark}</span> ${verdict.status}</h2>
<p class="witness">Against ${plain(witness.title)}, on ${witness.keras === 'tf_keras' ? 'tf_keras' : 'Keras 3'}</p>
<p>${describeVerdict(verdict).slice(verdict.status.length + 2)}</p>
${remark ? html`<p>${remark}</p>` : undefined}
<dl class="figures">
${figure('rows passed', `${(verdict.rows - verdict.failed).toLocaleString('en')} of ${verdict.rows.toLocaleString('en')}`)}
${figure('values compared', verdict.values.toLocaleString('en'))}
${figure('not runnable', verdict.notRunnable.toLocaleString('en'))}
${figure('not applicable', verdict.notApplicable.toLocaleString('en'))}
${figure('broken off', verdict.broken.toLocaleString('en'))}
${figure('data', data.kind)}
${figure('time', formatSeconds(seconds))}
${figure('begun', plain(begun.slice(0, 16).replace('T', ' ')))}
</dl>
</section>`;
}

function troubleParts(comparison: Comparison): Markup {
  const { rows, notRunnable, broken } = comparison.findings;
  const failed = rows.filter(({ passed }) => !passed);
  return html`<section id="trouble" aria-labelledby="trouble-title">
<h2 id="trouble-title">What did not pass</h2>
${failed.length > 0 ? rowsTable(comparison, failed, `${count(failed.length, 'row')} that ${failed.length === 1 ? 'differs' : 'differ'}`, { withSuite: true }) : undefined}
${notRunnable.length > 0 ? unfinishedTable(comparison, notRunnable, 'Not runnable here: neither passed nor failed') : undefined}
${broken.length > 0 ? unfinishedTable(comparison, broken, 'Broken off: neither passed nor failed') : undefined}
</section>`;
}

function suitePart(comparison: Comparison, suite: SuiteFindings & { readonly id: string }): Markup {
  const { id, rows, failed, values, tightest, notRunnable, notApplicable, broken, observations, seconds } = suite;
  const name = plain(suite.suite);
  const passed = rows.filter((row) => row.passed);
  const facts = [
    ...(rows.length === 0
      ? ['no rows']
      : [`${passed.length} of ${count(rows.length, 'row')} passed`, `${count(values, 'value')} compared`]),
    ...(tightest ? [`at most ${formatShare(tightest)} of a limit used`] : []),
    ...(notRunnable.length > 0 ? [`${count(notRunnable.length, 'case')} not runnable`] : []),
    ...(notApplicable.length > 0 ? [`${count(notApplicable.length, 'case')} not applicable`] : []),
    ...(broken.length > 0 ? [`${count(broken.length, 'case')} broken off`] : []),
    formatSeconds(seconds),
  ];
  return html`<section id="${id}" aria-labelledby="${id}-title">
<h3 id="${id}-title">${name}</h3>
<p>${facts.join(' · ')}</p>
${failed.length > 0 ? rowsTable(comparison, failed, `${name}: rows that differ`) : undefined}
${
  passed.length > 0
    ? html`<details><summary>${count(passed.length, 'row')} passed</summary>
${rowsTable(comparison, passed, `${name}: rows that passed`)}
</details>`
    : undefined
}
${notApplicable.length > 0 ? unfinishedTable(comparison, notApplicable, 'Not applicable to this original: not counted') : undefined}
${observations.length > 0 ? html`<div class="pictures">${observations.map(observationPart)}</div>` : undefined}
</section>`;
}

function observationPart(observation: Observation): Markup {
  const title = plain(observation.title);
  let picture: Picture | undefined;
  try {
    picture = pictureOf(observation);
  } catch (error) {
    // The verdict must not be lost because a picture cannot be drawn.
    return html`<p>${title}: this picture could not be drawn: ${plain(String(error), 400)}</p>`;
  }
  const note = 'note' in observation && observation.note ? html` ${plain(observation.note, 400)}` : undefined;
  if (!picture) return observation.kind === 'table' ? observedTable(observation) : html``;
  const wide = picture.width > usualWidth;
  const drawing = wide ? scrollBox(`Picture: ${title}`, picture.svg) : picture.svg;
  return html`<figure class="${wide ? 'wide' : 'usual'}">${drawing}
<figcaption><strong>${title}</strong>${note}${wordsOf(observation)}</figcaption></figure>`;
}

function wordsOf(observation: Observation): Content {
  if (observation.kind === 'curves') {
    const free = observation.series.some(({ side }) => side === 'noise');
    return free
      ? html` <span class="soft">Shown beside the original’s own noise, without a verdict.</span>`
      : undefined;
  }
  if (observation.kind !== 'strip') return undefined;
  const { truth, port, original } = observation;
  return html` Truth: <b>${plain(truth)}</b>. Port: <b>${plain(port)}</b>. Original: <b>${plain(original)}</b>.`;
}

function observedTable({ title, columns, rows, note }: ObservedTable): Markup {
  const name = plain(title);
  const [first, ...others] = columns;
  const numeric = (column: number): boolean => rows.some((row) => typeof row[column] === 'number');
  const align = (column: number): Markup | undefined => (numeric(column) ? html` class="number"` : undefined);
  return html`<div class="wide">${scrollBox(
    name,
    html`<table><caption>${name}${note ? html` <span class="soft">${plain(note, 400)}</span>` : undefined}</caption>
<thead><tr><th scope="col">${plain(first ?? '')}</th>${others.map((column, i) => html`<th scope="col"${align(i + 1)}>${plain(column)}</th>`)}</tr></thead>
<tbody>${rows.map(
      ([
        head,
        ...cells
      ]) => html`<tr><th scope="row">${observedCell(head)}</th>${cells.map((cell, i) => html`<td${align(i + 1)}>${observedCell(cell)}</td>`)}</tr>
`,
    )}</tbody></table>`,
  )}</div>`;
}

function observedCell(value: string | number | undefined): string {
  if (typeof value !== 'number') return plain(value ?? '', 400);
  if (Number.isInteger(value) || !Number.isFinite(value)) return value.toLocaleString('en');
  return Math.abs(value) >= 0.001 && Math.abs(value) < 100_000
    ? String(Number(value.toPrecision(5)))
    : scientific(value);
}

function sidesPart(comparison: Comparison): Markup {
  const { witness, shims } = comparison;
  const row = ([name, port, original]: readonly [
    string,
    string,
    string,
  ]): Markup => html`<tr><th scope="row">${name}</th>${
    port === original && port !== '–'
      ? html`<td colspan="2">${plain(port, 400)}</td>`
      : html`<td>${plain(port, 400)}</td><td>${plain(original, 400)}</td>`
  }</tr>
`;
  return html`<section id="sides" aria-labelledby="sides-title">
<h2 id="sides-title">Both sides</h2>
<p>The original is ${plain(witness.title)}, in <code>${plain(witness.folder, 400)}</code>; digest of its Python files <code class="digest">${plain(witness.digest)}</code>.</p>
${
  shims.length > 0
    ? html`<p>Done from outside so that it runs here:</p><ul>${shims.map((shim) => html`<li>${plain(shim, 400)}</li>`)}</ul>`
    : undefined
}
${scrollBox(
  'Versions and hardware',
  html`<table><caption>Versions and hardware</caption>
<thead><tr><th scope="col">What</th><th scope="col">Port</th><th scope="col">Original</th></tr></thead>
<tbody>${sideFacts(comparison).map(row)}</tbody></table>`,
)}
</section>`;
}

function repeatPart({ command, begun, seed }: Comparison): Markup {
  return html`<section id="repeat" aria-labelledby="repeat-title">
<h2 id="repeat-title">Repeat it</h2>
<p>The whole comparison, begun ${plain(begun)} with seed ${seed}:</p>
${scrollBox('Command', html`<pre><code>${plain(command, 1000)}</code></pre>`)}
<p>One case: the command stands above its rows. Results of graphs are equal bit for bit only on one type of CPU with one number of threads.</p>
</section>`;
}
