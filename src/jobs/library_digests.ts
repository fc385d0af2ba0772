import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { object, string } from 'valibot';
import { amount, finiteNumber, mapOf, sha256 } from '../lib/json/fields.ts';
import { type Described, readJsonIfSound, writeJson } from '../lib/json/file.ts';
import { fileDigestSync } from '../lib/python/hashlib.ts';

/** A file's checksum, and the size and time of the file that it belongs to. */
type Entry = Described<typeof cacheSchema>[string];

const cacheSchema = mapOf(string(), object({ bytes: amount, modified: finiteNumber, sha256 }));

/**
 * SHA-256 of files by path. Reading a TensorFlow library of a gigabyte takes seconds, so checksums are cached in `cacheFile` for as long as
 * path, size and modification time stay the same. A cache that cannot be read or written only costs time.
 */
export function fileDigests(paths: readonly string[], cacheFile: string): Record<string, string> {
  const known = readJsonIfSound(cacheFile, cacheSchema) ?? {};
  const entries = paths.map((path): [string, Entry] => {
    const { size: bytes, mtimeMs: modified } = statSync(path);
    const entry = Object.hasOwn(known, path) ? known[path] : undefined;
    if (entry?.bytes === bytes && entry.modified === modified) return [path, entry];
    return [path, { bytes, modified, sha256: fileDigestSync(path) }];
  });
  if (entries.some(([path, entry]) => known[path] !== entry)) {
    writeCache(cacheFile, { ...known, ...Object.fromEntries(entries) });
  }
  return Object.fromEntries(entries.map(([path, { sha256 }]) => [path, sha256]));
}

function writeCache(file: string, entries: Readonly<Record<string, Entry>>): void {
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeJson(file, entries);
  } catch {
    // Only root may write there: the next job reads the libraries again.
  }
}
