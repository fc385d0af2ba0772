/** Seeded damage to files, for tests of readers on bad input. */

/** Small fast generator (mulberry32): numbers in [0, 1). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Numbers that readers of sizes get wrong. */
const awkward = [
  '0',
  '-1',
  '1',
  '255',
  '32768',
  '65536',
  '2147483648',
  '4294967296',
  '1000000000000',
  '9007199254740993',
  '1e999',
  'nan',
  '',
];

/**
 * One to three random changes of a file: bits flipped, bytes set, cut off, removed, doubled, exchanged; in text also numbers replaced by awkward
 * ones.
 *
 * @param from first byte that may change, so that mutants can be made that pass the checks of a file's head.
 * @param keepLength only changes that leave every byte at its place.
 */
export function mutate(
  original: Uint8Array,
  random: () => number,
  { text = false, from = 0, keepLength = false } = {},
): Buffer {
  const below = (n: number): number => Math.floor(random() * n);
  let bytes: Buffer = Buffer.from(original);
  for (let changes = 1 + below(3); changes > 0; changes--) {
    const at = from + below(Math.max(1, bytes.length - from));
    const length = 1 + below(Math.min(16, Math.max(1, bytes.length - at)));
    const kind = keepLength ? [0, 1, 5][below(3)] : below(text ? 10 : 7);
    if (kind === 0 && at < bytes.length) bytes[at] = bytes[at] ^ (1 << below(8));
    else if (kind === 1 && at < bytes.length) bytes[at] = below(256);
    else if (kind === 2) bytes = bytes.subarray(0, at);
    else if (kind === 3) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
    else if (kind === 4) bytes = Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)]);
    else if (kind === 5)
      bytes.fill(random() < 0.5 ? 0 : 0xff, Math.min(at, bytes.length), Math.min(at + length, bytes.length));
    else if (kind === 6) bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from([below(256)]), bytes.subarray(at)]);
    else bytes = replaceNumber(bytes, at, awkward[below(awkward.length)]);
    bytes = Buffer.from(bytes);
  }
  return bytes;
}

function replaceNumber(bytes: Buffer, near: number, number: string): Buffer {
  const text = bytes.toString('latin1');
  const match = /-?\d+/.exec(text.slice(near)) ?? /-?\d+/.exec(text);
  if (!match) return bytes;
  const at = text.indexOf(match[0], text.slice(near).includes(match[0]) ? near : 0);
  return Buffer.from(text.slice(0, at) + number + text.slice(at + match[0].length), 'latin1');
}
