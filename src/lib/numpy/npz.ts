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

/** An open `.npz` archive, whose arrays are read when asked for. Twin of what `numpy.load(path)` returns for `.npz`. */
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
   * @throws FileNotFoundError, or InputError if the directory of the archive is damaged, holds anything but arrays, or more than its budget allows
   *   (see `Budget`) when it is unpacked.
   */
  static open(path: string): NpzFile {
    const archive = new ZipFile(path);
    try {
      const members = [...archive.members.values()];
      const other = members.find(({ name }) => !name.endsWith('.npy'));
      if (other !== undefined) {
        const got = JSON.stringify(other.name);
        throw new InputError('a member is no array', { file: path, got, expected: '<name>.npy' });
      }
      // Each member is held to the size that the directory names.
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

  /** Reads one array. Throws KeyError for an unknown name, InputError for damage (the checksum counts). */
  read(name: string): AnyArray {
    const member = this.#member(name);
    // All arrays together have one budget; whoever reads one again has dropped it before.
    const budget = this.#read.has(name) ? new Budget(this.path, this.#archive.size) : this.#budget;
    this.#read.add(name);
    return readNpyFrom(
      bytesSource(this.#archive.read(member, budget.maxBytes), `${this.path}: ${member.name}`),
      budget,
    );
  }

  /** A numeric array that stays on disk: only members stored without compression (`numpy.savez`) can be read in part; their checksum is not compared. */
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

/** Writes arrays under a temporary name and renames. Twin of `numpy.savez(path, **arrays)`, with `compress` of `numpy.savez_compressed`. */
export async function writeNpz(
  path: string,
  arrays: Readonly<Record<string, AnyArray>> | ReadonlyMap<string, AnyArray>,
  { compress = false }: { compress?: boolean } = {},
): Promise<void> {
  const archive = new yazl.ZipFile();
  const entries = arrays instanceof Map ? [...arrays] : Object.entries(arrays);
  // The first date that zip knows, so that equal arrays give equal files, as in NumPy.
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
