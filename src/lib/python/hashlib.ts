import { createHash } from 'node:crypto';
import { streamFile } from './regular_file.ts';

/** SHA-256 of a file as hexadecimal digits, read piece by piece. Twin of `hashlib.file_digest(file, 'sha256').hexdigest()`. Errors as `streamFile`. */
export async function fileDigest(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of streamFile(path)) hash.update(chunk);
  return hash.digest('hex');
}
