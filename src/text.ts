import { existsSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Characters that move the cursor, colour or reorder text, or are invalid in XML: control characters, bidirectional ones, tags, unpaired surrogates.
 */
const unprintable =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
  /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\ufffe\uffff]|\udb40[\udc00-\udc7f]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/**
 * Makes multi-line text with untrusted parts (names of files, leads and classes, messages of Python) safe to show. Keeps line feeds and tabs, and
 * replaces every other invisible character by its escape, such as `\u001b` for an ANSI escape. JSON keeps its meaning.
 */
export function printable(text: string): string {
  return text.replace(unprintable, (character) =>
    character === '\n' || character === '\t' ? character : escapeOf(character),
  );
}

/** The same for a single line: also escapes line feeds and tabs (`\n`, `\t`), so that a name cannot look like another line. */
export function oneLine(text: string): string {
  return text.replace(unprintable, escapeOf);
}

function escapeOf(character: string): string {
  if (character === '\n') return '\\n';
  if (character === '\t') return '\\t';
  return character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
}

/** Escapes text for use between tags and in quoted attributes of SVG, HTML and XML. */
export function escapeMarkup(text: string): string {
  return printable(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/**
 * Text for a cell of a table that people open in a spreadsheet. Puts an apostrophe before text that would be taken for a formula (it begins with `=`,
 * `+`, `-` or `@`, and is not a number), as OWASP recommends against CSV injection.
 */
export function spreadsheetCell(text: string): string {
  const shown = oneLine(text);
  return /^[=+\-@＝＋－＠]/.test(shown) && Number.isNaN(Number(shown)) ? `'${shown}` : shown;
}

/** A number with its noun: `1 row`, `2,000 rows`. */
export function counted(number: number, noun: string, several = `${noun}s`): string {
  return `${number.toLocaleString('en')} ${number === 1 ? noun : several}`;
}

/** Rows of cells in columns, one line each; the first `left` columns are aligned on the left, the others on the right. */
export function alignedLines(rows: readonly (readonly string[])[], left: number): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column < left ? cell.padEnd(widths[column]) : cell.padStart(widths[column])))
      .join('  ')
      .trimEnd(),
  );
}

/** Joins words into one line that is safe to paste into a POSIX shell. */
export function shellCommand(words: readonly string[]): string {
  return words.map((word) => (/^[\w./,:=@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ');
}

/**
 * How to type a command of this project: in a clone through npm, which also works before set-up; otherwise as the command of an installed package.
 */
export function ownCommand(name: string, ...words: readonly string[]): string {
  // Installed packages have no lock file.
  const isClone = existsSync(join(import.meta.dirname, '..', 'package-lock.json'));
  const rest = words.length === 0 ? '' : ` ${isClone ? '-- ' : ''}${shellCommand(words)}`;
  return isClone ? `npm run ${name}${rest}` : `npx ecg-transplant ${name}${rest}`;
}

/** Bytes as a reader takes them in: `12 MB`, `1.5 GB`. */
export function gigabytes(bytes: number): string {
  return bytes < 1e9 ? `${Math.ceil(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

/** Seconds as a reader takes them in: `40 s`, `3 min`, `2.5 h`, `4 days`. */
export function formatDuration(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 129_600) return `${(seconds / 3600).toFixed(1)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}
