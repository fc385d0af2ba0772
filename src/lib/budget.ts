import { InputError } from '../errors.ts';

/** What every file may ask for, however small it is. */
const FLOOR = { bytes: 2 ** 28, steps: 2 ** 22 };
/**
 * What a file may ask for beyond that, for each of its bytes. Recordings pack to a fifth; recordings padded with zeros to fifty times their length,
 * to a sixtieth.
 */
const PER_BYTE = { bytes: 64, steps: 64 };

/** Limits that a caller knows better than the size of the file tells. */
export interface BudgetOptions {
  /** Most bytes, whatever the size of the file; default 8 GiB. */
  readonly maxBytes?: number;
}

/**
 * What reading one file may cost. A reader spends bytes before it takes memory – for what it unpacks, decodes, converts or copies – and steps
 * for work that leaves nothing in memory. Both limits grow with the size of the file, so that a small file can never exhaust the machine; a
 * large one may. Nothing is paid back: what counts is what the file asked for in all.
 */
export class Budget {
  readonly file: string;
  /** Bytes of the file. */
  readonly size: number;
  readonly maxBytes: number;
  readonly maxSteps: number;
  /** Where in the file its reader is, for messages. */
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

  /** Takes bytes for `what`. Throws InputError that names file, request and limit if there are not enough left. */
  spend(bytes: number, what: string): void {
    this.#bytes += bytes;
    if (!(this.#bytes <= this.maxBytes)) {
      this.#refuse('memory', `${what}: ${this.#bytes} bytes in all`, `${this.maxBytes} bytes`);
    }
  }

  /** Takes steps of work for `what`. Throws InputError as `spend`. */
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
