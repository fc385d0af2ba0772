import { InputError } from '../../errors.ts';

const MAX_PATH = 4096;
/** Bytes of one part of a path, which file systems limit. */
const MAX_NAME = 255;
/** Folders below one another: real archives have a dozen. */
const MAX_DEPTH = 64;

/** Names that Windows takes for a device, with any ending. */
const device = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$) *(\.|$)/i;

interface Place {
  /** How the archive spells it. */
  readonly name: string;
  kind: 'file' | 'folder' | 'parent';
  readonly inside: Map<string, Place>;
}

/**
 * The paths of an archive's members. Each is checked by itself and against those before it, so that the archive unpacks to the same files on every system:
 * no path leads out, names another program's or device's file, or falls together with another one where case or Unicode form does not count.
 */
export class MemberPaths {
  readonly #archive: string;
  readonly #root: Place = { name: '.', kind: 'parent', inside: new Map() };

  /** `archive`: its file, for messages. */
  constructor(archive: string) {
    this.#archive = archive;
  }

  /**
   * Adds a member by the path that the archive gives it, and returns that path without `.` and empty parts (`.` for the archive's root).
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
    if (parts.length === 0 && kind === 'file') refuse('a file without name');
    let place = this.#root;
    for (const name of parts) {
      if (place.kind === 'file') refuse('an entry inside of a file');
      const key = foldedName(name);
      const next: Place = place.inside.get(key) ?? { name, kind: 'parent', inside: new Map() };
      if (next.name !== name) refuse(`a name that some file systems take for ${JSON.stringify(next.name)}`);
      place.inside.set(key, next);
      place = next;
    }
    if (place.kind !== 'parent') refuse('a second entry of this name');
    if (kind === 'file' && place.inside.size > 0) refuse('a file where other entries need a folder');
    place.kind = kind;
    return parts.join('/') || '.';
  }
}

/** What is wrong with a path inside an archive; undefined if nothing is. */
export function faultOfPath(path: string): string | undefined {
  if (path.startsWith('/') || /^[A-Za-z]:/.test(path)) return 'an absolute path';
  if (path.includes('\ufffd')) return 'a path that is not UTF-8';
  if (path.includes('\\')) return 'a path with a backslash';
  // Control characters, and those that change how the others look (CVE-2014-9390 hid .git behind one).
  if (/[\p{Cc}\p{Cf}\p{Cs}]/u.test(path)) return 'a path with characters that do not show';
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

/** Equal for names that some file system takes for one: letters of any case, composed or not. */
export function foldedName(name: string): string {
  if (/^[\x20-\x7e]*$/.test(name)) return name.toLowerCase();
  // In capitals first: ß and SS, or ſ and S, differ in small letters.
  return name.normalize('NFKC').toUpperCase().toLowerCase().normalize('NFC');
}
