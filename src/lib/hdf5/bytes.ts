import { InputError, type Problem } from '../../errors.ts';
import { Budget } from '../budget.ts';

/** HDF5's "undefined address". */
export const undefinedAddress = -1;

/** Reads little-endian values from an HDF5 file in memory. A read outside the file is an InputError that names the file and the byte. */
export class FileBytes {
  readonly file: string;
  readonly bytes: Uint8Array;
  readonly budget: Budget;
  readonly #view: DataView;

  constructor(file: string, bytes: Uint8Array) {
    this.file = file;
    this.bytes = bytes;
    this.budget = new Budget(file, bytes.byteLength);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The error for a fault at byte `at`. */
  error(summary: string, at: number, problem: Problem = {}): InputError {
    return new InputError(summary, { file: this.file, where: `byte ${at}`, ...problem });
  }

  /** Checks that `length` bytes lie at `at`. */
  require(at: number, length: number, what: string): void {
    if (at < 0 || length > this.bytes.byteLength - at) {
      throw this.error(`${what} lies outside the file`, at, {
        got: `${length} bytes at ${at}`,
        expected: `at most byte ${this.bytes.byteLength}`,
        next: 'The file is truncated or damaged: copy or download it again.',
      });
    }
  }

  u8(at: number): number {
    this.require(at, 1, 'a field');
    return this.#view.getUint8(at);
  }

  u16(at: number): number {
    this.require(at, 2, 'a field');
    return this.#view.getUint16(at, true);
  }

  u32(at: number): number {
    this.require(at, 4, 'a field');
    return this.#view.getUint32(at, true);
  }

  /** An eight-byte size or count. A value beyond 2^53 is refused: no file is that large. */
  size(at: number): number {
    this.require(at, 8, 'a field');
    const value = this.#view.getBigUint64(at, true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw this.error('impossible size', at, { got: String(value) });
    }
    return Number(value);
  }

  /** An eight-byte address, or `undefinedAddress`. */
  address(at: number): number {
    this.require(at, 8, 'a field');
    return this.#view.getBigUint64(at, true) === 0xffff_ffff_ffff_ffffn ? undefinedAddress : this.size(at);
  }

  /** Checks a four-letter signature. */
  signature(at: number, letters: string, what: string): void {
    this.require(at, 4, what);
    const got = Buffer.from(this.bytes.subarray(at, at + 4)).toString('latin1');
    if (got !== letters) {
      throw this.error(`${what} has a wrong signature`, at, { got: JSON.stringify(got), expected: letters });
    }
  }

  /** A view of `length` bytes. */
  slice(at: number, length: number, what: string): Uint8Array {
    this.require(at, length, what);
    return this.bytes.subarray(at, at + length);
  }
}
