import { closeSync, constants, fstatSync, lstatSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { InputError } from '../errors.ts';
import { shellCommand } from '../text.ts';

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } = constants;

/**
 * Opens a file of this package to append and to read, and creates it if necessary. Does not write to anything that others may have put in its place.
 *
 * @throws InputError for a link, a folder, a device or a pipe.
 */
export function openToAppend(path: string): number {
  return openRegular(path, O_RDWR | O_APPEND | O_CREAT);
}

/** Creates a new file to write to. Removes a file or link of that name first; the target of a link stays untouched. */
export function openAnew(path: string): number {
  rmSync(path, { force: true });
  return openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW);
}

/** Opens a file of this package to read it; see `openToAppend`. Undefined if it does not exist. */
export function openToRead(path: string): number | undefined {
  try {
    return openRegular(path, O_RDONLY);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Creates a folder and its parents, unless it exists. Throws an InputError for a link to a folder, because files would be written to another place.
 */
export function makeOwnFolder(path: string): void {
  if (!lstatSync(path, { throwIfNoEntry: false })) mkdirSync(path, { recursive: true });
  const status = lstatSync(path);
  if (!status.isDirectory()) throw notOurs(path, status.isSymbolicLink() ? 'a symbolic link' : 'a file', 'a folder');
}

/** Appends a text to a file; see `openToAppend`. */
export function appendText(path: string, text: string, encoding: BufferEncoding = 'utf8'): void {
  const descriptor = openToAppend(path);
  try {
    const bytes = Buffer.from(text, encoding);
    for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done);
  } finally {
    closeSync(descriptor);
  }
}

function openRegular(path: string, flags: number): number {
  // O_NONBLOCK, because `open` would wait for a reader of a pipe.
  const descriptor = opened(path, flags | O_NOFOLLOW | O_NONBLOCK);
  const status = fstatSync(descriptor);
  if (status.isFile()) return descriptor;
  closeSync(descriptor);
  throw notOurs(path, status.isDirectory() ? 'a folder' : 'a device or pipe');
}

function opened(path: string, flags: number): number {
  try {
    return openSync(path, flags);
  } catch (error) {
    switch ((error as NodeJS.ErrnoException).code) {
      case 'ELOOP':
        throw notOurs(path, 'a symbolic link');
      case 'EISDIR':
        throw notOurs(path, 'a folder');
      case 'ENXIO':
        throw notOurs(path, 'a device or pipe');
      default:
        throw error;
    }
  }
}

function notOurs(path: string, got: string, expected = 'a regular file'): InputError {
  return new InputError('this is not the file that this package writes here', {
    file: path,
    got,
    expected: `${expected}, or nothing`,
    next: `See what it is, then remove it: ${shellCommand(['ls', '-ld', path])}`,
  });
}
