import { readSync } from 'node:fs';
import { dirname } from 'node:path';
import { InputError } from '../errors.ts';
import { shellCommand } from '../text.ts';

/** Beginning of a Git LFS pointer, which takes the place of a file that has not been fetched. */
const beginning = 'version https://git-lfs.github.com/spec/';
/** Pointers are shorter than this. */
const longest = 1024;

/** Throws an InputError if an open file of `size` bytes is a Git LFS pointer. */
export function refusePointer(descriptor: number, size: number, file: string): void {
  if (size < beginning.length || size > longest) return;
  const head = Buffer.alloc(beginning.length);
  readSync(descriptor, head, 0, head.length, 0);
  if (head.toString('latin1') !== beginning) return;
  throw new InputError('this is a Git LFS pointer: the file itself has not been fetched', {
    file,
    next: `Fetch it: git -C ${shellCommand([dirname(file)])} lfs pull`,
  });
}
