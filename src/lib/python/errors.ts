import { InputError, systemFault } from '../../errors.ts';

/** Twins of Python's built-in exceptions, so that callers of both sides can distinguish the same cases. */

/** Twin of Python's `ValueError`. */
export class ValueError extends Error {
  override readonly name: string = 'ValueError';
}

/** Twin of Python's `IndexError`. */
export class IndexError extends Error {
  override readonly name: string = 'IndexError';
}

/** Twin of Python's `KeyError`. */
export class KeyError extends Error {
  override readonly name: string = 'KeyError';
}

/** Twin of Python's `AttributeError`. */
export class AttributeError extends Error {
  override readonly name: string = 'AttributeError';
}

/** Twin of Python's `RuntimeError`. */
export class RuntimeError extends Error {
  override readonly name: string = 'RuntimeError';
}

/** Twin of Python's `AssertionError`. */
export class AssertionError extends Error {
  override readonly name: string = 'AssertionError';
}

/** Twin of Python's `FileNotFoundError`; `path` is the missing file. */
export class FileNotFoundError extends Error {
  override readonly name: string = 'FileNotFoundError';
  readonly path: string;
  /** Name of an existing file that may be meant. */
  readonly similar: string | undefined;

  constructor(path: string, similar?: string) {
    super(`No such file or directory: ${path}${similar === undefined ? '' : `; there is ${similar}`}`);
    this.path = path;
    this.similar = similar;
  }
}

/** Whether an error is caused by the user's input (a file, an option) or by the operating system, and not by a bug. */
export function isUserFault(error: unknown): boolean {
  if (error instanceof InputError || systemFault(error) !== undefined) return true;
  return [ValueError, IndexError, KeyError, AttributeError, RuntimeError, FileNotFoundError].some(
    (type) => error instanceof type,
  );
}
