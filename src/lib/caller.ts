import { fileURLToPath } from 'node:url';

/** Place in the source, `file:line`, of the innermost caller in a folder; empty if there is none. */
export function callerWithin(folder: string): string {
  for (const line of (new Error().stack ?? '').split('\n')) {
    const [, location, row] = /\(?((?:file:\/\/)?\/[^():]+):(\d+):\d+\)?$/.exec(line) ?? [];
    if (location === undefined) continue;
    const file = location.startsWith('file:') ? fileURLToPath(location) : location;
    if (file.startsWith(folder)) return `${file}:${row}`;
  }
  return '';
}
