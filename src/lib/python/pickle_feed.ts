/** Bytes that arrive in pieces and are consumed in order. A request inside one piece is served without a copy. */
export class Feed {
  #pieces: Uint8Array[] = [];
  #head = 0;
  /** Number of bytes available. */
  available = 0;
  /** Number of bytes consumed so far. */
  position = 0;
  /** Whether `end` was called, so that no more pieces will arrive. */
  ended = false;

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
