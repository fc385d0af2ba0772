/**
 * Seeded generator of initial weights: xoshiro128** (Blackman, Vigna 2018), its state filled by SplitMix32 from an FNV-1a hash of the
 * seed and a stream name. It is not NumPy's generator: the original does not seed its initial weights, so there are no draws to reproduce.
 */
export class Generator {
  readonly #state: Uint32Array;
  #spare: number | undefined;

  /** `stream` separates variables that share a seed. */
  constructor(seed: number, stream: string) {
    let hash = 0x811c9dc5;
    for (const byte of new TextEncoder().encode(`${seed}/${stream}`)) hash = Math.imul(hash ^ byte, 0x01000193);
    this.#state = Uint32Array.from({ length: 4 }, () => {
      hash = (hash + 0x9e3779b9) | 0;
      let mixed = Math.imul(hash ^ (hash >>> 16), 0x21f0aaad);
      mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
      return mixed ^ (mixed >>> 15);
    });
  }

  /** 32 random bits. */
  bits(): number {
    const s = this.#state;
    const product = Math.imul(s[1], 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9) >>> 0;
    const shifted = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = (s[3] << 11) | (s[3] >>> 21);
    return result;
  }

  /** Uniform on [0, 1) with 53 random bits. */
  uniform(): number {
    return ((this.bits() >>> 5) * 67108864 + (this.bits() >>> 6)) / 9007199254740992;
  }

  /** Standard normal, by Marsaglia's polar method. */
  normal(): number {
    if (this.#spare !== undefined) {
      const spare = this.#spare;
      this.#spare = undefined;
      return spare;
    }
    for (;;) {
      const x = 2 * this.uniform() - 1;
      const y = 2 * this.uniform() - 1;
      const square = x * x + y * y;
      if (square >= 1 || square === 0) continue;
      const factor = Math.sqrt((-2 * Math.log(square)) / square);
      this.#spare = y * factor;
      return x * factor;
    }
  }

  /** Standard normal cut at ±2. */
  truncatedNormal(): number {
    for (;;) {
      const draw = this.normal();
      if (Math.abs(draw) <= 2) return draw;
    }
  }
}
