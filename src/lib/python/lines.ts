import { InputError } from '../../errors.ts';
import { streamFile } from './regular_file.ts';

const NEWLINE = 0x0a;
const RETURN = 0x0d;

/**
 * The lines of a UTF-8 text file of any size, one at a time, without `\n` or `\r\n`.
 *
 * @param maxBytes largest number of bytes of a line.
 * @throws as `streamFile`; InputError that names a longer line.
 */
export async function* readLines(path: string, maxBytes: number): AsyncGenerator<string, void, undefined> {
  let rest: Buffer = Buffer.alloc(0);
  let count = 0;
  const text = (line: Buffer): string => {
    count++;
    if (line.length > maxBytes) throw tooLong(path, count, maxBytes);
    return line.toString('utf8', 0, line.at(-1) === RETURN ? line.length - 1 : line.length);
  };
  for await (const chunk of streamFile(path, { chunk: 1 << 18 })) {
    let bytes: Buffer = chunk;
    let end = bytes.indexOf(NEWLINE);
    if (end >= 0) {
      yield text(Buffer.concat([rest, bytes.subarray(0, end)]));
      rest = Buffer.alloc(0);
      for (let start = end + 1; ; start = end + 1) {
        end = bytes.indexOf(NEWLINE, start);
        if (end < 0) {
          bytes = bytes.subarray(start);
          break;
        }
        yield text(bytes.subarray(start, end));
      }
    }
    rest = Buffer.concat([rest, bytes]);
    if (rest.length > maxBytes + 1) throw tooLong(path, count + 1, maxBytes);
  }
  if (rest.length > 0) yield text(rest);
}

function tooLong(file: string, line: number, maxBytes: number): InputError {
  return new InputError('the line is too long', { file, where: `line ${line}`, expected: `at most ${maxBytes} bytes` });
}
