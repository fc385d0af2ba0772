import { InputError } from '../../errors.ts';

const MAX_PATH = 4096;
/** Largest number of bytes of one part of a path, as in most file systems. */
const MAX_NAME = 255;
/** Largest depth of nested folders. Real archives have about a dozen. */
const MAX_DEPTH = 64;

/** Names that Windows treats as a device, with any ending. */
const device = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$) *(\.|$)/i;

interface Place {
  /** The path as the archive spells it. */
  readonly name: string;
  kind: 'file' | 'folder' | 'parent';
  readonly inside: Map<string, Place>;
}

/**
 * The paths of an archive's members. Each path is checked by itself and against the earlier ones, so that the archive unpacks to the same files on
 * every system. No path may lead outside, name a device or a file that another program obeys (such as `.git`), or equal another path on file systems
 * that ignore case or Unicode form.
 */
export class MemberPaths {
  readonly #archive: string;
  readonly #root: Place = { name: '.', kind: 'parent', inside: new Map() };

  /** @param archive path of the archive, for messages. */
  constructor(archive: string) {
    this.#archive = archive;
  }

  /**
   * Adds a member, and returns its path without `.` and empty parts (`.` for the root of the archive).
   *
   * @throws InputError naming the member.
   */
  add(path: string, kind: 'file' | 'folder'): string {
    const refuse = (reason: string): never => {
      throw new InputError(`refused: ${reason}`, {
        file: this.#archive,
        where: JSON.stringify(path.length > 300 ? `${path.slice(0, 300)}…` : path),
      });
    };
    const fault = faultOfPath(path);
    if (fault !== undefined) refuse(fault);
    const parts = path.split('/').filter((part) => part !== '' && part !== '.');
    if (parts.length === 0 && kind === 'file') refuse('a file without a name');
    let place = this.#root;
    for (const name of parts) {
      if (place.kind === 'file') refuse('an entry inside a file');
      const key = foldedName(name);
      const next: Place = place.inside.get(key) ?? { name, kind: 'parent', inside: new Map() };
      if (next.name !== name) refuse(`a name that some file systems treat as ${JSON.stringify(next.name)}`);
      place.inside.set(key, next);
      place = next;
    }
    if (place.kind !== 'parent') refuse('a second entry of this name');
    if (kind === 'file' && place.inside.size > 0) refuse('a file where other entries need a folder');
    place.kind = kind;
    return parts.join('/') || '.';
  }
}

/** What is wrong with a path inside an archive, or undefined. */
export function faultOfPath(path: string): string | undefined {
  if (path.startsWith('/') || /^[A-Za-z]:/.test(path)) return 'an absolute path';
  if (path.includes('\ufffd')) return 'a path that is not UTF-8';
  if (path.includes('\\')) return 'a path with a backslash';
  // Control characters, and characters that change how others are displayed (CVE-2014-9390 disguised .git with one).
  if (/[\p{Cc}\p{Cf}\p{Cs}]/u.test(path)) return 'a path with invisible characters';
  const parts = path.split('/');
  if (parts.length > MAX_DEPTH) return 'a path that is nested too deeply';
  if (path.length > MAX_PATH || parts.some((part) => Buffer.byteLength(part) > MAX_NAME))
    return 'a path that is too long';
  for (const part of parts) {
    if (part === '' || part === '.') continue;
    if (part === '..') return 'a path with ..';
    if (/^(\.git|git~\d+)[. ]*(:|$)/.test(foldedName(part))) return 'a .git, whose settings git would execute';
    if (part.includes(':')) return 'a name with a colon';
    if (/[. ]$/.test(part)) return 'a name that ends in a dot or blank';
    if (device.test(part)) return 'the name of a device';
  }
  return undefined;
}

/** A key that is equal for names that some file system treats as equal: independent of case and of Unicode composition. */
export function foldedName(name: string): string {
  if (/^[\x20-\x7e]*$/.test(name)) return name.toLowerCase();
  // Upper case first, because ß and SS, or ſ and S, differ in lower case.
  return name.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFC');
}
