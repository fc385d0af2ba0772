import { closeSync } from 'node:fs';
import { InputError } from '../../errors.ts';
import { openRegular, readFully } from './regular_file.ts';

/** A readable span of bytes: a file, or a part of one. */
export interface ByteSource {
  /** Name for messages. */
  readonly name: string;
  readonly size: number;
  /** Fills `target` with the bytes from `position`. Throws InputError if the source ends before. */
  read(target: Uint8Array, position: number): void;
  close(): void;
}

/** Opens a regular file for reading at any position. Errors as `openRegular`. */
export function openFile(path: string): ByteSource {
  const file = openRegular(path);
  let open = true;
  return {
    name: path,
    size: file.size,
    read: (target, position) => readFully(file, target, position),
    close() {
      if (open) closeSync(file.descriptor);
      open = false;
    },
  };
}

/** Part of a source. Closing the part leaves the source open. */
export function sliceOf(source: ByteSource, start: number, size: number, name: string): ByteSource {
  return {
    name,
    size,
    read(target, position) {
      if (position < 0 || position + target.byteLength > size) {
        throw new InputError('the data are cut off', { file: name, where: `byte ${size}` });
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
        throw new InputError('the data are cut off', { file: name, where: `byte ${bytes.byteLength}` });
      }
      target.set(bytes.subarray(position, position + target.byteLength));
    },
    close: () => undefined,
  };
}
