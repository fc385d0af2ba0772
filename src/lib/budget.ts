import { InputError } from '../errors.ts';

/** What every file may use, however small it is. */
const FLOOR = { bytes: 2 ** 28, steps: 2 ** 22 };
/**
 * What a file may use in addition for each of its bytes. For comparison: gzip packs recordings to a fifth, and recordings padded with zeros to fifty
 * times their length to a sixtieth.
 */
const PER_BYTE = { bytes: 64, steps: 64 };

/** Limits that the caller sets, independent of the size of the file. */
export interface BudgetOptions {
  /** Largest number of bytes, whatever the size of the file; default 8 GiB. */
  readonly maxBytes?: number;
}

/**
 * Limits on the memory and work that reading one file may take. A reader spends bytes before it allocates memory to unpack, decode, convert or copy,
 * and steps for work that leaves nothing in memory. Both limits grow with the size of the file, so a small file can never exhaust the machine; a
 * large one may. Memory that is freed is not credited: the total counts.
 */
export class Budget {
  readonly file: string;
  /** Size of the file in bytes. */
  readonly size: number;
  readonly maxBytes: number;
  readonly maxSteps: number;
  /** Gives the reader's position in the file, for messages. */
  where: (() => string) | undefined;
  #bytes = 0;
  #steps = 0;

  constructor(file: string, size: number, { maxBytes = 2 ** 33 }: BudgetOptions = {}) {
    this.file = file;
    this.size = size;
    this.maxBytes = Math.min(maxBytes, FLOOR.bytes + PER_BYTE.bytes * size);
    this.maxSteps = FLOOR.steps + PER_BYTE.steps * size;
  }

  /** Bytes that may still be spent. */
  get bytesLeft(): number {
    return this.maxBytes - this.#bytes;
  }

  /** Spends bytes on `what`. Throws an InputError that names file, request and limit if too few are left. */
  spend(bytes: number, what: string): void {
    this.#bytes += bytes;
    if (!(this.#bytes <= this.maxBytes)) {
      this.#refuse('memory', `${what}: ${this.#bytes} bytes in all`, `${this.maxBytes} bytes`);
    }
  }

  /** Spends steps of work on `what`. Throws InputError as `spend` does. */
  work(steps: number, what: string): void {
    this.#steps += steps;
    if (!(this.#steps <= this.maxSteps)) {
      this.#refuse('work', `${what}: ${this.#steps} steps in all`, `${this.maxSteps} steps`);
    }
  }

  #refuse(kind: string, got: string, limit: string): never {
    throw new InputError(`reading the file would take more ${kind} than its size allows`, {
      file: this.file,
      where: this.where?.(),
      got,
      expected: `at most ${limit} for ${this.size} bytes`,
    });
  }
}
