import type { WriteStream } from 'node:tty';
import { oneLine, printable } from './text.ts';

/**
 * Writes text to the standard output, see {@link printable}. All text of this program for people goes through here, {@link printError} or a
 * reporter (`events.ts`).
 */
export function print(text: string): void {
  write(process.stdout, text);
}

/** Writes text to the standard error. */
export function printError(text: string): void {
  write(process.stderr, text);
}

/** Writes text to a stream that a person may read. */
export function write(stream: NodeJS.WriteStream, text: string): void {
  watch(stream);
  const above = status !== undefined && stream.isTTY;
  if (above) erase();
  stream.write(printable(text));
  if (above && text.endsWith('\n')) draw();
}

/** A line that changes while work goes on; it stays below all other text of the terminal. */
let status:
  | { readonly stream: NodeJS.WriteStream; readonly line: (columns: number) => string; shown: string }
  | undefined;

/**
 * Shows a line below all text that {@link write} writes to a terminal, in place of the one before.
 *
 * @param line the line for a terminal of so many columns.
 */
export function showStatus(stream: NodeJS.WriteStream, line: (columns: number) => string): void {
  watch(stream);
  if (status === undefined) process.once('exit', hideStatus);
  else erase();
  status = { stream, line, shown: '' };
  draw();
}

/** Removes the line that {@link showStatus} showed. */
export function hideStatus(): void {
  if (status === undefined) return;
  erase();
  status = undefined;
  process.off('exit', hideStatus);
}

function draw(): void {
  if (status === undefined) return;
  // A full last column would begin the next line on some terminals.
  status.shown = oneLine(status.line(columnsOf(status.stream) - 1));
  status.stream.write(status.shown);
}

/** Terminals that became narrower have wrapped the line. */
function erase(): void {
  if (status === undefined) return;
  const rows = Math.ceil(widthOf(status.shown) / columnsOf(status.stream));
  status.stream.write(`\r${rows > 1 ? `\u001b[${rows - 1}A` : ''}\u001b[J`);
  status.shown = '';
}

/** Columns of a terminal as it is now: `columns` is as old as the last event that was let in. */
export function columnsOf(stream: NodeJS.WriteStream): number {
  const [columns] = (stream as Partial<WriteStream>).getWindowSize?.() ?? [stream.columns];
  return columns > 0 ? columns : 80;
}

/** Columns that a text takes: letters of East Asian scripts and pictures take two. */
export function widthOf(text: string): number {
  return Array.from(text, (letter) => (isWide(letter.codePointAt(0)!) ? 2 : 1)).reduce((sum, one) => sum + one, 0);
}

function isWide(code: number): boolean {
  if (code < 0x1100) return false;
  return code <= 0x115f || (code >= 0x2e80 && code <= 0xd7a3) || (code >= 0xf900 && code <= 0xffe6) || code >= 0x1f300;
}

function watch(stream: NodeJS.WriteStream): void {
  if (watched.has(stream)) return;
  watched.add(stream);
  stream.on?.('error', (error: NodeJS.ErrnoException) => onError(stream, error));
}

const watched = new WeakSet<NodeJS.WriteStream>();

/** Output that nobody reads any more (`… | head`) is not a fault: the work goes on. Output that is lost is one. */
function onError(stream: NodeJS.WriteStream, { code, message }: NodeJS.ErrnoException): void {
  if (code === 'EPIPE') return;
  process.once('exit', () => {
    process.exitCode ||= 1;
  });
  if (stream === process.stdout) printError(`The standard output could not be written: ${message}\n`);
}
