import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';
import { streamFile } from './regular_file.ts';

/** SHA-256 of a file as hexadecimal digits, read piece by piece. Twin of `hashlib.file_digest(file, 'sha256').hexdigest()`. Errors as `streamFile`. */
export async function fileDigest(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of streamFile(path)) hash.update(chunk);
  return hash.digest('hex');
}

/** The same for where nothing may come between. Errors of the operating system are thrown as they are. */
export function fileDigestSync(path: string): string {
  const hash = createHash('sha256');
  const piece = new Uint8Array(1 << 22);
  const descriptor = openSync(path, 'r');
  try {
    for (let count = readSync(descriptor, piece); count > 0; count = readSync(descriptor, piece)) {
      hash.update(piece.subarray(0, count));
    }
  } finally {
    closeSync(descriptor);
  }
  return hash.digest('hex');
}
