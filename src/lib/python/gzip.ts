import { closeSync } from 'node:fs';
import { Readable } from 'node:stream';
import { createGunzip, gunzipSync } from 'node:zlib';
import { InputError } from '../../errors.ts';
import { openRegular, readFully, streamFile, withRegular } from './regular_file.ts';

/** Limit on members that follow after zeros. (zlib itself continues with a member that follows immediately.) */
const MAX_PADDED_MEMBERS = 1000;
/** Least and largest size of the pieces that zlib decompresses into (zlib's own default, and the most that it takes). */
const MIN_CHUNK = 1 << 14;
const MAX_CHUNK = 2 ** 31 - 1;
/** Header and trailer of a gzip member. */
const LEAST_MEMBER = 18;
/** Deflate makes nothing smaller than this part of it. */
const MAX_RATIO = 1032;

/** Whether a file begins with the gzip signature. Errors as `openRegular`. */
export function isGzip(path: string): boolean {
  return withRegular(path, (file) => {
    const head = new Uint8Array(Math.min(2, file.size));
    readFully(file, head, 0);
    return head[0] === 0x1f && head[1] === 0x8b;
  });
}

/**
 * Size of a file's contents as its last bytes state it: exact for a gzip file of one member of less than 4 GiB, an estimate otherwise. Of a file that is
 * not gzip, its own size. Errors as `openRegular`.
 */
export function statedSize(path: string): number {
  return withRegular(path, (file) => {
    if (file.size < LEAST_MEMBER) return file.size;
    const head = new Uint8Array(2);
    const tail = new Uint8Array(4);
    readFully(file, head, 0);
    readFully(file, tail, file.size - tail.length);
    if (head[0] !== 0x1f || head[1] !== 0x8b) return file.size;
    return Math.max(file.size, Math.min(sizeIn(tail), MAX_RATIO * file.size));
  });
}

/**
 * Decompresses gzip data as Python's `gzip.decompress` does: all members one after the other. Skips zeros after a member.
 *
 * @throws InputError if a member is cut off or damaged, if anything else follows, or if the result has more than `maxBytes`.
 */
export function gunzip(packed: Uint8Array, file: string, maxBytes: number): Buffer {
  const parts: Buffer[] = [];
  let size = 0;
  for (let at = 0; at < packed.length; ) {
    let unpacked: { readonly buffer: Buffer; readonly engine: { readonly bytesWritten: number } };
    try {
      // The type declarations do not describe the result of `info`.
      unpacked = gunzipSync(packed.subarray(at), {
        info: true,
        maxOutputLength: Math.max(1, Math.min(maxBytes - size, 2 ** 32 - 1)),
        chunkSize: at === 0 ? firstChunk(packed, maxBytes) : MIN_CHUNK,
      }) as unknown as typeof unpacked;
    } catch (error) {
      throw damaged(error, file, maxBytes);
    }
    parts.push(unpacked.buffer);
    size += unpacked.buffer.length;
    if (parts.length > MAX_PADDED_MEMBERS) throw tooManyMembers(file);
    at += unpacked.engine.bytesWritten;
    while (packed[at] === 0) at++;
  }
  return parts.length === 1 ? parts[0] : Buffer.concat(parts);
}

/**
 * Room for all of the result, so that zlib does not have to join pieces. A file ends with its size. A wrong one costs only memory that is
 * never touched, or the joining.
 */
function firstChunk(packed: Uint8Array, maxBytes: number): number {
  if (packed.length < LEAST_MEMBER) return MIN_CHUNK;
  const stated = sizeIn(packed.subarray(-4));
  // One byte more: zlib asks for another piece when the first is full.
  return Math.max(MIN_CHUNK, Math.min(stated + 1, MAX_RATIO * packed.length, maxBytes, MAX_CHUNK));
}

/** The size in the last four bytes of a gzip member. */
function sizeIn(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
}

/** The decompressed bytes of a gzip file, piece by piece. Errors as `gunzip` and `streamFile`. */
export async function* gunzipFile(path: string): AsyncGenerator<Buffer, void, undefined> {
  const file = openRegular(path);
  try {
    let members = 0;
    for (let at = 0; at < file.size; ) {
      if (++members > MAX_PADDED_MEMBERS) throw tooManyMembers(path);
      const unpacker = createGunzip({ chunkSize: 1 << 18 });
      const source = Readable.from(streamFile(path, { start: at, chunk: members === 1 ? 1 << 20 : 1 << 14 }));
      source.on('error', (error) => unpacker.destroy(error));
      source.pipe(unpacker);
      try {
        for await (const piece of unpacker) yield piece as Buffer;
      } catch (error) {
        throw damaged(error, path);
      } finally {
        source.destroy();
        unpacker.destroy();
      }
      at = afterZeros(file, at + unpacker.bytesWritten);
    }
  } finally {
    closeSync(file.descriptor);
  }
}

/** Position of the first non-zero byte at or after `from`, or the end. */
function afterZeros(file: ReturnType<typeof openRegular>, from: number): number {
  const piece = Buffer.alloc(1 << 14);
  for (let at = from; at < file.size; ) {
    const part = piece.subarray(0, Math.min(piece.length, file.size - at));
    readFully(file, part, at);
    const found = part.findIndex((byte) => byte !== 0);
    if (found >= 0) return at + found;
    at += part.length;
  }
  return file.size;
}

function damaged(error: unknown, file: string, maxBytes?: number): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ERR_BUFFER_TOO_LARGE') {
    return new InputError('the file is too large when decompressed', { file, expected: `at most ${maxBytes} bytes` });
  }
  return code?.startsWith('Z_') ? new InputError('the gzip data are damaged', { file, got: message }) : error;
}

function tooManyMembers(file: string): InputError {
  return new InputError('the gzip file has too many members', {
    file,
    expected: `at most ${MAX_PADDED_MEMBERS}`,
  });
}
