import { InputError } from '../../errors.ts';
import { changed, readSome, withRegular } from './regular_file.ts';

const mostBytes = 2 ** 32 - 1;

export interface WholeFileOptions {
  /** Largest size in bytes, checked before reading; default 4 GiB. */
  readonly maxBytes?: number;
  /** What the user can do about a file that cannot be read. */
  readonly next?: string;
}

/**
 * All bytes of a regular file, which may be larger than the 2 GiB that `fs.readFile` allows. Twin of `open(path, 'rb').read()`.
 *
 * @throws as `openRegular`; InputError for a file of more than `maxBytes`, or whose size changes while it is read, or differs from what the system
 *   reports (as in `/proc`).
 */
export function readWholeFile(
  path: string,
  { maxBytes = mostBytes, next }: WholeFileOptions = {},
): Uint8Array<ArrayBuffer> {
  return withRegular(
    path,
    (file) => {
      const { size } = file;
      if (size > maxBytes) {
        throw new InputError('the file is too large', {
          file: path,
          got: `${size} bytes`,
          expected: `at most ${maxBytes}`,
          next,
        });
      }
      const bytes = new Uint8Array(size);
      for (let done = 0; done < size; ) {
        const count = readSome(file, bytes, done, done);
        if (count === 0) throw changed(path, `${done} bytes`, size);
        done += count;
      }
      if (readSome(file, new Uint8Array(1), 0, size) > 0) throw changed(path, `more than ${size} bytes`, size);
      return bytes;
    },
    next,
  );
}
