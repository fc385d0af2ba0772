import { statfsSync } from 'node:fs';

/** Free bytes for this user on the disk of a folder. Twin of `shutil.disk_usage(folder).free`. */
export function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}
