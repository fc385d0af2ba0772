import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { InputError } from '../../errors.ts';
import { refusePointer } from '../git_lfs.ts';
import { notFound } from './not_found.ts';

const MAX_READ = 1 << 30;

/** A readable span of bytes: a file, or a part of one. */
export interface ByteSource {
  /** Name for messages. */
  readonly name: string;
  readonly size: number;
  /** Fills `target` from `position`. Throws InputError if the bytes are not there. */
  read(target: Uint8Array, position: number): void;
  close(): void;
}

/** Opens a regular file for reading at any position. Throws FileNotFoundError, or InputError for folders, pipes, devices and pointers of Git LFS. */
export function openFile(path: string): ByteSource {
  const status = statSync(path, { throwIfNoEntry: false });
  if (status === undefined) throw notFound(path);
  if (!status.isFile()) {
    throw new InputError('not a regular file', {
      file: path,
      got: status.isDirectory() ? 'a folder' : 'a device or pipe',
    });
  }
  const descriptor = openSync(path, 'r');
  const { size } = fstatSync(descriptor);
  let open = true;
  try {
    refusePointer(descriptor, size, path);
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
  return {
    name: path,
    size,
    read(target, position) {
      let done = 0;
      while (done < target.byteLength) {
        const count = readSync(descriptor, target, done, Math.min(target.byteLength - done, MAX_READ), position + done);
        if (count === 0)
          throw new InputError('the file ends too early', { file: path, where: `byte ${position + done}` });
        done += count;
      }
    },
    close() {
      if (open) closeSync(descriptor);
      open = false;
    },
  };
}

/** Part of a source; closing it leaves the source open. */
export function sliceOf(source: ByteSource, start: number, size: number, name: string): ByteSource {
  return {
    name,
    size,
    read(target, position) {
      if (position < 0 || position + target.byteLength > size) {
        throw new InputError('the data end too early', { file: name, where: `byte ${size}` });
      }
      source.read(target, start + position);
    },
    close: () => undefined,
  };
}

/** Bytes in memory. */
export function bytesSource(bytes: Uint8Array, name: string): ByteSource {
  return {
    name,
    size: bytes.byteLength,
    read(target, position) {
      if (position < 0 || position + target.byteLength > bytes.byteLength) {
        throw new InputError('the data end too early', { file: name, where: `byte ${bytes.byteLength}` });
      }
      target.set(bytes.subarray(position, position + target.byteLength));
    },
    close: () => undefined,
  };
}
