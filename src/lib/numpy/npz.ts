import yazl from 'yazl';
import { InputError } from '../../errors.ts';
import { Budget } from '../budget.ts';
import { AtomicFile } from '../python/atomic_file.ts';
import { bytesSource } from '../python/byte_source.ts';
import { KeyError } from '../python/errors.ts';
import { ZipFile, type ZipMember } from '../python/zipfile.ts';
import { formatNpy, readNpyFrom } from './npy.ts';
import { NpyFile } from './npy_file.ts';
import type { AnyArray } from './object_array.ts';

/** An open `.npz` archive that reads its arrays on request. Twin of what `numpy.load(path)` returns for `.npz`. */
export class NpzFile {
  readonly path: string;
  readonly #archive: ZipFile;
  readonly #budget: Budget;
  readonly #read = new Set<string>();

  private constructor(path: string, archive: ZipFile, budget: Budget) {
    this.path = path;
    this.#archive = archive;
    this.#budget = budget;
  }

  /**
   * Opens the archive; `close` it when done.
   *
   * @throws FileNotFoundError, or InputError if the directory of the archive is damaged, or if the archive contains anything but arrays, or unpacks
   *   to more than its budget allows (see `Budget`).
   */
  static open(path: string): NpzFile {
    const archive = new ZipFile(path);
    try {
      const members = [...archive.members.values()];
      const other = members.find(({ name }) => !name.endsWith('.npy'));
      if (other !== undefined) {
        const got = JSON.stringify(other.name);
        throw new InputError('a member is not an array', { file: path, got, expected: '<name>.npy' });
      }
      // Each member may only have the size that the directory states.
      const budget = new Budget(path, archive.size);
      budget.spend(
        members.reduce((sum, { size }) => sum + size, 0),
        `its ${members.length} arrays`,
      );
      return new NpzFile(path, archive, budget);
    } catch (error) {
      archive.close();
      throw error;
    }
  }

  /** Names of the arrays, without `.npy`. */
  get names(): string[] {
    return [...this.#archive.members.keys()].map((name) => name.replace(/\.npy$/, ''));
  }

  /** Reads one array. Throws KeyError for an unknown name, and InputError for damage (it checks the checksum). */
  read(name: string): AnyArray {
    const member = this.#member(name);
    // All arrays share one budget. An array that is read again does not count twice: its reader has released it.
    const budget = this.#read.has(name) ? new Budget(this.path, this.#archive.size) : this.#budget;
    this.#read.add(name);
    return readNpyFrom(
      bytesSource(this.#archive.read(member, budget.maxBytes), `${this.path}: ${member.name}`),
      budget,
    );
  }

  /** A numeric array that stays on disk. Works only for members stored without compression (`numpy.savez`). Does not check their checksum. */
  open(name: string): NpyFile {
    const member = this.#member(name);
    if (member.compressed) {
      throw new InputError('a compressed member cannot be read in part', { file: this.path, where: member.name });
    }
    return new NpyFile(this.#archive.span(member));
  }

  close(): void {
    this.#archive.close();
  }

  #member(name: string): ZipMember {
    const member = this.#archive.members.get(`${name}.npy`);
    if (!member)
      throw new KeyError(`${name} is not an array of ${this.path}, which holds ${this.names.join(', ') || 'none'}`);
    return member;
  }
}

/** Reads all arrays of an `.npz` file. */
export function readNpz(path: string): Map<string, AnyArray> {
  const file = NpzFile.open(path);
  try {
    return new Map(file.names.map((name) => [name, file.read(name)]));
  } finally {
    file.close();
  }
}

/**
 * Writes arrays under a temporary name, then renames the file. Twin of `numpy.savez(path, **arrays)`; with `compress`, of `numpy.savez_compressed`.
 */
export async function writeNpz(
  path: string,
  arrays: Readonly<Record<string, AnyArray>> | ReadonlyMap<string, AnyArray>,
  { compress = false }: { compress?: boolean } = {},
): Promise<void> {
  const archive = new yazl.ZipFile();
  const entries = arrays instanceof Map ? [...arrays] : Object.entries(arrays);
  // The first date that zip can express, as in NumPy, so that equal arrays give equal files.
  const mtime = new Date(1980, 0, 1);
  for (const [name, array] of entries)
    archive.addBuffer(Buffer.concat(formatNpy(array)), `${name}.npy`, { compress, mtime });
  archive.end();
  const file = new AtomicFile(path);
  try {
    for await (const chunk of archive.outputStream) file.write(chunk as Uint8Array);
    file.commit();
  } finally {
    file.abort();
  }
}
