import { lstatSync, readdirSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, extname, join, relative, resolve, sep } from 'node:path';
import { globSync } from 'tinyglobby';
import { InputError } from '../errors.ts';
import { type Reporter, silent } from '../events.ts';
import { fileKind, namesSignalFile, segmentNames } from '../lib/file_kind.ts';
import { FileNotFoundError } from '../lib/python/errors.ts';
import { notFound } from '../lib/python/not_found.ts';
import { shellCommand } from '../text.ts';

/** File formats of recordings by extension. */
const forms = {
  '.hea': 'wfdb',
  '.csv': 'csv',
  '.npy': 'npy',
  '.mat': 'mat',
  '.edf': 'edf',
  '.bdf': 'edf',
} as const;
/** Formats whose files are known by their content, whatever their names, by the kind of the content. */
const formsByContent = { edf: 'edf', bdf: 'edf', muse: 'muse', aecg: 'aecg', dicom: 'dicom' } as const;
/** Extensions in the order in which a name without one is looked up. */
const endings = [...(Object.keys(forms) as (keyof typeof forms)[]), '.xml', '.dcm'] as const;

/** `.hea, .csv or .npy`. */
function listed(names: readonly string[]): string {
  return `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
}

/** What can be read, for error messages. */
const readable =
  'a WFDB record (.hea with its signal files), .csv, .npy, .mat of CPSC 2018, EDF, BDF, a DICOM waveform, GE MUSE XML or HL7 aECG';

/** The file of a recording, and its format. */
export interface RecordingFile {
  readonly form: (typeof forms)[keyof typeof forms] | (typeof formsByContent)[keyof typeof formsByContent];
  /** For WFDB the header. */
  readonly file: string;
}

/** Kinds of content that a file of each format may have. */
const expectedKinds: Readonly<Record<(typeof forms)[keyof typeof forms], readonly string[]>> = {
  wfdb: ['wfdb-header', 'text', 'unknown', 'empty'],
  csv: ['text', 'wfdb-header', 'json', 'unknown', 'empty'],
  npy: ['npy'],
  mat: ['mat5', 'mat4', 'mat73', 'hdf5'],
  edf: ['edf', 'bdf'],
};

/**
 * The file that a path names. A path that is a file is that file, whatever lies beside it; a signal file of a WFDB record is read through the header beside
 * it. A path without an ending finds `.hea`, `.csv`, `.npy`, `.mat`, in this order.
 *
 * @throws FileNotFoundError if nothing is there; InputError that says what a file is that is not a recording.
 */
export function recordingFile(path: string): RecordingFile {
  const status = statusOf(path);
  if (status?.isFile()) {
    const form = formOf(path);
    if (form !== 'wfdb') {
      const header = headerOf(path);
      if (header !== undefined) return { form: 'wfdb', file: header };
    }
    const found = openable(path);
    if (found !== undefined) return found;
  }
  const ending = endings.find((candidate) => statusOf(path + candidate)?.isFile());
  if (ending !== undefined) return openable(path + ending) ?? refuse(path + ending);
  if (status?.isDirectory()) {
    throw new InputError('this is a folder, not a recording', {
      file: path,
      next: `See what it holds: ls ${shellCommand([path])}`,
    });
  }
  if (status) throw unreadable(path);
  const [other] = namesakes(path);
  if (other !== undefined) throw unreadable(other);
  const similar = ['', ...endings].map((name) => notFound(path + name)).find((error) => error.similar !== undefined);
  throw similar ?? new FileNotFoundError(`${path} (nor with ${listed(endings)})`);
}

/** The header of the WFDB record whose signals are in this file. */
function headerOf(path: string): string | undefined {
  const header = `${path.slice(0, path.length - extname(path).length)}.hea`;
  return namesSignalFile(header, basename(path)) ? header : undefined;
}

/** The extension of a recording, if the path has one. */
function endingOf(path: string): (typeof endings)[number] | undefined {
  const ending = endings.find((candidate) => path.toLowerCase().endsWith(candidate));
  // A header is found by the name of its record, to which `.hea` is added.
  return ending === '.hea' && !path.endsWith('.hea') ? undefined : ending;
}

/** The format that the extension of a file says. */
function formOf(path: string): (typeof forms)[keyof typeof forms] | undefined {
  const ending = endingOf(path);
  return ending === undefined || ending === '.xml' || ending === '.dcm' ? undefined : forms[ending];
}

function formByContent(path: string): RecordingFile['form'] | undefined {
  const { id } = fileKind(path);
  return id in formsByContent ? formsByContent[id as keyof typeof formsByContent] : undefined;
}

/** The format of a file by its extension, or else by its content; undefined if neither says one. */
function openable(file: string): RecordingFile | undefined {
  const form = formOf(file);
  if (form === undefined) {
    const told = formByContent(file);
    return told && { form: told, file };
  }
  const { id } = fileKind(file);
  // The reader explains a Git LFS pointer.
  if (id !== 'lfs' && !expectedKinds[form].includes(id)) throw unreadable(file);
  return { form, file };
}

function refuse(file: string): never {
  throw unreadable(file);
}

function unreadable(file: string): InputError {
  const { words, next } = fileKind(file);
  return new InputError('not a recording that can be read', { file, got: words, expected: readable, next });
}

/** Files whose names are the path plus an extension. */
function namesakes(path: string): string[] {
  const folder = dirname(path);
  if (!statusOf(folder)?.isDirectory()) return [];
  const start = `${basename(path)}.`;
  return readdirSync(folder)
    .filter((name) => name.startsWith(start) && statusOf(join(folder, name))?.isFile())
    .map((name) => join(folder, name));
}

function statusOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** A recording as a command line names it. */
export interface NamedRecording {
  /** For `readRecording`, and the record's name in results: as it was typed, or as the folder or pattern gave it; WFDB records without ending. */
  readonly path: string;
  /** The part of the path that distinguishes it from the other recordings, to name files after: no ending, no `..`. */
  readonly label: string;
}

/**
 * The recordings that words of a command line name: files with or without ending, folders, and patterns such as `data/*.hea`. A recording that is named twice
 * is taken once. What cannot be a recording is an error only where it was named itself.
 *
 * @param options.recursive take folders below folders too.
 * @throws InputError for a folder or a pattern without recordings. Names that lead nowhere stay in the list: reading them says so.
 */
export function listRecordings(
  words: readonly string[],
  { recursive = false, report = silent }: { readonly recursive?: boolean; readonly report?: Reporter } = {},
): NamedRecording[] {
  const paths = new Map<string, string>();
  const add = (path: string): void => {
    const { file, name } = namesOf(path);
    if (!paths.has(file)) paths.set(file, name);
  };
  for (const word of words) {
    const status = statusOf(word);
    if (status?.isDirectory()) addFolder(word, { recursive, add, report });
    else if (status === undefined && isPattern(word)) addMatches(word, { recursive, add, report });
    else add(word);
  }
  const list = [...paths.values()];
  const labels = labelsOf(list);
  return list.map((path, i) => ({ path, label: labels[i] }));
}

interface Collecting {
  readonly recursive: boolean;
  readonly add: (path: string) => void;
  readonly report: Reporter;
}

function addFolder(folder: string, collecting: Collecting): void {
  const { recursive, add, report } = collecting;
  const { files, folders } = contentsOf(folder, recursive);
  const found = addFiles(files, add);
  if (found > 0) {
    tellLeftOut(folder, files.length - found, report);
    return;
  }
  const [first] = files;
  throw new InputError('the folder holds no recordings', {
    file: folder,
    got:
      first === undefined ? 'no files' : `${files.length} files, such as ${basename(first)}: ${fileKind(first).words}`,
    expected: readable,
    next: folders > 0 && !recursive ? 'Look into the folders below it, too: add --recursive.' : undefined,
  });
}

function addMatches(pattern: string, { recursive, add, report }: Collecting): void {
  const matches = globSync(pattern, { onlyFiles: false, expandDirectories: false, followSymbolicLinks: false }).sort(
    natural,
  );
  const folders = matches.filter((match) => statusOf(match)?.isDirectory()).map((match) => match.replace(/\/$/, ''));
  const files = matches.filter((match) => statusOf(match)?.isFile());
  const below = recursive ? folders.flatMap((folder) => contentsOf(folder, true).files) : [];
  const all = [...files, ...below];
  const found = addFiles(all, add);
  if (found === 0) {
    throw new InputError('the pattern matches no recordings', {
      file: pattern,
      got: `${matches.length} matches${folders.length > 0 ? `, ${folders.length} of them folders` : ''}`,
      expected: readable,
      next: folders.length > 0 && !recursive ? 'Look into the folders, too: add --recursive.' : undefined,
    });
  }
  tellLeftOut(pattern, all.length - found, report);
}

function tellLeftOut(place: string, count: number, report: Reporter): void {
  if (count > 0) {
    report({
      kind: 'message',
      text: `${place}: ${count} file${count === 1 ? ' is not a recording' : 's are not recordings'}`,
    });
  }
}

/**
 * Adds the recordings among files; signal files belong to their headers, and segments to their multi-segment records. Returns how many files are recordings or
 * parts of them.
 */
function addFiles(files: readonly string[], add: (path: string) => void): number {
  const headers = files.filter((file) => file.endsWith('.hea'));
  const segments = new Set(
    headers.flatMap((file) => segmentNames(file).map((name) => join(dirname(file), `${name}.hea`))),
  );
  const parts = files.filter((file) => isPart(file) || segments.has(join(file)));
  const recordings = files.filter((file) => isRecording(file) && !segments.has(join(file)));
  recordings.forEach(add);
  return parts.length + recordings.length;
}

/** Tables of records and labels that lie beside recordings, by collection. */
export const indexFiles = {
  challenge17: ['RECORDS', 'REFERENCE.csv'],
  challenge20: [],
  ptbXl: ['ptbxl_database.csv', 'scp_statements.csv'],
  cpsc2018: ['REFERENCE.csv'],
  own: ['labels.csv'],
} as const;

const tables: ReadonlySet<string> = new Set(Object.values(indexFiles).flat());

function isRecording(file: string): boolean {
  const form = formOf(file) ?? formByContent(file);
  if (form === undefined || isPart(file)) return false;
  const name = basename(file);
  return !tables.has(name) && !/^REFERENCE.*\.csv$/i.test(name) && !/_predictions\.csv$|^history\.csv$/.test(name);
}

function isPart(file: string): boolean {
  return !file.endsWith('.hea') && headerOf(file) !== undefined;
}

/** Files of a folder in natural order (r2 before r10), hidden ones left out; links to folders are not followed. */
function contentsOf(folder: string, recursive: boolean): { files: string[]; folders: number } {
  const files: string[] = [];
  let folders = 0;
  const visit = (place: string): void => {
    const names = readdirSync(place).filter((name) => !name.startsWith('.'));
    for (const name of names.sort(natural)) {
      const path = join(place, name);
      if (statusOf(path)?.isFile()) files.push(path);
      else if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory()) {
        folders++;
        if (recursive) visit(path);
      }
    }
  };
  visit(folder);
  return { files, folders };
}

const { compare: natural } = new Intl.Collator('en', { numeric: true });

function isPattern(word: string): boolean {
  return /[*?[\]{}]/.test(word);
}

/** The file that two names of one recording have in common, and its name in results: a WFDB record goes without ending. */
function namesOf(path: string): { readonly file: string; readonly name: string } {
  try {
    const { form, file } = recordingFile(path);
    const record = file.slice(0, -'.hea'.length);
    const name = form === 'wfdb' && recordingFile(record).file === file ? record : path;
    return { file: resolve(file), name };
  } catch {
    // Reading it says what is wrong.
    return { file: resolve(path), name: path };
  }
}

/** Names for files: the last part of each path if they differ, else the path below the folder that all lie in. Endings where needed. */
function labelsOf(paths: readonly string[]): string[] {
  const bare = paths.map((path) => (endingOf(path) === undefined ? path : path.slice(0, -extname(path).length)));
  const folder = commonFolder(paths.map((path) => dirname(resolve(path))));
  const choices = [
    bare.map((path) => basename(path)),
    paths.map((path) => basename(path)),
    bare.map((path) => relative(folder, resolve(path))),
    paths.map((path) => relative(folder, resolve(path))),
  ];
  // File systems that ignore case must not make one file of two.
  return (
    choices.find((names) => new Set(names.map((name) => name.toLowerCase())).size === names.length) ?? choices.at(-1)!
  );
}

function commonFolder(folders: readonly string[]): string {
  const [first = '/', ...others] = folders;
  const parts = first.split(sep);
  const shared = parts.findIndex((part, i) => others.some((other) => other.split(sep)[i] !== part));
  return parts.slice(0, shared === -1 ? parts.length : shared).join(sep) || '/';
}
