import { escapeMarkup, printable } from '../text.ts';
import type { Recording } from './recording.ts';

/** Sizes on ECG paper, in millimetres. */
const perSecond = 25;
const perMillivolt = 10;
/** Pixels per millimetre. */
const scale = 3;
/** Resolution of traces, in steps per millimetre. */
const steps = 20;

/** Height of a line of text, and font size. */
const lineHeight = 5;
const fontSize = 3.5;
/** Widths of characters as a fraction of the font size, slightly too wide, because fonts differ. The first match counts. */
const letterWidths: readonly (readonly [letters: RegExp, width: number])[] = [
  [/[\u2e80-\u{1ffff}MW@%mw]/u, 1.05],
  [/[\p{Lu}\d]/u, 0.8],
  [/./u, 0.66],
];
/** Smallest width of a picture, so that its texts fit. */
const narrowest = 120;

export interface PictureOptions {
  readonly title: string;
  /** Lines of text below the title. */
  readonly notes?: readonly string[];
  /** Start and length in seconds; default: the whole recording. */
  readonly from?: number;
  readonly seconds?: number;
  /** Number of columns of leads, which show consecutive parts as on a standard print; default 1. */
  readonly columns?: number;
  /** Seconds per row, after which all leads continue below; default: a single row. Cannot be combined with several columns. */
  readonly secondsPerLine?: number;
  /** Draws a bar for the whole recording and marks the part that the picture shows. */
  readonly overview?: boolean;
  /** Columns below each lead. Only for a single column of leads. */
  readonly columnsBelow?: ColumnsBelow;
}

/** Values of consecutive parts of a recording, drawn as columns that point up or down. */
export interface ColumnsBelow {
  /** Of each lead, from the start of what is drawn. */
  readonly values: readonly Float64Array[];
  /** Length of a part. */
  readonly seconds: number;
}

/** Height of the band of columns, in millimetres; the largest value fills half of it. */
const bandHeight = 12;

/** The leads to draw: names, and signals in mV. */
export interface Traces extends Pick<Recording, 'fs' | 'signals'> {
  readonly leads: readonly string[];
}

/** A recording on ECG paper (25 mm/s, 10 mm/mV) as an SVG document. */
export function drawRecording(recording: Traces, options: PictureOptions): string {
  const { fs, leads, signals } = recording;
  const { title, notes = [], from = 0, columns = 1, overview = false, columnsBelow } = options;
  const whole = signals[0].length / fs;
  const seconds = options.seconds ?? whole - from;
  const perLine = Math.min(options.secondsPerLine ?? seconds, seconds);
  const width = Math.max(perLine * perSecond, narrowest);
  const scaleNote = '25 mm/s, 10 mm/mV';
  const texts = notes.length === 0 ? [`${title} · ${scaleNote}`] : [title, ...notes, scaleNote];
  const lines = texts.flatMap((text) => wrap(text, width - 2));
  const bar = overview ? drawOverview(whole, from, seconds, width, 3 + lines.length * lineHeight) : [];
  const head = 3 + (lines.length + (overview ? 1 : 0)) * lineHeight;
  const rows = Math.ceil(leads.length / columns);
  const traceHeight = leads.length === 1 ? 30 : 22;
  const band = columnsBelow ? bandHeight : 0;
  const rowHeight = traceHeight + band;
  const systems = Math.max(1, Math.ceil(seconds / perLine - 1e-9));
  const height = head + systems * rows * rowHeight;
  const part = perLine / columns;
  const traces = Array.from({ length: systems }, (_, system) => system).flatMap((system) =>
    leads.map((lead, k) => {
      const column = Math.floor(k / rows);
      const left = column * part * perSecond;
      const row = system * rows + (k % rows);
      const zero = head + (row + 0.6) * traceHeight + row * band;
      const start = from + system * perLine + column * part;
      const first = Math.round(start * fs);
      const last = Math.min(Math.round(Math.min(start + part, from + seconds) * fs), signals[k].length);
      const label = escapeMarkup(systems === 1 || k > 0 ? lead : `${lead} · ${clock(start)}`);
      const below =
        columnsBelow &&
        drawColumns(columnsBelow, k, system * perLine, perLine, head + (row + 1) * rowHeight - band / 2);
      return `<text x="${round(left + 1)}" y="${round(zero - 0.42 * traceHeight)}">${label}</text>${drawTrace(signals[k].subarray(first, last), fs, left, zero)}${below ?? ''}`;
    }),
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${round(width)} ${height}" width="${round(width * scale)}" height="${height * scale}" role="img">`,
    `<title>ECG: ${escapeMarkup(title)}</title>`,
    `<style>text{font:3.5px sans-serif;fill:#333}.trace{fill:none;stroke:#111;stroke-width:6;stroke-linejoin:round}${columnsBelow ? '.up{fill:#b35806}.down{fill:#2166ac}' : ''}</style>`,
    '<defs><pattern id="mm" width="5" height="5" patternUnits="userSpaceOnUse">',
    '<path d="M1 0V5M2 0V5M3 0V5M4 0V5M0 1H5M0 2H5M0 3H5M0 4H5" stroke="#f6d5d5" stroke-width=".08"/>',
    '<path d="M0 0H5V5H0Z" fill="none" stroke="#eaa" stroke-width=".16"/></pattern></defs>',
    `<rect width="100%" height="100%" fill="#fff"/><rect y="${head}" width="100%" height="100%" fill="url(#mm)"/>`,
    ...lines.map((line, i) => `<text x="1" y="${(i + 1) * lineHeight}">${escapeMarkup(line)}</text>`),
    ...bar,
    ...traces,
    '</svg>\n',
  ].join('\n');
}

function drawTrace(signal: Float64Array, fs: number, left: number, zero: number): string {
  // Relative moves in whole steps of a twentieth of a millimetre take half the space of coordinates.
  let x = Math.round(left * steps);
  let y = Math.round((zero - signal[0] * perMillivolt) * steps);
  const trace = [`M${x} ${y}l`];
  for (let n = 1; n < signal.length; n++) {
    const nextX = Math.round((left + (n / fs) * perSecond) * steps);
    const nextY = Math.round((zero - signal[n] * perMillivolt) * steps);
    trace.push(`${nextX - x} ${nextY - y}`);
    [x, y] = [nextX, nextY];
  }
  return `<path class="trace" transform="scale(${1 / steps})" d="${trace.join(' ').replaceAll(' -', '-')}"/>`;
}

/** The columns of one lead in a line that begins `from` seconds after the first one. */
function drawColumns(
  { values, seconds }: ColumnsBelow,
  lead: number,
  from: number,
  length: number,
  zero: number,
): string {
  const largest = values.reduce((most, row) => row.reduce((size, value) => Math.max(size, Math.abs(value)), most), 0);
  const first = Math.round(from / seconds);
  const row = values[lead].subarray(first, first + Math.ceil(length / seconds - 1e-9));
  const width = round(seconds * perSecond);
  const drawn = (sign: 1 | -1): string =>
    Array.from(row, (value, i) => {
      const height = largest === 0 ? 0 : (sign * value * bandHeight) / (2 * largest);
      // Shorter columns could not be seen.
      if (height < 0.05) return '';
      return `M${round(i * seconds * perSecond)} ${round(zero)}v${round(-sign * height)}h${width}V${round(zero)}z`;
    }).join('');
  const line = `<path d="M0 ${round(zero)}h${round(length * perSecond)}" stroke="#888" stroke-width=".15"/>`;
  return `${line}<path class="up" d="${drawn(1)}"/><path class="down" d="${drawn(-1)}"/>`;
}

/** A bar for the whole recording. The part that is drawn below is dark. */
function drawOverview(whole: number, from: number, seconds: number, width: number, y: number): string[] {
  const length = width - 2;
  const begin = 1 + (from / whole) * length;
  return [
    `<rect x="1" y="${y}" width="${round(length)}" height="2" fill="#ddd"/>`,
    `<rect x="${round(begin)}" y="${y}" width="${round(Math.max(0.5, (seconds / whole) * length))}" height="2" fill="#333"/>`,
  ];
}

/** Formats a time as minutes and seconds. */
export function clock(seconds: number): string {
  const tenths = Math.round(seconds * 10);
  const rest = (tenths % 600) / 10;
  return `${Math.floor(tenths / 600)}:${rest < 10 ? '0' : ''}${Number.isInteger(rest) ? rest : rest.toFixed(1)}`;
}

/** Wraps a text to lines of at most `width` millimetres, at spaces if possible. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of printable(text).split(/[ \t\n]+/)) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (widthOf(longer) <= width) {
      line = longer;
      continue;
    }
    if (line !== '') lines.push(line);
    line = '';
    for (const character of word) {
      if (widthOf(line + character) > width) {
        lines.push(line);
        line = '';
      }
      line += character;
    }
  }
  return [...lines, line];
}

/** Width of a text in millimetres, estimated slightly too wide. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += letterWidths.find(([letters]) => letters.test(character))?.[1] ?? 0;
  return width * fontSize;
}

function round(value: number): string {
  return String(Math.round(value * 100) / 100);
}
