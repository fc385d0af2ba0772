/** Reads bits from the most significant one of each byte on. Beyond the end it throws a RangeError. */
export class BitReader {
  readonly #bytes: Uint8Array;
  #bit: number;

  constructor(bytes: Uint8Array, byte = 0) {
    this.#bytes = bytes;
    this.#bit = 8 * byte;
  }

  /** Number of the byte that holds the next bit. */
  get byte(): number {
    return this.#bit >>> 3;
  }

  /** An unsigned number of up to 32 bits. */
  unsigned(count: number): number {
    let value = 0;
    for (let left = count; left > 0; ) {
      const byte = this.#byteAt(this.#bit >>> 3);
      const offset = this.#bit & 7;
      const taken = Math.min(left, 8 - offset);
      value = value * 2 ** taken + ((byte >> (8 - offset - taken)) & ((1 << taken) - 1));
      this.#bit += taken;
      left -= taken;
    }
    return value;
  }

  /** A number of up to 32 bits in two's complement. */
  signed(count: number): number {
    const value = this.unsigned(count);
    return value >= 2 ** (count - 1) ? value - 2 ** count : value;
  }

  /** Number of zeros before the next one, which is read too. */
  unary(): number {
    let zeros = 0;
    for (;;) {
      const offset = this.#bit & 7;
      const rest = (this.#byteAt(this.#bit >>> 3) << offset) & 0xff;
      if (rest !== 0) {
        const ahead = Math.clz32(rest) - 24;
        this.#bit += ahead + 1;
        return zeros + ahead;
      }
      zeros += 8 - offset;
      this.#bit += 8 - offset;
    }
  }

  /** Passes over the rest of a byte that is begun. */
  align(): void {
    this.#bit = (this.#bit + 7) & ~7;
  }

  #byteAt(at: number): number {
    if (at >= this.#bytes.length) throw new RangeError('the stream ends too early');
    return this.#bytes[at];
  }
}
