import { type Picture, usualWidth } from './charts.ts';
import { type Content, html, type Markup } from './markup.ts';
import { plain, scientific } from './plain.ts';

/** Figures beside each other. */
export interface FigureTable {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number)[])[];
  readonly note?: string;
}

/** A box that scrolls sideways, with a label and reachable by keyboard. */
export function scrollBox(label: string, content: Markup): Markup {
  return html`<div class="scroll" role="region" tabindex="0" aria-label="${label}">${content}</div>`;
}

/** A picture with its caption; a wide one in a box that scrolls. */
export function figurePart(picture: Picture, title: string, words?: Content): Markup {
  const wide = picture.width > usualWidth;
  const drawing = wide ? scrollBox(`Picture: ${title}`, picture.svg) : picture.svg;
  return html`<figure class="${wide ? 'wide' : 'usual'}">${drawing}
<figcaption><strong>${title}</strong>${words}</figcaption></figure>`;
}

/** A table of figures in a box that scrolls. */
export function figureTable({ title, columns, rows, note }: FigureTable): Markup {
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
      ]) => html`<tr><th scope="row">${cellText(head)}</th>${cells.map((cell, i) => html`<td${align(i + 1)}>${cellText(cell)}</td>`)}</tr>
`,
    )}</tbody></table>`,
  )}</div>`;
}

function cellText(value: string | number | undefined): string {
  if (typeof value !== 'number') return plain(value ?? '', 400);
  if (Number.isInteger(value) || !Number.isFinite(value)) return value.toLocaleString('en');
  return Math.abs(value) >= 0.001 && Math.abs(value) < 100_000
    ? String(Number(value.toPrecision(5)))
    : scientific(value);
}
