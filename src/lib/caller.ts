import { fileURLToPath } from 'node:url';

/** Source line (`file:line`) of the innermost caller in one of the folders (which end with `/`); empty if there is none. */
export function callerWithin(...folders: readonly string[]): string {
  for (const line of (new Error().stack ?? '').split('\n')) {
    const [, location, row] = /\(?((?:file:\/\/)?\/[^():]+):(\d+):\d+\)?$/.exec(line) ?? [];
    if (location === undefined) continue;
    const file = location.startsWith('file:') ? fileURLToPath(location) : location;
    if (folders.some((folder) => file.startsWith(folder))) return `${file}:${row}`;
  }
  return '';
}
