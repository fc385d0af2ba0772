import { InputError } from '../../errors.ts';
import { changed, readSome, withRegular } from './regular_file.ts';

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
 * @throws as `openRegular`; InputError for a file of more than `maxBytes`, and for one whose size changes while it is read or is not what the system says
 *   (as in `/proc`).
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
