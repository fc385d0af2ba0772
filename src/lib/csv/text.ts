import { InputError } from '../../errors.ts';
import { shellCommand } from '../../text.ts';
import { readWholeFile } from '../python/whole_file.ts';

/** Tables are read whole, and a JavaScript text ends at 512 MiB. */
const MAX_BYTES = 2 ** 28;

/**
 * Text of a file in UTF-8.
 *
 * @throws FileNotFoundError; InputError for what is not UTF-8 or too long.
 */
export function readUtf8(file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readWholeFile(file, { maxBytes: MAX_BYTES }));
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new InputError('the file is not UTF-8 text', {
      file,
      next: `Convert it: iconv -f WINDOWS-1252 -t UTF-8 -o ${shellCommand([`${file}.utf8`, file])}`,
    });
  }
}

/**
 * Text of a file: UTF-8, UTF-16 with its byte order mark, or else Windows-1252 (of which Latin-1 is the printable part). No byte is dropped.
 *
 * @throws FileNotFoundError; InputError for what is not text or too long.
 */
export function readText(file: string): string {
  const bytes = readWholeFile(file, { maxBytes: MAX_BYTES });
  const text = decode(bytes);
  if (text.includes('\0')) throw new InputError('this is not text', { file, got: 'a file with zero bytes' });
  return text;
}

function decode(bytes: Uint8Array): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder('windows-1252').decode(bytes);
  }
}
