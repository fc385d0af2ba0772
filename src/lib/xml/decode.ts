import { InputError } from '../../errors.ts';

/** Byte order marks, and what an XML file begins with that has none. */
const beginnings: readonly (readonly [bytes: string, encoding: string])[] = [
  ['\xef\xbb\xbf', 'utf-8'],
  ['\xff\xfe', 'utf-16le'],
  ['\xfe\xff', 'utf-16be'],
  ['<\0', 'utf-16le'],
  ['\0<', 'utf-16be'],
];

/** Encodings that a declaration may name. Latin-1 is read as its superset, as browsers do. */
const declared: Readonly<Record<string, string>> = {
  'utf-8': 'utf-8',
  utf8: 'utf-8',
  'us-ascii': 'utf-8',
  ascii: 'utf-8',
  // What was once UTF-16 and has been converted without its declaration.
  'utf-16': 'utf-8',
  'iso-8859-1': 'windows-1252',
  latin1: 'windows-1252',
  'windows-1252': 'windows-1252',
};

/**
 * Text of an XML file: in the encoding of its byte order mark, or else in the one that it declares, or else in UTF-8.
 *
 * @throws InputError naming the file for another encoding, and for bytes that are not valid in the encoding.
 */
export function decodeXml(bytes: Uint8Array, file: string): string {
  const head = Buffer.from(bytes.subarray(0, 256)).toString('latin1');
  const marked = beginnings.find(([start]) => head.startsWith(start))?.[1];
  const name = /^\s*<\?xml[^>]*?\bencoding\s*=\s*["']([\w.-]+)["']/.exec(head)?.[1] ?? 'utf-8';
  const encoding = marked ?? declared[name.toLowerCase()];
  if (encoding === undefined) {
    throw new InputError('the encoding of the file is not known', {
      file,
      got: name,
      expected: 'UTF-8, UTF-16, ISO-8859-1 or windows-1252',
    });
  }
  try {
    return new TextDecoder(encoding, { fatal: true }).decode(bytes);
  } catch {
    throw new InputError('the text does not fit its encoding', { file, got: `bytes that are not ${encoding}` });
  }
}
