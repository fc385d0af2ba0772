import { escapeMarkup } from '../text.ts';
import type { Recording } from './recording.ts';

/** Millimetres of ECG paper. */
const perSecond = 25;
const perMillivolt = 10;
/** Pixels of a millimetre. */
const scale = 3;
/** Steps of a millimetre in which traces are drawn. */
const steps = 20;

export interface PictureOptions {
  readonly title: string;
  /** First second and length in seconds; default the whole recording. */
  readonly from?: number;
  readonly seconds?: number;
  /** Columns of leads, one after the other, as on a standard print; default 1. */
  readonly columns?: number;
}

/** What is drawn: leads by name, with their signals in mV. */
export interface Traces extends Pick<Recording, 'fs' | 'signals'> {
  readonly leads: readonly string[];
}

/** A recording on ECG paper (25 mm/s, 10 mm/mV) as an SVG document. */
export function drawRecording(recording: Traces, options: PictureOptions): string {
  const { fs, leads, signals } = recording;
  const { from = 0, columns = 1 } = options;
  const title = escapeMarkup(options.title);
  const seconds = options.seconds ?? signals[0]!.length / fs - from;
  const rows = Math.ceil(leads.length / columns);
  const rowHeight = leads.length === 1 ? 30 : 22;
  const head = 8;
  const width = seconds * perSecond;
  const height = head + rows * rowHeight;
  const part = seconds / columns;
  const traces = leads.map((lead, k) => {
    const column = Math.floor(k / rows);
    const left = column * part * perSecond;
    const zero = head + ((k % rows) + 0.6) * rowHeight;
    const first = Math.round((from + column * part) * fs);
    const count = Math.min(Math.round(part * fs), signals[k]!.length - first);
    // Whole steps of a twentieth of a millimetre, each from the point before: half the size of coordinates.
    let x = Math.round(left * steps);
    let y = Math.round((zero - signals[k]![first]! * perMillivolt) * steps);
    const trace = [`M${x} ${y}l`];
    for (let n = 1; n < count; n++) {
      const nextX = Math.round((left + (n / fs) * perSecond) * steps);
      const nextY = Math.round((zero - signals[k]![first + n]! * perMillivolt) * steps);
      trace.push(`${nextX - x} ${nextY - y}`);
      [x, y] = [nextX, nextY];
    }
    const label = `<text x="${round(left + 1)}" y="${round(zero - 0.42 * rowHeight)}">${escapeMarkup(lead)}</text>`;
    return `${label}<path class="trace" transform="scale(${1 / steps})" d="${trace.join(' ').replaceAll(' -', '-')}"/>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${round(width)} ${height}" width="${round(width * scale)}" height="${height * scale}" role="img">`,
    `<title>ECG: ${title}</title>`,
    '<style>text{font:3.5px sans-serif;fill:#333}.trace{fill:none;stroke:#111;stroke-width:6;stroke-linejoin:round}</style>',
    '<defs><pattern id="mm" width="5" height="5" patternUnits="userSpaceOnUse">',
    '<path d="M1 0V5M2 0V5M3 0V5M4 0V5M0 1H5M0 2H5M0 3H5M0 4H5" stroke="#f6d5d5" stroke-width=".08"/>',
    '<path d="M0 0H5V5H0Z" fill="none" stroke="#eaa" stroke-width=".16"/></pattern></defs>',
    `<rect width="100%" height="100%" fill="#fff"/><rect y="${head}" width="100%" height="100%" fill="url(#mm)"/>`,
    `<text x="1" y="5">${title} · 25 mm/s, 10 mm/mV</text>`,
    ...traces,
    '</svg>\n',
  ].join('\n');
}

function round(value: number): string {
  return String(Math.round(value * 100) / 100);
}
