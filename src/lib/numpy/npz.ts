import yazl from 'yazl';
import { InputError } from '../../errors.ts';
import { AtomicFile } from '../python/atomic_file.ts';
import { bytesSource } from '../python/byte_source.ts';
import { KeyError } from '../python/errors.ts';
import { ZipFile, type ZipMember } from '../python/zipfile.ts';
import { formatNpy, readNpyFrom } from './npy.ts';
import { NpyFile } from './npy_file.ts';
import type { AnyArray } from './object_array.ts';

const DEFAULT_MAX_BYTES = 2 ** 30;

/** An open `.npz` archive, whose arrays are read when asked for. Twin of what `numpy.load(path)` returns for `.npz`. */
export class NpzFile {
  readonly path: string;
  readonly #archive: ZipFile;
  readonly #maxBytes: number;

  private constructor(path: string, archive: ZipFile, maxBytes: number) {
    this.path = path;
    this.#archive = archive;
    this.#maxBytes = maxBytes;
  }

  /**
   * Opens the archive; `close` it when done.
   *
   * @param options.maxBytes largest member, unpacked, that `read` accepts; default 1 GiB.
   * @throws FileNotFoundError, or InputError if the directory of the archive is damaged or holds anything but arrays.
   */
  static open(path: string, { maxBytes = DEFAULT_MAX_BYTES }: { maxBytes?: number } = {}): NpzFile {
    const archive = new ZipFile(path);
    const other = [...archive.members.keys()].find((name) => !name.endsWith('.npy'));
    if (other === undefined) return new NpzFile(path, archive, maxBytes);
    archive.close();
    throw new InputError('a member is no array', { file: path, got: JSON.stringify(other), expected: '<name>.npy' });
  }

  /** Names of the arrays, without `.npy`. */
  get names(): string[] {
    return [...this.#archive.members.keys()].map((name) => name.replace(/\.npy$/, ''));
  }

  /** Reads one array. Throws KeyError for an unknown name, InputError for damage (the checksum counts). */
  read(name: string): AnyArray {
    const member = this.#member(name);
    return readNpyFrom(bytesSource(this.#archive.read(member, this.#maxBytes), `${this.path}: ${member.name}`));
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
