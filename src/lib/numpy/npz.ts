import { createInflateRaw } from 'node:zlib';
import yauzl from 'yauzl';
import yazl from 'yazl';
import { InputError } from '../../errors.ts';
import { AtomicFile } from '../python/atomic_file.ts';
import { crc32 } from '../python/crc32.ts';
import { FileNotFoundError, KeyError } from '../python/errors.ts';
import { formatNpy, readNpyFrom } from './npy.ts';
import { type ByteSource, NpyFile, openFile } from './npy_file.ts';
import type { AnyArray } from './object_array.ts';

const MAX_MEMBERS = 10_000;
const DEFAULT_MAX_BYTES = 2 ** 30;
const [STORED, DEFLATED] = [0, 8];

/** Place of one member inside the archive. */
interface Member {
  readonly offset: number;
  readonly method: number;
  readonly compressedSize: number;
  readonly size: number;
  readonly crc: number;
}

/** An open `.npz` archive, whose members are read when asked for. Twin of what `numpy.load(path)` returns for `.npz`. */
export class NpzFile {
  readonly path: string;
  readonly #source: ByteSource;
  readonly #members: ReadonlyMap<string, Member>;
  readonly #maxBytes: number;

  private constructor(path: string, source: ByteSource, members: ReadonlyMap<string, Member>, maxBytes: number) {
    this.path = path;
    this.#source = source;
    this.#members = members;
    this.#maxBytes = maxBytes;
  }

  /**
   * Opens the archive; `close` it when done.
   *
   * @param options.maxBytes largest member, unpacked, that `read` accepts; default 1 GiB.
   * @throws FileNotFoundError, or InputError if the directory of the archive is damaged.
   */
  static async open(path: string, { maxBytes = DEFAULT_MAX_BYTES }: { maxBytes?: number } = {}): Promise<NpzFile> {
    const members = await listMembers(path);
    return new NpzFile(path, openFile(path), members, maxBytes);
  }

  /** Names of the arrays, without `.npy`. */
  get names(): string[] {
    return [...this.#members.keys()];
  }

  /** Reads one array. Throws KeyError for an unknown name, InputError for damage (the checksum counts). */
  async read(name: string): Promise<AnyArray> {
    const member = this.#member(name);
    const place = `${this.path}: ${name}.npy`;
    if (member.size > this.#maxBytes) {
      throw new InputError('a member is too large', {
        file: place,
        got: `${member.size} bytes`,
        expected: `at most ${this.#maxBytes}`,
      });
    }
    const packed = new Uint8Array(member.compressedSize);
    this.#source.read(packed, member.offset);
    const bytes = member.method === STORED ? packed : await inflate(packed, member.size, place);
    if (bytes.byteLength !== member.size || crc32(bytes) !== member.crc) {
      throw new InputError('a member is damaged', {
        file: place,
        got: 'another checksum or length',
        expected: 'that of the directory',
      });
    }
    return readNpyFrom(sourceOf(bytes, place));
  }

  /** A numeric array that stays on disk: only members stored without compression (`numpy.savez`) can be read in part; their checksum is not compared. */
  open(name: string): NpyFile {
    const member = this.#member(name);
    const place = `${this.path}: ${name}.npy`;
    if (member.method !== STORED) throw new InputError('a compressed member cannot be read in part', { file: place });
    const source = this.#source;
    return new NpyFile({
      name: place,
      size: member.size,
      read: (target, position) => {
        if (position + target.byteLength > member.size)
          throw new InputError('the member ends too early', { file: place });
        source.read(target, member.offset + position);
      },
      // The archive owns the descriptor.
      close: () => undefined,
    });
  }

  close(): void {
    this.#source.close();
  }

  #member(name: string): Member {
    const member = this.#members.get(name);
    if (!member)
      throw new KeyError(`${name} is not an array of ${this.path}, which holds ${this.names.join(', ') || 'none'}`);
    return member;
  }
}

/** Reads all arrays of an `.npz` file. */
export async function readNpz(path: string): Promise<Map<string, AnyArray>> {
  const file = await NpzFile.open(path);
  try {
    const arrays = new Map<string, AnyArray>();
    for (const name of file.names) arrays.set(name, await file.read(name));
    return arrays;
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
  // The time that zip files count from, so that equal arrays give equal files, as in NumPy.
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

async function listMembers(path: string): Promise<Map<string, Member>> {
  const members = new Map<string, Member>();
  let archive: yauzl.ZipFile;
  try {
    archive = await yauzl.openPromise(path, { lazyEntries: true, autoClose: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new FileNotFoundError(path);
    throw new InputError('not a usable .npz archive', { file: path, got: (error as Error).message });
  }
  try {
    for await (const entry of archive.eachEntry()) {
      if (members.size >= MAX_MEMBERS) throw new InputError(`more than ${MAX_MEMBERS} members`, { file: path });
      const name = entry.fileName.replace(/\.npy$/, '');
      if (name === entry.fileName)
        throw new InputError('a member is no array', { file: path, got: entry.fileName, expected: '….npy' });
      if (members.has(name)) throw new InputError('two members share a name', { file: path, got: name });
      members.set(name, await locate(archive, entry, path));
    }
    return members;
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError('not a usable .npz archive', { file: path, got: (error as Error).message });
  } finally {
    archive.close();
  }
}

async function locate(archive: yauzl.ZipFile, entry: yauzl.Entry, path: string): Promise<Member> {
  const { compressionMethod: method, compressedSize, uncompressedSize: size, crc32: crc } = entry;
  const fault = entry.isEncrypted()
    ? 'encryption'
    : method !== STORED && method !== DEFLATED
      ? `compression method ${method}`
      : method === STORED && compressedSize !== size
        ? 'a stored member of two sizes'
        : undefined;
  if (fault) throw new InputError('a member cannot be read', { file: path, where: entry.fileName, got: fault });
  const { fileDataStart: offset } = await archive.readLocalFileHeaderPromise(entry, { minimal: true });
  if (offset + compressedSize > archive.fileSize) {
    throw new InputError('a member reaches past the end', {
      file: path,
      where: entry.fileName,
      got: `${compressedSize} bytes`,
    });
  }
  return { offset, method, compressedSize, size, crc };
}

/** Unpacks to at most `size` bytes. */
async function inflate(packed: Uint8Array, size: number, place: string): Promise<Uint8Array> {
  const out = new Uint8Array(size);
  let length = 0;
  const stream = createInflateRaw({ chunkSize: 1 << 18 });
  try {
    stream.end(packed);
    for await (const chunk of stream) {
      const piece = chunk as Uint8Array;
      if (length + piece.byteLength > size)
        throw new InputError('a member unpacks to more than it states', { file: place });
      out.set(piece, length);
      length += piece.byteLength;
    }
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError('a member is damaged', { file: place, got: (error as Error).message });
  } finally {
    stream.destroy();
  }
  return out.subarray(0, length);
}

function sourceOf(bytes: Uint8Array, name: string): ByteSource {
  return {
    name,
    size: bytes.byteLength,
    read(target, position) {
      if (position + target.byteLength > bytes.byteLength)
        throw new InputError('the member ends too early', { file: name });
      target.set(bytes.subarray(position, position + target.byteLength));
    },
    close: () => undefined,
  };
}
