/** Values of a storage format of WFDB. */
export interface SampleValues {
  /** Value that stands for a missing sample; `null` where the format has none. */
  readonly missing: number | null;
  /** Smallest and largest value that can be stored. */
  readonly range: readonly [number, number];
  /** Value of a sample whose bytes are all zero. */
  readonly zero: number;
}

/** A storage format of WFDB signal files: how samples lie in bytes. */
export interface SignalFormat extends SampleValues {
  /** Average bytes of one sample. */
  readonly bytesPerSample: number;
  /** Bytes that hold `count` samples. */
  byteCount(count: number): number;
  /** Decodes samples into all of `out`; `bytes` has at least `byteCount(out.length)` bytes. */
  decode(bytes: Buffer, out: Int32Array): void;
}

function wholeBytes(
  size: number,
  missing: number | null,
  range: readonly [number, number],
  read: (bytes: Buffer, at: number) => number,
): SignalFormat {
  return {
    bytesPerSample: size,
    missing,
    range,
    zero: read(Buffer.alloc(size), 0),
    byteCount: (count) => count * size,
    decode(bytes, out) {
      for (let i = 0; i < out.length; i++) out[i] = read(bytes, i * size);
    },
  };
}

const BITS_8: readonly [number, number] = [-(2 ** 7), 2 ** 7 - 1];
const BITS_10: readonly [number, number] = [-(2 ** 9), 2 ** 9 - 1];
const BITS_12: readonly [number, number] = [-(2 ** 11), 2 ** 11 - 1];
const BITS_16: readonly [number, number] = [-(2 ** 15), 2 ** 15 - 1];
const BITS_24: readonly [number, number] = [-(2 ** 23), 2 ** 23 - 1];
const BITS_32: readonly [number, number] = [-(2 ** 31), 2 ** 31 - 1];

/** Two samples in three bytes: low byte, both high nibbles, low byte. */
const format212: SignalFormat = {
  bytesPerSample: 1.5,
  missing: BITS_12[0],
  range: BITS_12,
  zero: 0,
  byteCount: (count) => Math.ceil(count * 1.5),
  decode(bytes, out) {
    for (let i = 0, at = 0; i < out.length; i += 2, at += 3) {
      const middle = bytes[at + 1];
      out[i] = signed(bytes[at] | ((middle & 0x0f) << 8), 2048);
      if (i + 1 < out.length) out[i + 1] = signed(bytes[at + 2] | ((middle >> 4) << 8), 2048);
    }
  },
};

/** Three samples in two 16-bit words: eleven bits and five bits of each word. */
const format310: SignalFormat = {
  bytesPerSample: 4 / 3,
  missing: BITS_10[0],
  range: BITS_10,
  zero: 0,
  // Two samples of a triplet need the whole of it; one needs its first word.
  byteCount: (count) => (count % 3 === 2 ? 4 * Math.ceil(count / 3) : Math.ceil((count * 4) / 3)),
  decode(bytes, out) {
    for (let i = 0, at = 0; i < out.length; i += 3, at += 4) {
      out[i] = signed((bytes[at] >> 1) | ((bytes[at + 1] & 7) << 7), 512);
      if (i + 1 < out.length) out[i + 1] = signed((bytes[at + 2] >> 1) | ((bytes[at + 3] & 7) << 7), 512);
      if (i + 2 < out.length) out[i + 2] = signed((bytes[at + 1] >> 3) | ((bytes[at + 3] >> 3) << 5), 512);
    }
  },
};

/** Three samples in the low 30 bits of a 32-bit word. */
const format311: SignalFormat = {
  bytesPerSample: 4 / 3,
  missing: BITS_10[0],
  range: BITS_10,
  zero: 0,
  byteCount: (count) => Math.ceil((count * 4) / 3),
  decode(bytes, out) {
    for (let i = 0, at = 0; i < out.length; i += 3, at += 4) {
      out[i] = signed(bytes[at] | ((bytes[at + 1] & 3) << 8), 512);
      if (i + 1 < out.length) out[i + 1] = signed((bytes[at + 1] >> 2) | ((bytes[at + 2] & 15) << 6), 512);
      // wfdb-python keeps bit 30, which the format leaves unused, as an eleventh bit of the third sample.
      if (i + 2 < out.length) out[i + 2] = signed((bytes[at + 2] >> 4) | ((bytes[at + 3] & 0x7f) << 4), 512);
    }
  },
};

/** Two's complement as wfdb-python forms it: values from `half` on lose twice of it. */
function signed(value: number, half: number): number {
  return value >= half ? value - 2 * half : value;
}

/** The formats that can be read. Format 8 holds differences; the reader sums them up. */
export const signalFormats: ReadonlyMap<string, SignalFormat> = new Map([
  ['8', wholeBytes(1, null, BITS_32, (bytes, at) => bytes.readInt8(at))],
  ['16', wholeBytes(2, BITS_16[0], BITS_16, (bytes, at) => bytes.readInt16LE(at))],
  ['24', wholeBytes(3, BITS_24[0], BITS_24, (bytes, at) => bytes.readIntLE(at, 3))],
  ['32', wholeBytes(4, BITS_32[0], BITS_32, (bytes, at) => bytes.readInt32LE(at))],
  ['61', wholeBytes(2, BITS_16[0], BITS_16, (bytes, at) => bytes.readInt16BE(at))],
  ['80', wholeBytes(1, BITS_8[0], BITS_8, (bytes, at) => bytes[at] - 128)],
  ['160', wholeBytes(2, BITS_16[0], BITS_16, (bytes, at) => bytes.readUInt16LE(at) - 32768)],
  ['212', format212],
  ['310', format310],
  ['311', format311],
]);

/** A storage format whose files are FLAC streams with a channel for each signal. */
export interface FlacFormat extends SampleValues {
  /** Most bits that a sample of the stream may have. */
  readonly bits: number;
}

/** The formats that hold FLAC streams. */
export const flacFormats: ReadonlyMap<string, FlacFormat> = new Map(
  [BITS_8, BITS_16, BITS_24].map((range, i) => {
    const bits = 8 * (i + 1);
    return [`${500 + bits}`, { bits, missing: range[0], range, zero: 0 }];
  }),
);

/** The values of a format that can be read; undefined for another one. */
export function valuesOf(format: string): SampleValues | undefined {
  return signalFormats.get(format) ?? flacFormats.get(format);
}
