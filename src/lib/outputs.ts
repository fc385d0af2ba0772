import { closeSync, lstatSync, openSync, rmSync, type Stats, statSync, writeSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { InputError, systemFault } from '../errors.ts';
import { shellCommand } from '../text.ts';
import { temporaryPath } from './python/atomic_file.ts';

/** How to check an output. */
export interface OutputOptions {
  /** Option that names it, as the user typed it. */
  readonly flag?: string;
  /** Whether an existing file may be replaced; default false. */
  readonly replace?: boolean;
}

/**
 * Checks, before the work begins, that a file can be written: its folder exists and is writable, and the file does not exist yet or may be replaced.
 *
 * @throws InputError that says why not.
 */
export function checkOutputFile(path: string, { flag, replace = false }: OutputOptions = {}): void {
  attempt(flag, () => {
    const status = statusOf(path);
    if (status?.isDirectory()) {
      throw new InputError('this is a folder, not a file', {
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
      throw new InputError('the file exists already', {
        file: named(flag, path),
        next: 'Add --force to replace it, or name another file.',
      });
    }
    const folder = dirname(resolve(path));
    const around = statusOf(folder);
    if (around === undefined) {
      throw new InputError('the folder does not exist', {
        file: named(flag, dirname(path)),
        next: `Create it first: mkdir -p ${shellCommand([dirname(path)])}`,
      });
    }
    requireFolder(flag, folder, around);
    probe(folder);
  });
}

/**
 * Checks, before the work begins, that a file or folder can be created where nothing is yet.
 *
 * @param flag option that names it.
 * @throws InputError that says why not.
 */
export function checkNewOutput(flag: string, path: string): void {
  attempt(flag, () => {
    if (statusOf(path) === undefined) return;
    throw new InputError('the path exists already', {
      file: named(flag, path),
      next: `Name another one, or remove it first: rm -r ${shellCommand([path])}`,
    });
  });
  checkOutputFile(path, { flag });
}

/**
 * Checks, before the work begins, that a folder exists and is writable, or can be created.
 *
 * @throws InputError that says why not.
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

/** The status of the file or folder that a path leads to; undefined if there is none. A dangling link is an error. */
function statusOf(path: string): Stats | undefined {
  try {
    const status = statSync(path, { throwIfNoEntry: false });
    if (status !== undefined || !lstatSync(path, { throwIfNoEntry: false })) return status;
  } catch (error) {
    // A parent of the path is a file.
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined;
    throw error;
  }
  throw new InputError('the link leads nowhere', {
    file: path,
    next: `See where it leads: ls -l ${shellCommand([path])}`,
  });
}

function requireFolder(flag: string | undefined, folder: string, status: Stats): void {
  if (status.isDirectory()) return;
  throw new InputError('this is not a folder', {
    file: named(flag, folder),
    got: kindOf(status),
    next: 'Name a folder.',
  });
}

function kindOf(status: Stats): string {
  if (status.isFile()) return 'a file';
  return status.isFIFO() ? 'a pipe' : status.isSocket() ? 'a socket' : 'a device';
}

/** Writes a byte, because only this detects missing permissions, read-only file systems and full disks alike. */
function probe(folder: string): void {
  const file = temporaryPath(join(folder, 'probe'));
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, 'wx');
    writeSync(descriptor, '.');
  } catch (error) {
    // The folder exists, but files cannot be created in it, as in /proc.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      throw new InputError('files cannot be created in this folder', { file: folder, next: 'Name another place.' });
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
