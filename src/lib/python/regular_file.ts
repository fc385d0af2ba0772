import { closeSync, constants, fstatSync, openSync, read, readSync, statSync } from 'node:fs';
import { promisify } from 'node:util';
import { InputError } from '../../errors.ts';
import { refusePointer } from '../git_lfs.ts';
import { notFound } from './not_found.ts';

/** A regular file, open for reading. */
export interface RegularFile {
  readonly path: string;
  readonly descriptor: number;
  /** Size in bytes when it was opened. */
  readonly size: number;
}

/** Linux reads at most 2 GiB per call. */
const MAX_READ = 1 << 30;
const readAsync = promisify(read);

/**
 * Opens a user's file for reading. All readers open files here, because a FIFO or a device would make them wait forever. Close it with
 * `closeSync(file.descriptor)`.
 *
 * @param next what the user can do if this is not a regular file.
 * @throws FileNotFoundError; InputError for a folder, FIFO, socket or device, for a file without permission to read, and for a Git LFS pointer.
 */
export function openRegular(path: string, next?: string): RegularFile {
  let descriptor: number | undefined;
  try {
    // Checked before opening, because opening is enough to trigger some devices.
    const before = statSync(path, { throwIfNoEntry: false });
    if (before === undefined) throw notFound(path);
    requireRegular(path, before, next);
    // O_NONBLOCK: a FIFO that has replaced the file meanwhile must not block. Windows has no such flag.
    descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const status = fstatSync(descriptor);
    requireRegular(path, status, next);
    refusePointer(descriptor, status.size, path);
    return { path, descriptor, size: status.size };
  } catch (error) {
    if (descriptor !== undefined) closeSync(descriptor);
    throw typed(error, path, 'the file cannot be opened');
  }
}

function requireRegular(path: string, status: { isFile(): boolean; isDirectory(): boolean }, next?: string): void {
  if (status.isFile()) return;
  const got = status.isDirectory() ? 'a folder' : 'a device or pipe';
  throw new InputError('not a regular file', { file: path, got, next });
}

/** Opens a regular file, passes it to `use` and closes it. Errors as `openRegular`. */
export function withRegular<T>(path: string, use: (file: RegularFile) => T, next?: string): T {
  const file = openRegular(path, next);
  try {
    return use(file);
  } finally {
    closeSync(file.descriptor);
  }
}

/** Fills `target` with the bytes from `position`. Throws InputError if the file ends before. */
export function readFully(file: RegularFile, target: Uint8Array, position: number): void {
  let done = 0;
  while (done < target.byteLength) {
    const count = readSome(file, target, done, position + done);
    if (count === 0) throw new InputError('the file is cut off', { file: file.path, where: `byte ${position + done}` });
    done += count;
  }
}

/** Reads some bytes at `position` into the target from index `from`; returns their number, 0 at the end. */
export function readSome(
  { path, descriptor }: RegularFile,
  target: Uint8Array,
  from: number,
  position: number,
): number {
  try {
    return readSync(descriptor, target, from, Math.min(target.byteLength - from, MAX_READ), position);
  } catch (error) {
    throw typed(error, path, 'the file cannot be read');
  }
}

/**
 * The bytes of a regular file, piece by piece, each in its own buffer.
 *
 * @throws as `openRegular`; InputError for a file whose size changes while it is read, or differs from what the system reports (as in `/proc`).
 */
export async function* streamFile(
  path: string,
  { start = 0, chunk = 1 << 20 }: { start?: number; chunk?: number } = {},
): AsyncGenerator<Buffer<ArrayBuffer>, void, undefined> {
  const { descriptor, size } = openRegular(path);
  try {
    let at = start;
    while (at < size) {
      const piece = Buffer.from(new ArrayBuffer(Math.min(chunk, size - at)));
      const { bytesRead } = await readAsync(descriptor, piece, 0, piece.length, at);
      if (bytesRead === 0) throw changed(path, `${at} bytes`, size);
      at += bytesRead;
      yield piece.subarray(0, bytesRead);
    }
    const { bytesRead } = await readAsync(descriptor, Buffer.alloc(1), 0, 1, size);
    if (bytesRead > 0) throw changed(path, `more than ${size} bytes`, size);
  } catch (error) {
    throw typed(error, path, 'the file cannot be read');
  } finally {
    closeSync(descriptor);
  }
}

/** The error for a file whose size is no longer `size`. */
export function changed(path: string, got: string, size: number): InputError {
  return new InputError('the file changed its size while it was read', {
    file: path,
    got,
    expected: `the ${size} bytes that the system reports`,
  });
}

function typed(error: unknown, path: string, summary: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined) return error;
  if (code === 'ENOENT') return notFound(path);
  return new InputError(summary, { file: path, got: code });
}
