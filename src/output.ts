import type { WriteStream } from 'node:tty';
import { oneLine, printable } from './text.ts';

/**
 * Writes text to standard output, see {@link printable}. All text for people goes through this function, {@link printError} or a reporter
 * (`events.ts`).
 */
export function print(text: string): void {
  write(process.stdout, text);
}

/** Writes text to standard error. */
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

/** The status line, which changes while work goes on and stays below all other text of the terminal. */
let status:
  | { readonly stream: NodeJS.WriteStream; readonly line: (columns: number) => string; shown: string }
  | undefined;

/**
 * Shows a status line below all text that {@link write} writes to a terminal. Replaces the previous one.
 *
 * @param line gives the line for a terminal with this number of columns.
 */
export function showStatus(stream: NodeJS.WriteStream, line: (columns: number) => string): void {
  watch(stream);
  if (status === undefined) process.once('exit', hideStatus);
  else erase();
  status = { stream, line, shown: '' };
  draw();
}

/** Removes the status line. */
export function hideStatus(): void {
  if (status === undefined) return;
  erase();
  status = undefined;
  process.off('exit', hideStatus);
}

function draw(): void {
  if (status === undefined) return;
  // On some terminals, text in the last column starts a new line.
  status.shown = oneLine(status.line(columnsOf(status.stream) - 1));
  status.stream.write(status.shown);
}

/** If the terminal has become narrower, the line has been wrapped into several rows. */
function erase(): void {
  if (status === undefined) return;
  const rows = Math.ceil(widthOf(status.shown) / columnsOf(status.stream));
  status.stream.write(`\r${rows > 1 ? `\u001b[${rows - 1}A` : ''}\u001b[J`);
  status.shown = '';
}

/** Current number of columns of a terminal. (`stream.columns` is updated only when Node handles events, which long work delays.) */
export function columnsOf(stream: NodeJS.WriteStream): number {
  const [columns] = (stream as Partial<WriteStream>).getWindowSize?.() ?? [stream.columns];
  return columns > 0 ? columns : 80;
}

/** Number of columns that a text takes. East Asian characters and emoji take two. */
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

/** If the reader of the output has ended (`… | head`), the work goes on. If output is lost for another reason, that is an error. */
function onError(stream: NodeJS.WriteStream, { code, message }: NodeJS.ErrnoException): void {
  if (code === 'EPIPE') return;
  process.once('exit', () => {
    process.exitCode ||= 1;
  });
  if (stream === process.stdout) printError(`Standard output could not be written: ${message}\n`);
}
