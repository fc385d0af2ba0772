import { scrollBox } from '../../page/components.ts';
import { htmlPage } from '../../page/html_page.ts';
import { html, type Markup } from '../../page/markup.ts';
import { plain } from '../../page/plain.ts';
import { counted } from '../../text.ts';
import { formatSeconds, formatShare } from './figures.ts';
import { observationPart } from './html_observations.ts';
import { ladderTable, limitsTable, rowsTable, suitesTable, unfinishedTable } from './html_tables.ts';
import type { Comparison } from './model.ts';
import { describeVerdict, headlinesOf, type Status, type SuiteFindings, suitesOf, verdictOf } from './verdict.ts';
import { remarkOn, sideFacts } from './wording.ts';

/** `report.html`: one file without scripts that loads nothing from elsewhere. */
export function toHtml(comparison: Comparison): string {
  const { status } = verdictOf(comparison.findings);
  return htmlPage(`${status}: ${plain(comparison.title)}`, 'Skip to the verdict', body(comparison));
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
${headlines.length > 0 ? html`<li><a href="#results">Results</a></li>` : undefined}<li><a href="#ladder">Ladder</a></li><li><a href="#suites">Suites</a></li>
${suites.map(({ id, suite }) => html`<li><a href="#${id}">${plain(suite)}</a></li>`)}
<li><a href="#limits">Limits</a></li><li><a href="#sides">Both sides</a></li><li><a href="#repeat">Repeat it</a></li>
</ul></nav>
${troubled ? troubleParts(comparison) : undefined}
${
  headlines.length > 0
    ? html`<section id="results" aria-labelledby="results-title">
<h2 id="results-title">Results</h2>
${headlines.map(observationPart)}
</section>`
    : undefined
}
<section id="ladder" aria-labelledby="ladder-title">
<h2 id="ladder-title">Ladder</h2>
<p>Each rung proves what the one above cannot. The bar shows the largest share of its limit that any row of the rung uses.</p>
${ladderTable(findings)}
</section>
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
${failed.length > 0 ? rowsTable(comparison, failed, `${counted(failed.length, 'row')} that ${failed.length === 1 ? 'differs' : 'differ'}`, { withSuite: true }) : undefined}
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
      : [`${passed.length} of ${counted(rows.length, 'row')} passed`, `${counted(values, 'value')} compared`]),
    ...(tightest ? [`at most ${formatShare(tightest)} of a limit used`] : []),
    ...(notRunnable.length > 0 ? [`${counted(notRunnable.length, 'case')} not runnable`] : []),
    ...(notApplicable.length > 0 ? [`${counted(notApplicable.length, 'case')} not applicable`] : []),
    ...(broken.length > 0 ? [`${counted(broken.length, 'case')} broken off`] : []),
    formatSeconds(seconds),
  ];
  return html`<section id="${id}" aria-labelledby="${id}-title">
<h3 id="${id}-title">${name}</h3>
<p>${facts.join(' · ')}</p>
${failed.length > 0 ? rowsTable(comparison, failed, `${name}: rows that differ`) : undefined}
${
  passed.length > 0
    ? html`<details><summary>${counted(passed.length, 'row')} passed</summary>
${rowsTable(comparison, passed, `${name}: rows that passed`)}
</details>`
    : undefined
}
${notApplicable.length > 0 ? unfinishedTable(comparison, notApplicable, 'Not applicable to this original: not counted') : undefined}
${observations.length > 0 ? html`<div class="pictures">${observations.map(observationPart)}</div>` : undefined}
</section>`;
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
