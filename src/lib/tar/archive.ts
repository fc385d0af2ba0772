import { mkdirSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { Parser, type ReadEntry } from 'tar';
import { InputError } from '../../errors.ts';
import { Budget } from '../budget.ts';
import { AtomicFile } from '../python/atomic_file.ts';
import { FileNotFoundError } from '../python/errors.ts';
import { gunzipFile, isGzip } from '../python/gzip.ts';
import { MemberPaths } from '../python/member_paths.ts';
import { streamFile, withRegular } from '../python/regular_file.ts';

/** A file or folder inside an archive. */
export interface TarEntry {
  /** Path with `/`, relative, without `.` and `..`. */
  readonly path: string;
  readonly kind: 'file' | 'folder';
  /** Bytes of a file. */
  readonly size: number;
}

/** Limits of reading an archive. */
export interface TarOptions {
  /** Largest number of bytes of all files together; default 64 GiB. Small archives may hold less, see `Budget`. */
  readonly maxBytes?: number;
  /** Largest number of entries; default 1,000,000. */
  readonly maxEntries?: number;
}

const FILES: ReadonlySet<string> = new Set(['File', 'OldFile', 'ContiguousFile']);
const FOLDERS: ReadonlySet<string> = new Set(['Directory', 'GNUDumpDir']);
const BLOCK = 512;
/** Writers pad the last record with zeros. Records have 10 KiB by default. */
const MAX_BEHIND = 1 << 22;
/** Bytes of headers and padding per entry. */
const AROUND_ENTRY = 4 * BLOCK;

/**
 * Lists a `.tar` or `.tar.gz` archive. Reads it to its end.
 *
 * @throws FileNotFoundError, or InputError for damage and for everything that `extractTar` refuses.
 */
export async function listTar(archive: string, options: TarOptions = {}): Promise<TarEntry[]> {
  const entries: TarEntry[] = [];
  await walk(archive, options, (entry, stream) => {
    entries.push(entry);
    stream.resume();
  });
  return entries;
}

/**
 * Unpacks an archive into a folder, which is created if it is missing, and returns what it unpacked. Checks the whole archive before it writes
 * anything, and refuses links, devices, paths that `MemberPaths` refuses, more bytes or entries than allowed, and any damage. Ignores owners, times
 * and modes.
 *
 * @throws FileNotFoundError, or InputError naming the entry.
 */
export async function extractTar(archive: string, folder: string, options: TarOptions = {}): Promise<TarEntry[]> {
  const entries = await listTar(archive, options);
  mkdirSync(folder, { recursive: true });
  const root = realpathSync(folder);
  await walk(archive, options, (entry, stream) => {
    const target = join(root, ...entry.path.split('/'));
    const parent = entry.kind === 'folder' ? target : dirname(target);
    makeFolderInside(root, parent, archive, entry.path);
    if (entry.kind === 'folder') stream.resume();
    else writeEntry(target, stream);
  });
  return entries;
}

/** Creates a folder below `root` (a real path). Throws an InputError that names the archive and the path if an existing link leads out of `root`. */
export function makeFolderInside(root: string, folder: string, archive: string, path: string): void {
  let existing = folder;
  while (existing !== root && statSync(existing, { throwIfNoEntry: false }) === undefined) existing = dirname(existing);
  const real = realpathSync(existing);
  if (real !== root && !real.startsWith(root.endsWith(sep) ? root : root + sep)) {
    throw new InputError('refused: a link in the target folder leads out of it', {
      file: archive,
      where: path,
      got: relative(root, existing),
    });
  }
  if (!statSync(existing).isDirectory()) {
    throw new InputError('refused: a file is where the archive needs a folder', {
      file: archive,
      where: path,
      got: relative(root, existing),
    });
  }
  mkdirSync(folder, { recursive: true });
}

function writeEntry(target: string, stream: ReadEntry): void {
  const file = new AtomicFile(target);
  // The parser emits the next entry when this one has ended; synchronous writes keep that order.
  stream.on('data', (chunk: Buffer) => {
    try {
      file.write(chunk);
    } catch (error) {
      file.abort();
      stream.emit('error', error);
    }
  });
  stream.on('end', () => file.commit());
}

async function walk(
  archive: string,
  { maxBytes = 2 ** 36, maxEntries = 1_000_000 }: TarOptions,
  visit: (entry: TarEntry, stream: ReadEntry) => void,
): Promise<void> {
  const paths = new MemberPaths(archive);
  let entries = 0;
  let bytes = 0;
  let fault: unknown;
  const parser = new Parser({
    strict: true,
    zstd: false,
    maxMetaEntrySize: 1 << 20,
    onReadEntry: (stream) => {
      try {
        if (fault) throw fault;
        if (++entries > maxEntries) throw new InputError(`more than ${maxEntries} entries`, { file: archive });
        const entry = check(stream, archive, paths);
        bytes += entry.size;
        if (bytes > maxBytes) {
          throw new InputError('the files are too large', {
            file: archive,
            where: entry.path,
            got: `${bytes} bytes`,
            expected: `at most ${maxBytes}`,
          });
        }
        visit(entry, stream);
      } catch (error) {
        fault ??= error;
        parser.abort(error as Error);
        stream.resume();
      }
    },
  });
  // Types that the parser does not know, and long names and pax headers beyond its limit. It would skip them silently.
  parser.on('ignoredEntry', (entry: ReadEntry) => {
    fault ??= new InputError(`refused: an entry of type ${entry.type} and ${entry.size} bytes`, {
      file: archive,
      where: JSON.stringify(entry.path.slice(0, 300)),
    });
  });
  await feed(archive, parser, maxBytes + AROUND_ENTRY * maxEntries, () => fault);
  if (entries === 0) throw new InputError('the archive has no entries', { file: archive });
}

async function feed(archive: string, parser: Parser, maxBytes: number, faultOf: () => unknown): Promise<void> {
  const { size } = withRegular(archive, (file) => file);
  if (size === 0) throw new InputError('the archive is empty', { file: archive });
  const budget = new Budget(archive, size, { maxBytes });
  let failed: unknown;
  let length = 0;
  /** Bytes after the end mark. */
  let behind: number | undefined;
  parser.on('error', (error: unknown) => {
    failed ??= error;
  });
  parser.on('eof', () => {
    behind = 0;
  });
  try {
    for await (const chunk of isGzip(archive) ? gunzipFile(archive) : streamFile(archive, { chunk: 1 << 18 })) {
      // The parser would unpack it without limits.
      if (length === 0 && isPacked(chunk))
        throw new InputError('the gzip file contains compressed data again', { file: archive });
      length += chunk.byteLength;
      if (behind !== undefined) {
        behind += chunk.byteLength;
        if (behind > MAX_BEHIND) throw new InputError('data follow after the end of the archive', { file: archive });
        continue;
      }
      budget.spend(chunk.byteLength, 'its entries');
      if (!parser.write(chunk) && !failed && !faultOf()) {
        await new Promise<void>((resolve) => {
          parser.once('drain', resolve);
          parser.once('error', () => resolve());
        });
      }
      if (failed || faultOf()) break;
    }
    if (!failed && !faultOf()) {
      await new Promise<void>((resolve) => {
        parser.once('end', resolve);
        parser.once('error', () => resolve());
        parser.end();
      });
    }
  } catch (error) {
    failed ??= error;
  }
  const error = faultOf() ?? failed;
  if (error === undefined) {
    if (length % BLOCK === 0) return;
    throw new InputError('the archive is cut off', {
      file: archive,
      got: `${length} bytes`,
      expected: `a multiple of ${BLOCK}`,
    });
  }
  if (error instanceof InputError || error instanceof FileNotFoundError) throw error;
  const { code } = error as NodeJS.ErrnoException;
  if (code !== undefined && /^E[A-Z]+$/.test(code)) throw error;
  throw new InputError('the archive is damaged', { file: archive, got: (error as Error).message });
}

function isPacked(chunk: Uint8Array): boolean {
  return chunk[0] === 0x1f && chunk[1] === 0x8b;
}

function check(stream: ReadEntry, archive: string, paths: MemberPaths): TarEntry {
  const kind = FILES.has(stream.type) ? 'file' : FOLDERS.has(stream.type) ? 'folder' : undefined;
  if (kind === undefined) {
    throw new InputError(`refused: an entry of type ${stream.type}`, {
      file: archive,
      where: JSON.stringify(stream.path),
    });
  }
  return { path: paths.add(stream.path, kind), kind, size: kind === 'file' ? stream.size : 0 };
}
