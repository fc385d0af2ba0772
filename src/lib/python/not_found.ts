import { readdirSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { FileNotFoundError } from './errors.ts';

/** The error for a missing file. It suggests an existing file whose name differs only in case (`A0001.HEA`). */
export function notFound(path: string): FileNotFoundError {
  let names: string[] = [];
  try {
    names = readdirSync(dirname(path));
  } catch {
    // The folder does not exist or cannot be read, so there is nothing to suggest.
  }
  const wanted = basename(path).toLowerCase();
  return new FileNotFoundError(
    path,
    names.find((name) => name.toLowerCase() === wanted),
  );
}
