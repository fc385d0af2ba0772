import { closeSync, lstatSync, openSync, rmSync, type Stats, statSync, writeSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { InputError, systemFault } from '../errors.ts';
import { shellCommand } from '../text.ts';
import { temporaryPath } from './python/atomic_file.ts';

/** How an output is checked. */
export interface OutputOptions {
  /** Option that names it, as typed. */
  readonly flag?: string;
  /** A file that is there may be replaced; default no. */
  readonly replace?: boolean;
}

/**
 * Checks, before the work begins, that a file can be written: its folder is there and can be written to, and the name is free, or may be replaced.
 *
 * @throws InputError that says what stands in the way.
 */
export function checkOutputFile(path: string, { flag, replace = false }: OutputOptions = {}): void {
  attempt(flag, () => {
    const status = statusOf(path);
    if (status?.isDirectory()) {
      throw new InputError('a folder, where a file is to be written', {
        file: named(flag, path),
        next: `Name a file in it: ${shellCommand([...(flag === undefined ? [] : [flag]), join(path, 'NAME')])}`,
      });
    }
    if (status && !status.isFile()) {
      throw new InputError('not a regular file', {
        file: named(flag, path),
        got: kindOf(status),
        next: 'Name a file.',
      });
    }
    if (status && !replace) {
      throw new InputError('the file is there already', {
        file: named(flag, path),
        next: 'Replace it: add --force. Or name another file.',
      });
    }
    const folder = dirname(resolve(path));
    const around = statusOf(folder);
    if (around === undefined) {
      throw new InputError('the folder does not exist', {
        file: named(flag, dirname(path)),
        next: `Make it first: mkdir -p ${shellCommand([dirname(path)])}`,
      });
    }
    requireFolder(flag, folder, around);
    probe(folder);
  });
}

/**
 * Checks, before the work begins, that a folder is there and can be written to, or can be created.
 *
 * @throws InputError that says what stands in the way.
 */
export function checkOutputFolder(path: string, { flag }: Pick<OutputOptions, 'flag'> = {}): void {
  attempt(flag, () => {
    let folder = resolve(path);
    let status = statusOf(folder);
    while (status === undefined) {
      folder = dirname(folder);
      status = statusOf(folder);
    }
    requireFolder(flag, folder, status);
    probe(folder);
  });
}

function named(flag: string | undefined, path: string): string {
  return flag === undefined ? path : `${flag}: ${path}`;
}

/** The status of what a path leads to; undefined if nothing is there. A link that leads nowhere is something. */
function statusOf(path: string): Stats | undefined {
  try {
    const status = statSync(path, { throwIfNoEntry: false });
    if (status !== undefined || !lstatSync(path, { throwIfNoEntry: false })) return status;
  } catch (error) {
    // A folder above it is a file.
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined;
    throw error;
  }
  throw new InputError('a link that leads nowhere', {
    file: path,
    next: `See where it leads: ls -l ${shellCommand([path])}`,
  });
}

function requireFolder(flag: string | undefined, folder: string, status: Stats): void {
  if (status.isDirectory()) return;
  throw new InputError('a file, where a folder is expected', {
    file: named(flag, folder),
    got: kindOf(status),
    next: 'Name a folder, or another place for it.',
  });
}

function kindOf(status: Stats): string {
  if (status.isFile()) return 'a file';
  return status.isFIFO() ? 'a pipe' : status.isSocket() ? 'a socket' : 'a device';
}

/** Writes a byte: the only way to know about rights, read-only file systems and full disks alike. */
function probe(folder: string): void {
  const file = temporaryPath(join(folder, 'probe'));
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, 'wx');
    writeSync(descriptor, '.');
  } catch (error) {
    // The folder is there, and yet nothing can be made in it, as in /proc.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new InputError('no file can be made in this folder', { file: folder, next: 'Name another place.' });
    }
    throw Object.assign(error as Error, { path: folder });
  } finally {
    if (descriptor !== undefined) {
      closeSync(descriptor);
      rmSync(file, { force: true });
    }
  }
}

function attempt(flag: string | undefined, check: () => void): void {
  try {
    check();
  } catch (error) {
    throw systemFault(error, flag) ?? error;
  }
}
