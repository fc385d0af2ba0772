import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { InputError } from '../../errors.ts';
import { refusePointer } from '../git_lfs.ts';
import { notFound } from './not_found.ts';

const mostBytes = 2 ** 32 - 1;

export interface WholeFileOptions {
  /** A longer file is refused before it is read; default 4 GiB. */
  readonly maxBytes?: number;
  /** What the user can do about a file that cannot be read. */
  readonly next?: string;
}

/**
 * All bytes of a regular file, also beyond the 2 GiB of `fs.readFile`. Twin of `open(path, 'rb').read()`.
 *
 * Throws a FileNotFoundError if there is no such file, and an InputError for a folder, a device or pipe (which would never end), for a file
 * of more than `maxBytes`, and for a pointer of Git LFS.
 */
export function readWholeFile(
  path: string,
  { maxBytes = mostBytes, next }: WholeFileOptions = {},
): Uint8Array<ArrayBuffer> {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw notFound(path);
  if (!stat.isFile()) {
    throw new InputError('not a file', { file: path, got: stat.isDirectory() ? 'a folder' : 'a device or pipe', next });
  }
  const descriptor = open(path);
  try {
    const { size } = fstatSync(descriptor);
    refusePointer(descriptor, size, path);
    if (size > maxBytes) {
      throw new InputError('the file is too large', {
        file: path,
        got: `${size} bytes`,
        expected: `at most ${maxBytes}`,
        next,
      });
    }
    const bytes = new Uint8Array(size);
    let done = 0;
    while (done < size) {
      const count = readSync(descriptor, bytes, done, Math.min(size - done, 1 << 30), done);
      if (count === 0)
        throw new InputError('file shrank while it was read', { file: path, got: `${done} of ${size} bytes` });
      done += count;
    }
    return bytes;
  } finally {
    closeSync(descriptor);
  }
}

function open(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (cause) {
    throw new InputError('file cannot be opened', { file: path, got: (cause as NodeJS.ErrnoException).code });
  }
}
