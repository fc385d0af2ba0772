import * as zlib from 'node:zlib';

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** Node's own, which it has only since 20.15. */
const native: typeof zlib.crc32 | undefined = zlib.crc32;

/** CRC-32 of the bytes, continuing from `start`. Twin of `zlib.crc32`. */
export function crc32(bytes: Uint8Array, start = 0): number {
  if (native) return native(bytes, start);
  let crc = ~start;
  for (let i = 0; i < bytes.length; i++) crc = TABLE[(crc ^ bytes[i]) & 0xff] ^ (crc >>> 8);
  return ~crc >>> 0;
}
