/**
 * The packages that a hashed lock of pip's names.
 *
 * @param {string} text content of the lock
 * @returns {{ name: string, version: string, marker: string | undefined, hashes: string[] }[]} in the lock's order; hashes are SHA-256 in hexadecimal digits
 */
export function readRequirements(text) {
  return text
    .replaceAll(/\\\r?\n/g, ' ')
    .split('\n')
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .filter((line) => line !== '')
    .map((line) => {
      const [, name, version, marker] = /^([\w.-]+)==([^\s;]+)\s*(?:;\s*(.*?))?\s*(?:--hash.*)?$/.exec(line) ?? [];
      const hashes = [...line.matchAll(/--hash=sha256:([0-9a-f]{64})(?=\s|$)/g)].map(([, hash]) => hash);
      if (name === undefined || hashes.length === 0) throw new Error(`not a locked package with hashes: ${line}`);
      return { name, version, marker: marker || undefined, hashes };
    });
}
