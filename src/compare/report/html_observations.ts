import type { Observation } from '../observations.ts';
import { type Picture, usualWidth } from './charts.ts';
import { plain, scientific } from './figures.ts';
import { scrollBox } from './html_tables.ts';
import { type Content, html, type Markup } from './markup.ts';
import { pictureOf } from './pictures.ts';
import type { ObservedTable } from './verdict.ts';

/** An observation as a figure with its caption, or as a table. */
export function observationPart(observation: Observation): Markup {
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

/** A table of figures in a box that scrolls. */
export function observedTable({ title, columns, rows, note }: ObservedTable): Markup {
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
