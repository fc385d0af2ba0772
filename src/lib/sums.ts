import { InputError } from '../errors.ts';

/** Name of a list of checksums. */
export const sumsFile = 'SHA256SUMS';

/** A list of checksums in the form of `sha256sum --check`. */
export function formatSums(files: readonly { readonly path: string; readonly sha256: string }[]): string {
  return files.map(({ path, sha256 }) => `${sha256}  ${path}\n`).join('');
}

/**
 * The checksums (SHA-256, hexadecimal) by path.
 *
 * @param file what holds the list, for messages.
 * @throws InputError for a line in another form, and for a path that is listed twice.
 */
export function parseSums(text: string, file: string): Map<string, string> {
  const sums = new Map<string, string>();
  const lines = text.split('\n');
  for (const [i, line] of lines.entries()) {
    if (line === '' && i === lines.length - 1) break;
    const [, sha256, path] = /^([0-9a-f]{64}) {2}(.+)$/.exec(line) ?? [];
    if (sha256 === undefined || path === undefined || sums.has(path)) {
      throw new InputError('the list of checksums cannot be read', {
        file,
        where: `${sumsFile}, line ${i + 1}`,
        got: JSON.stringify(line.slice(0, 80)),
      });
    }
    sums.set(path, sha256);
  }
  return sums;
}
