import { InputError } from '../errors.ts';
import { readLines } from '../lib/python/lines.ts';
import type { DataSet } from './data_sets.ts';

/** A file of a data set. */
export interface ListedFile {
  /** Path in the publication. */
  readonly path: string;
  /** Path below the data set's folder. */
  readonly target: string;
  readonly sha256: string;
  /** About how many bytes it has. */
  readonly bytes: number;
}

/** Largest number of bytes in a line. The longest path of a publication has a hundred. */
const longestLine = 4096;

/**
 * The files of a data set that a publication's `SHA256SUMS.txt` lists; with `patients`, only the files of those patients.
 *
 * @param maxFiles largest number of files that the set can have.
 * @throws InputError for a line in another form, for too many files, and if a part of the set is not listed at all.
 */
export async function readListing(
  file: string,
  set: DataSet,
  maxFiles: number,
  patients?: readonly number[],
): Promise<ListedFile[]> {
  const wanted = patients && new Set(patients);
  const found = new Map<number, number>();
  const targets = new Set<string>();
  const files: ListedFile[] = [];
  const hits = new Set<DataSet['files'][number]>();
  let count = 0;
  for await (const line of readLines(file, longestLine)) {
    count++;
    if (line === '') continue;
    // The form of sha256sum, except that PhysioNet writes one blank instead of two.
    const [, sha256, path] = /^([0-9a-f]{64}) [ *]?(.+)$/i.exec(line) ?? [];
    if (sha256 === undefined || path === undefined) {
      throw new InputError('not a list of checksums', {
        file,
        where: `line ${count}`,
        got: JSON.stringify(line.slice(0, 80)),
        expected: 'SHA-256, blanks, path',
        next: 'Remove the file and run the same command again.',
      });
    }
    for (const rule of set.files) {
      const match = rule.path.exec(path);
      if (!match) continue;
      hits.add(rule);
      const patient = match.groups?.patient;
      if (wanted && patient !== undefined) {
        if (!wanted.has(Number(patient))) continue;
        found.set(Number(patient), (found.get(Number(patient)) ?? 0) + 1);
      }
      const target = path.replace(rule.path, rule.target);
      if (targets.has(target))
        throw new InputError('two files would get the same name', { file, where: path, got: target });
      if (targets.add(target).size > maxFiles) {
        throw new InputError('the publication lists more files than the data set can hold', {
          file,
          where: `line ${count}`,
          expected: `at most ${maxFiles}`,
          next: `It may have changed: see ${set.page}`,
        });
      }
      files.push({ path, target, sha256: sha256.toLowerCase(), bytes: rule.bytes });
    }
  }
  const missing = set.files.find((rule) => !rule.optional && !hits.has(rule));
  if (missing) {
    throw new InputError('the publication does not list files that belong to the data set', {
      file,
      got: `${count} files`,
      expected: `some like ${missing.path.source}`,
      next: `It may have changed: see ${set.page}`,
    });
  }
  const absent = patients?.find((patient) => !found.has(patient));
  if (absent !== undefined) throw new InputError('the publication has no such patient', { file, got: String(absent) });
  return files;
}
