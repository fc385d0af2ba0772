/** Bytes that arrive in pieces and are consumed in order. A request inside one piece is served without a copy. */
export class Feed {
  readonly #movable: boolean;
  #pieces: Uint8Array[] = [];
  #head = 0;
  /** Number of bytes available. */
  available = 0;
  /** Number of bytes consumed so far. */
  position = 0;
  /** Whether `end` was called, so that no more pieces will arrive. */
  ended = false;

  /** @param options.movable Whether `takeAligned` may change the pieces; default false. */
  constructor({ movable = false }: { readonly movable?: boolean } = {}) {
    this.#movable = movable;
  }

  push(piece: Uint8Array): void {
    if (piece.byteLength === 0) return;
    this.#pieces.push(piece);
    this.available += piece.byteLength;
  }

  end(): void {
    this.ended = true;
  }

  /** One byte; `available` must not be 0. */
  byte(): number {
    const value = this.#pieces[0][this.#head];
    this.#advance(1);
    return value;
  }

  /** The next `count` bytes (at most `available`): a view where possible. */
  take(count: number): Buffer {
    if (count === 0) return Buffer.alloc(0);
    const first = this.#pieces[0];
    if (this.#head + count <= first.byteLength) {
      const view = Buffer.from(first.buffer, first.byteOffset + this.#head, count);
      this.#advance(count);
      return view;
    }
    const out = Buffer.allocUnsafeSlow(count);
    let done = 0;
    while (done < count) {
      const piece = this.takePiece(count - done);
      out.set(piece, done);
      done += piece.byteLength;
    }
    return out;
  }

  /**
   * As `take`, but for arrays, whose elements must begin at a multiple of their size: if the pieces may be changed, the bytes move to a multiple of
   * eight (or four, if there is no room) over some of the `before` bytes in front of them, which nobody needs any more.
   */
  takeAligned(count: number, before: number): Buffer {
    const first = this.#pieces[0];
    const head = this.#head;
    const start = first.byteOffset + head;
    const shift = [start % 8, start % 4].find((bytes) => bytes <= Math.min(before, head)) ?? 0;
    if (!this.#movable || shift === 0 || head + count > first.byteLength) return this.take(count);
    first.copyWithin(head - shift, head, head + count);
    this.#advance(count);
    return Buffer.from(first.buffer, start - shift, count);
  }

  /** At most `count` bytes from one piece. */
  takePiece(count: number): Uint8Array {
    const first = this.#pieces[0];
    const piece = first.subarray(this.#head, this.#head + count);
    this.#advance(piece.byteLength);
    return piece;
  }

  /** Position of the next `byte` value in the first available bytes, or −1. */
  indexOf(byte: number): number {
    let before = -this.#head;
    for (const [i, piece] of this.#pieces.entries()) {
      const found = piece.indexOf(byte, i === 0 ? this.#head : 0);
      if (found >= 0) return before + found;
      before += piece.byteLength;
    }
    return -1;
  }

  #advance(count: number): void {
    this.#head += count;
    this.available -= count;
    this.position += count;
    if (this.#head === this.#pieces[0].byteLength) {
      this.#pieces.shift();
      this.#head = 0;
    }
  }
}
