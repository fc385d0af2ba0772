import { isUtf8, transcode } from 'node:buffer';

/** Bytes that are converted at once: enough for few calls, few enough for the cache. */
const PIECE = 1 << 18;

/**
 * The bytes of a Latin-1 text that is stored as UTF-8, in a buffer of their own. Twin of `text.encode('latin1')`.
 *
 * @returns undefined if the bytes are not UTF-8, or if a character is not Latin-1.
 */
export function latin1FromUtf8(utf8: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  if (!isUtf8(utf8)) return undefined;
  const pairs = countPairs(utf8);
  if (pairs === undefined) return undefined;
  const out = new Uint8Array(utf8.length - pairs);
  let filled = 0;
  for (let start = 0; start < utf8.length; ) {
    let end = Math.min(start + PIECE, utf8.length);
    // A character of two bytes stays whole.
    if (end < utf8.length && isSecond(utf8[end])) end--;
    const piece = transcode(utf8.subarray(start, end), 'utf8', 'latin1');
    out.set(piece, filled);
    filled += piece.length;
    start = end;
  }
  return out;
}

function isSecond(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}

/** Number of characters of two bytes in valid UTF-8, or undefined if a character is not Latin-1. Looks at four bytes at once. */
function countPairs(utf8: Uint8Array): number | undefined {
  const head = Math.min(utf8.length, (4 - (utf8.byteOffset % 4)) % 4);
  const words = new Uint32Array(utf8.buffer, utf8.byteOffset + head, (utf8.length - head) >> 2);
  const ends = [...utf8.subarray(0, head), ...utf8.subarray(head + 4 * words.length)];
  let pairs = 0;
  let beyond = 0;
  for (const byte of ends) {
    if (byte >= 0xc0) pairs++;
    if (byte >= 0xc4) beyond = 1;
  }
  for (let k = 0; k < words.length; k++) {
    const word = words[k];
    // 1 in each byte that begins a character of several bytes (11……); it is Latin-1 if the four bits below are 0.
    const firsts = (word & (word << 1) & 0x80808080) >>> 7;
    pairs += Math.imul(firsts, 0x01010101) >>> 24;
    beyond |= Math.imul(firsts, 0x3c) & word;
  }
  return beyond === 0 ? pairs : undefined;
}
