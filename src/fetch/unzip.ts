import { mkdirSync, realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { InputError } from '../errors.ts';
import { writeFileAtomic } from '../lib/python/atomic_file.ts';
import { ZipFile, type ZipMember } from '../lib/python/zipfile.ts';
import { makeFolderInside } from '../lib/tar/archive.ts';

/** Limits of unpacking; an archive that exceeds one is refused. */
export interface UnzipLimits {
  /** Bytes of all files together. */
  readonly maxBytes: number;
  readonly maxFiles: number;
}

const FILE_TYPE = 0o170000;
const REGULAR = 0o100000;
const FOLDER = 0o040000;

/**
 * Unpacks a zip archive whose files lie in one folder into `target`, without that folder. Everything is checked before the first file is written: absolute paths, `..`,
 * links, files of one name and sizes beyond the limits are refused. A file that is there already is replaced.
 *
 * @param onFile told after each file.
 * @returns paths of the files, relative to `target`.
 * @throws FileNotFoundError, or InputError naming the entry.
 */
export function unzip(
  archive: string,
  target: string,
  { maxBytes, maxFiles }: UnzipLimits,
  onFile: (done: number, total: number) => void = () => {},
): string[] {
  const zip = new ZipFile(archive);
  try {
    const members = [...zip.members.values()];
    const files = members.filter(({ name }) => !name.endsWith('/'));
    if (files.length === 0) throw new InputError('the archive holds no file', { file: archive });
    if (members.length > maxFiles) {
      throw new InputError('the archive holds too many files', {
        file: archive,
        got: String(members.length),
        expected: `at most ${maxFiles}`,
      });
    }
    const bytes = files.reduce((sum, { size }) => sum + size, 0);
    if (bytes > maxBytes) {
      throw new InputError('the archive unpacks to more than the data set can be', {
        file: archive,
        got: `${bytes} bytes`,
        expected: `at most ${maxBytes}`,
      });
    }
    for (const member of members) requirePlain(member, archive);
    const top = `${files[0]!.name.split('/')[0]}/`;
    const seen = new Set<string>();
    for (const { name } of files) {
      if (!name.startsWith(top)) refuse(archive, name, `a file outside of the folder ${top}`);
      // Two names that some file systems hold for one.
      if (seen.has(name.toLowerCase())) refuse(archive, name, 'a second file of this name');
      seen.add(name.toLowerCase());
    }
    mkdirSync(target, { recursive: true });
    const root = realpathSync(target);
    return files.map((member, done) => {
      const path = member.name.slice(top.length);
      const file = join(root, ...path.split('/'));
      makeFolderInside(root, dirname(file), archive, member.name);
      if (statSync(file, { throwIfNoEntry: false })?.isDirectory()) refuse(archive, member.name, 'a folder is there');
      writeFileAtomic(file, zip.read(member, maxBytes));
      onFile(done + 1, files.length);
      return path;
    });
  } finally {
    zip.close();
  }
}

function requirePlain({ name, mode }: ZipMember, archive: string): void {
  const type = mode & FILE_TYPE;
  if (type !== 0 && type !== (name.endsWith('/') ? FOLDER : REGULAR)) refuse(archive, name, 'a link or device');
  if (name.startsWith('/') || /^[A-Za-z]:/.test(name)) refuse(archive, name, 'an absolute path');
  if (name.includes('\\') || name.includes('\0')) refuse(archive, name, 'a path with a backslash or NUL');
  const parts = name.replace(/\/$/, '').split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..')) refuse(archive, name, 'a path with . or ..');
  if (parts.some((part) => Buffer.byteLength(part) > 255)) refuse(archive, name, 'a name that is too long');
}

function refuse(archive: string, name: string, reason: string): never {
  throw new InputError(`refused: ${reason}`, { file: archive, where: JSON.stringify(name) });
}
