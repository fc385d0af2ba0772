import { printable } from './text.ts';

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
  if (!watched.has(stream)) {
    watched.add(stream);
    stream.on?.('error', (error: NodeJS.ErrnoException) => onError(stream, error));
  }
  stream.write(printable(text));
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
