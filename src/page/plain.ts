import { oneLine } from '../text.ts';

/** Longest text from data that a report shows. `report.json` contains the whole text. */
const longest = 160;

/**
 * Makes text from data (names of records, files and layers, lines of files, messages of Python) safe for terminals and files: one line, no
 * invisible characters (`\u001b` instead of an escape), at most `most` characters.
 */
export function plain(text: string, most = longest): string {
  const shown = oneLine(text.replace(/[\n\t]/g, ' '));
  if (shown.length <= most) return shown;
  return `${cut(shown, most)}… (${shown.length.toLocaleString('en')} characters)`;
}

/** A name as a label in a picture: as {@link plain}, and at most `most` characters in all. */
export function brief(text: string, most: number): string {
  const shown = plain(text, Number.POSITIVE_INFINITY);
  return shown.length <= most ? shown : `${cut(shown, most - 1)}…`;
}

/** The first characters, without half a pair at the end. */
function cut(text: string, most: number): string {
  return text.slice(0, most).replace(/[\ud800-\udbff]$/, '');
}

/** With one digit behind the point, such as `1.3e-7`. */
export function scientific(value: number): string {
  return value === 0 ? '0' : value.toExponential(1);
}

/** A number as a label: four digits, with an exponent if it is very small or large. */
export function shortNumber(value: number): string {
  if (value === 0 || (Math.abs(value) >= 0.001 && Math.abs(value) < 100_000))
    return String(Number(value.toPrecision(4)));
  return value.toExponential(1).replace('.0e', 'e');
}
