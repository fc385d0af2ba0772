import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { openFile } from './byte_source.ts';

/** A temporary name in the folder of `path`, for a file while it is written. `isTemporary` recognises it. */
export function temporaryPath(path: string): string {
  // Names have at most 255 bytes.
  const start = Buffer.from(basename(path))
    .subarray(0, 200)
    .toString()
    .replace(/\ufffd$/, '');
  return join(dirname(path), `.${start}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`);
}

/** Whether a file name was made by `temporaryPath`. */
export function isTemporary(name: string): boolean {
  return /^\..+\.\d+\.[0-9a-f]{8}\.tmp$/.test(name);
}

/**
 * A file that gets its name only when it is complete: bytes go to a temporary file in the same folder, `commit` flushes and renames it, `abort`
 * removes it. The rename replaces an existing file of that name, which is never half written.
 */
export class AtomicFile {
  readonly path: string;
  readonly #temporary: string;
  #descriptor: number | undefined;

  constructor(path: string) {
    this.path = path;
    this.#temporary = temporaryPath(path);
    this.#descriptor = this.#naming(() => openSync(this.#temporary, 'wx'));
  }

  /** System errors name the final file, not the temporary one. */
  #naming<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw Object.assign(error as Error, { path: this.path });
    }
  }

  /** Appends the bytes, or writes them at `position` (bytes from the start). */
  write(bytes: Uint8Array, position: number | null = null): void {
    if (this.#descriptor === undefined) throw new Error(`${this.path} is already closed`);
    let done = 0;
    while (done < bytes.byteLength) {
      const at = position === null ? null : position + done;
      const descriptor = this.#descriptor;
      const count = Math.min(bytes.byteLength - done, 1 << 30);
      done += this.#naming(() => writeSync(descriptor, bytes, done, count, at));
    }
  }

  /** Flushes the file to the disk and renames it. */
  commit(): void {
    if (this.#descriptor === undefined) throw new Error(`${this.path} is already closed`);
    try {
      const descriptor = this.#descriptor;
      this.#naming(() => fsyncSync(descriptor));
      this.#descriptor = undefined;
      this.#naming(() => closeSync(descriptor));
      renameSync(this.#temporary, this.path);
    } catch (error) {
      this.abort();
      throw error;
    }
  }

  /** Removes the temporary file; does nothing after `commit`. */
  abort(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
    rmSync(this.#temporary, { force: true });
  }
}

/** Copies a regular file, under a temporary name, then renames it. */
export function copyFileAtomic(source: string, path: string): void {
  const from = openFile(source);
  const file = new AtomicFile(path);
  try {
    const piece = new Uint8Array(1 << 22);
    for (let done = 0; done < from.size; done += piece.length) {
      const part = piece.subarray(0, Math.min(piece.length, from.size - done));
      from.read(part, done);
      file.write(part);
    }
    file.commit();
  } finally {
    file.abort();
    from.close();
  }
}

/** Writes a whole file under a temporary name, then renames it. */
export function writeFileAtomic(path: string, content: Uint8Array | string): void {
  const file = new AtomicFile(path);
  try {
    file.write(typeof content === 'string' ? Buffer.from(content, 'utf8') : content);
    file.commit();
  } finally {
    file.abort();
  }
}
