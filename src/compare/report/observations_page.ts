import { figureTable } from '../../page/components.ts';
import { htmlPage } from '../../page/html_page.ts';
import { html } from '../../page/markup.ts';
import { plain } from '../../page/plain.ts';
import type { Observation } from '../observations.ts';
import { observationPart } from './html_observations.ts';

/** What a page without a comparison shows. */
export interface ObservationsPage {
  readonly title: string;
  /** What a reader must know first. */
  readonly remarks: readonly string[];
  readonly observations: readonly Observation[];
}

/** A page of pictures and tables, pictures first, in the style of `report.html`. */
export function observationsPage({ title, remarks, observations }: ObservationsPage): string {
  const tables = observations.filter((one) => one.kind === 'table');
  const pictures = observations.filter((one) => one.kind !== 'table');
  return htmlPage(
    plain(title),
    'Skip to the results',
    html`<header><h1>${plain(title)}</h1></header>
<main id="main">
${remarks.length > 0 ? html`<ul>${remarks.map((remark) => html`<li>${plain(remark, 1000)}</li>`)}</ul>` : undefined}
${
  pictures.length > 0
    ? html`<section aria-labelledby="pictures-title"><h2 id="pictures-title">Pictures</h2>
<div class="pictures">${pictures.map(observationPart)}</div></section>`
    : undefined
}
<section aria-labelledby="tables-title"><h2 id="tables-title">Tables</h2>
${tables.map(figureTable)}
</section>
</main>
<footer><p>Made by ecg-transplant.</p></footer>`,
  );
}
