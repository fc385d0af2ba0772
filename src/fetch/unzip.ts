import { mkdirSync, realpathSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { InputError } from '../errors.ts';
import { writeFileAtomic } from '../lib/python/atomic_file.ts';
import { MemberPaths } from '../lib/python/member_paths.ts';
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
 * Unpacks a zip archive whose files lie in one folder into `target`, without that folder. Checks everything before it writes the first file. Refuses links,
 * paths and names that `MemberPaths` refuses, and sizes above the limits. Replaces existing files, except the caller's own.
 *
 * @param onFile called after each file.
 * @param isOurs whether a path below `target` belongs to a file that no member may replace.
 * @returns paths of the files, relative to `target`.
 * @throws FileNotFoundError, or InputError naming the entry.
 */
export function unzip(
  archive: string,
  target: string,
  { maxBytes, maxFiles }: UnzipLimits,
  onFile: (done: number, total: number) => void = () => {},
  isOurs: (path: string) => boolean = () => false,
): string[] {
  const zip = new ZipFile(archive);
  try {
    const members = [...zip.members.values()];
    const files = members.filter(({ name }) => !name.endsWith('/'));
    if (files.length === 0) throw new InputError('the archive contains no files', { file: archive });
    if (members.length > maxFiles) {
      throw new InputError('the archive contains too many files', {
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
    const plain = plainFiles(members, archive);
    const top = `${plain[0].path.split('/')[0]}/`;
    for (const { path } of plain) {
      if (!path.startsWith(top)) refuse(archive, path, `a file outside of the folder ${top}`);
      if (isOurs(path.slice(top.length))) refuse(archive, path, 'a name that fetch-data uses itself');
    }
    mkdirSync(target, { recursive: true });
    const root = realpathSync(target);
    return plain.map(({ path: whole, member }, done) => {
      const path = whole.slice(top.length);
      const file = join(root, ...path.split('/'));
      makeFolderInside(root, dirname(file), archive, member.name);
      if (statSync(file, { throwIfNoEntry: false })?.isDirectory()) refuse(archive, member.name, 'a folder is there');
      writeFileAtomic(file, zip.read(member, maxBytes));
      onFile(done + 1, plain.length);
      return path;
    });
  } finally {
    zip.close();
  }
}

/** The files among the members, with their clean paths. */
function plainFiles(members: readonly ZipMember[], archive: string): { path: string; member: ZipMember }[] {
  const paths = new MemberPaths(archive);
  return members.flatMap((member) => {
    const { name, mode } = member;
    const kind = name.endsWith('/') ? 'folder' : 'file';
    const type = mode & FILE_TYPE;
    if (type !== 0 && type !== (kind === 'folder' ? FOLDER : REGULAR)) refuse(archive, name, 'a link or device');
    const path = paths.add(name, kind);
    return kind === 'file' ? [{ path, member }] : [];
  });
}

function refuse(archive: string, name: string, reason: string): never {
  throw new InputError(`refused: ${reason}`, { file: archive, where: JSON.stringify(name) });
}
