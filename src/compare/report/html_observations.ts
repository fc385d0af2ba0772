import type { Picture } from '../../page/charts.ts';
import { figurePart, figureTable } from '../../page/components.ts';
import { type Content, html, type Markup } from '../../page/markup.ts';
import { plain } from '../../page/plain.ts';
import type { Observation } from '../observations.ts';
import { pictureOf } from './pictures.ts';

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
  if (!picture) return observation.kind === 'table' ? figureTable(observation) : html``;
  return figurePart(picture, title, [note, wordsOf(observation)]);
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
