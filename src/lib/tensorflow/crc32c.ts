/** CRC-32C (Castagnoli), the checksum of LevelDB tables and TensorFlow's tensor bundles. */

const polynomial = 0x82f63b78;

/** Eight tables, to process eight bytes per step ("slicing by eight"). */
const tables: readonly Uint32Array[] = makeTables();

function makeTables(): Uint32Array[] {
  const first = new Uint32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ polynomial;
    first[byte] = crc;
  }
  const made = [first];
  for (let index = 1; index < 8; index++) {
    const previous = made[index - 1];
    made.push(previous.map((crc) => (crc >>> 8) ^ first[crc & 0xff]));
  }
  return made;
}

/** Checksum of the bytes. `crc` is the checksum of the bytes before them. */
export function crc32c(bytes: Uint8Array, crc = 0): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = tables as [
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
  ];
  const end = bytes.length - (bytes.length % 8);
  let state = ~crc;
  let at = 0;
  for (; at < end; at += 8) {
    const low = state ^ (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24));
    state =
      t7[low & 0xff] ^
      t6[(low >>> 8) & 0xff] ^
      t5[(low >>> 16) & 0xff] ^
      t4[low >>> 24] ^
      t3[bytes[at + 4]] ^
      t2[bytes[at + 5]] ^
      t1[bytes[at + 6]] ^
      t0[bytes[at + 7]];
  }
  for (; at < bytes.length; at++) state = (state >>> 8) ^ t0[(state ^ bytes[at]) & 0xff];
  return ~state >>> 0;
}

const maskDelta = 0xa282ead8;

/** Masked form in which a checksum is stored, because the CRC of data that contain their own CRC is weak. */
export function maskCrc(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + maskDelta) >>> 0;
}
