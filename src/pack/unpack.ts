import { existsSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { InputError } from '../errors.ts';
import { checkJson } from '../lib/json/file.ts';
import { temporaryPath } from '../lib/python/atomic_file.ts';
import { fileDigest } from '../lib/python/hashlib.ts';
import { freeBytes } from '../lib/python/shutil.ts';
import { parseSums, sumsFile } from '../lib/sums.ts';
import { extractTar, listTar, type TarEntry } from '../lib/tar/archive.ts';
import { kindOf } from './contents.ts';
import { descriptionFile, descriptionSchema, type PackDescription } from './manifest.ts';

export interface UnpackOptions {
  readonly archive: string;
  /** Folder in which the run's folder is made. Created if missing. Default `jobs`. */
  readonly target?: string;
  /** Most bytes of all files together; default 16 GiB. */
  readonly maxBytes?: number;
}

/** What was unpacked. */
export interface Unpacked {
  /** The run's folder. */
  readonly folder: string;
  readonly files: readonly string[];
  /** Whether the archive contains the run's predictions and pictures. */
  readonly records: boolean;
}

const maxEntries = 100_000;

/** Largest size in bytes of the files that `pack` adds to a run: one line per file, and a few words. */
const limitsOfOwn: ReadonlyMap<string, number> = new Map([
  [sumsFile, maxEntries * 512],
  [descriptionFile, 65_536],
]);

/**
 * Unpacks an archive that `pack` made. Its files are written beside the target and moved there once every checksum is right, so a refused
 * archive leaves nothing behind. Overwrites nothing.
 *
 * @throws FileNotFoundError, or InputError if the archive is damaged, hostile or of another kind, if there is too little room, or if a
 * folder with the run's name exists.
 */
export async function unpack({ archive, target = 'jobs', maxBytes = 2 ** 34 }: UnpackOptions): Promise<Unpacked> {
  const limits = { maxBytes, maxEntries };
  const entries = await listTar(archive, limits);
  const name = runOf(entries, archive);
  requireFilesOfRun(entries, name, archive);
  const folder = resolve(target, name);
  // A dangling link exists too.
  if (lstatSync(folder, { throwIfNoEntry: false })) {
    throw new InputError('a folder or file with this name exists, and nothing is overwritten', {
      file: folder,
      next: 'Choose another --target.',
    });
  }
  mkdirSync(target, { recursive: true });
  requireRoom(target, entries);
  const waiting = temporaryPath(join(target, name));
  mkdirSync(waiting);
  try {
    await extractTar(archive, waiting, limits);
    const found = entries.filter(({ kind }) => kind === 'file').map(({ path }) => path.slice(name.length + 1));
    const files = await verify(join(waiting, name), new Set(found), archive);
    const { records } = readDescription(join(waiting, name), name, archive);
    renameSync(join(waiting, name), folder);
    return { folder, files, records };
  } finally {
    rmSync(waiting, { recursive: true, force: true });
  }
}

/** The folder that contains all entries. */
function runOf(entries: readonly TarEntry[], archive: string): string {
  const name = entries[0].path.split('/')[0];
  if (!/^[\w-][\w.-]*$/.test(name)) {
    throw new InputError("refused: the name of the archive's folder cannot be that of a run", {
      file: archive,
      got: JSON.stringify(name),
    });
  }
  const outside = entries.find(
    ({ path, kind }) => !path.startsWith(`${name}/`) && !(kind === 'folder' && path === name),
  );
  if (outside) {
    throw new InputError('refused: the files do not lie in one folder', {
      file: archive,
      where: JSON.stringify(outside.path),
      expected: `${name}/…`,
    });
  }
  if (!entries.some(({ path }) => path === `${name}/${sumsFile}`)) {
    throw new InputError('pack did not make this archive', { file: archive, expected: `${name}/${sumsFile}` });
  }
  return name;
}

/** Accepts only what `pack` packs: a lock or a training state would change what later commands do in the folder. */
function requireFilesOfRun(entries: readonly TarEntry[], name: string, archive: string): void {
  for (const { path, kind, size } of entries) {
    const below = path.slice(name.length + 1);
    const limit = limitsOfOwn.get(below);
    if (kind === 'file' && limit === undefined && !kindOf(below)) {
      throw new InputError('refused: a kind of file that pack does not pack', {
        file: archive,
        where: JSON.stringify(path),
        next: 'If a newer version of this package made the archive, unpack it with that version.',
      });
    }
    if (limit === undefined || size <= limit) continue;
    const got = `${size} bytes`;
    throw new InputError('a file is larger than expected', {
      file: archive,
      where: path,
      got,
      expected: `at most ${limit}`,
    });
  }
}

function requireRoom(target: string, entries: readonly TarEntry[]): void {
  const bytes = entries.reduce((sum, { size }) => sum + size, 0);
  const free = freeBytes(target);
  if (free >= bytes) return;
  throw new InputError('not enough space on the disk', {
    file: target,
    got: `${free} bytes free`,
    expected: `${bytes}`,
  });
}

/** Checks the files against the list of checksums: same names, same contents. Returns their paths. */
async function verify(folder: string, found: ReadonlySet<string>, archive: string): Promise<string[]> {
  const sums = parseSums(readFileSync(join(folder, sumsFile), 'utf8'), archive);
  const extra = [...found].find((path) => path !== sumsFile && !sums.has(path));
  if (extra !== undefined) {
    throw new InputError('refused: a file that is not in the list of checksums', { file: archive, where: extra });
  }
  for (const [path, expected] of sums) {
    if (!found.has(path)) throw new InputError('a file is missing', { file: archive, where: path });
    const got = await fileDigest(join(folder, path));
    if (got !== expected) throw new InputError('a file is damaged', { file: archive, where: path, got, expected });
  }
  return [...sums.keys()];
}

function readDescription(folder: string, name: string, archive: string): PackDescription {
  const file = join(folder, descriptionFile);
  if (!existsSync(file)) {
    throw new InputError('pack did not make this archive', { file: archive, expected: `${name}/${descriptionFile}` });
  }
  const what = 'the description of the archive';
  const next = 'Unpack it with the version of ecg-transplant that packed it.';
  const shown = `${archive}, ${descriptionFile}`;
  const description = checkJson(readFileSync(file, 'utf8'), descriptionSchema, shown, { what, next });
  if (description.name === name) return description;
  throw new InputError(`${what} is that of another run`, {
    file: shown,
    where: 'name',
    got: JSON.stringify(description.name),
    expected: JSON.stringify(name),
  });
}
