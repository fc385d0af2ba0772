import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { Header } from 'tar';
import { InputError } from '../../errors.ts';
import { AtomicFile } from '../python/atomic_file.ts';
import { MemberPaths } from '../python/member_paths.ts';

/** A file to put into an archive. */
export interface TarFile {
  /** Path in the archive, with `/`. */
  readonly path: string;
  /** Number of bytes that `content` yields. */
  readonly size: number;
  readonly content: () => AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

const BLOCK = 512;
/** Time of every entry. It is fixed, so that the archive depends only on the content of its files. */
const mtime = new Date(Date.UTC(2000, 0, 1));

/**
 * Writes a `.tar.gz` of files in the given order, without owners and with a fixed time. So the same files give the same archive (with the same
 * version of Node, whose zlib compresses it). Writes under a temporary name, then renames.
 *
 * @throws InputError for a path that `extractTar` would refuse or that is too long for the format, and for content whose size differs from the stated
 *   one.
 */
export async function writeTar(archive: string, files: readonly TarFile[]): Promise<void> {
  const target = new AtomicFile(archive);
  try {
    await pipeline(Readable.from(blocksOf(archive, files)), createGzip(), async (packed: AsyncIterable<Uint8Array>) => {
      for await (const chunk of packed) target.write(chunk);
    });
    target.commit();
  } finally {
    target.abort();
  }
}

async function* blocksOf(archive: string, files: readonly TarFile[]): AsyncGenerator<Uint8Array> {
  const paths = new MemberPaths(archive);
  for (const { path, size, content } of files) {
    paths.add(path, 'file');
    const header = new Header({ path, size, mtime, mode: 0o644, type: 'File', uid: 0, gid: 0, uname: '', gname: '' });
    const block = Buffer.alloc(BLOCK);
    if (header.encode(block))
      throw new InputError('the path is too long, or the size too large, for a tar archive', { where: path });
    yield block;
    let count = 0;
    for await (const chunk of content()) {
      count += chunk.byteLength;
      yield chunk;
    }
    if (count !== size) {
      throw new InputError('the file changed while it was being packed', {
        file: path,
        got: `${count} bytes`,
        expected: `${size}`,
      });
    }
    yield Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK);
  }
  // Two empty blocks end an archive.
  yield Buffer.alloc(2 * BLOCK);
}
