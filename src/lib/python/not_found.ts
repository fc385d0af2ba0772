import { readdirSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { FileNotFoundError } from './errors.ts';

/** The error for a file that is not there; it names one whose name differs in capital letters alone (`A0001.HEA`). */
export function notFound(path: string): FileNotFoundError {
  let names: string[] = [];
  try {
    names = readdirSync(dirname(path));
  } catch {
    // No folder, or none that may be read: nothing is similar.
  }
  const wanted = basename(path).toLowerCase();
  return new FileNotFoundError(
    path,
    names.find((name) => name.toLowerCase() === wanted),
  );
}
