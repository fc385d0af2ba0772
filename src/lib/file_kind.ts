import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { systemFault } from '../errors.ts';

/** Kind of a file, recognised by its content. */
export interface FileKind {
  /** Short name for use in code, such as `edf`. */
  readonly id: string;
  /** In words, with an article: "an EDF recording". */
  readonly words: string;
  /** What the user can do with it, in sentences. */
  readonly next?: string;
}

const shown = 2048;
/** Number of bytes of a WFDB header that are searched for the lines of its signals. */
const headerBytes = 1 << 16;
/** Headers of multi-segment records list thousands of segments. */
const mostHeaderBytes = 1 << 20;
const convert = 'Convert it to WFDB, CSV or .npy first.';
const unpackIt = 'Unpack it first.';

/** Kinds that begin with fixed bytes. The first match counts. */
const signatures: readonly (readonly [at: number, bytes: string, kind: FileKind])[] = [
  [0, '\xffBIOSEMI', { id: 'bdf', words: 'a BDF recording', next: 'Give its name the ending .bdf.' }],
  [0, 'GDF ', { id: 'gdf', words: 'a GDF recording', next: convert }],
  [16, 'SCPECG', { id: 'scp', words: 'an SCP-ECG recording', next: convert }],
  [0, 'ISHNE1.0', { id: 'ishne', words: 'an ISHNE Holter recording', next: convert }],
  [128, 'DICM', { id: 'dicom', words: 'a DICOM file', next: 'Give its name the ending .dcm.' }],
  [0, '\x93NUMPY', { id: 'npy', words: 'a NumPy array (.npy)' }],
  [0, 'MATLAB 5.0', { id: 'mat5', words: 'a MATLAB file (version 5 to 7)' }],
  [
    0,
    'MATLAB 7.3',
    {
      id: 'mat73',
      words: 'a MATLAB file (version 7.3)',
      next: "Save it in MATLAB for version 7: save('x.mat', '-v7').",
    },
  ],
  [0, '\x89HDF\r\n\x1a\n', { id: 'hdf5', words: 'an HDF5 file' }],
  [
    0,
    'version https://git-lfs.github.com/spec/',
    {
      id: 'lfs',
      words: 'a Git LFS pointer: the file itself was not fetched',
      next: 'Fetch it: git lfs pull',
    },
  ],
  [
    0,
    '/annex/objects/',
    { id: 'annex', words: 'a git-annex pointer: the file itself was not fetched', next: 'Fetch it: git annex get .' },
  ],
  [0, 'BZh', { id: 'bzip2', words: 'a bzip2 archive', next: unpackIt }],
  [0, '\xfd7zXZ\0', { id: 'xz', words: 'an xz archive', next: unpackIt }],
  [0, '\x28\xb5\x2f\xfd', { id: 'zstd', words: 'a Zstandard archive', next: unpackIt }],
  [0, '7z\xbc\xaf\x27\x1c', { id: '7z', words: 'a 7-Zip archive', next: unpackIt }],
  [0, 'Rar!\x1a\x07', { id: 'rar', words: 'a RAR archive', next: unpackIt }],
  [257, 'ustar', { id: 'tar', words: 'a tar archive', next: unpackIt }],
  [0, 'PAR1', { id: 'parquet', words: 'a Parquet table', next: convert }],
  [0, 'ARROW1', { id: 'arrow', words: 'an Arrow or Feather table', next: convert }],
  [
    0,
    '\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1',
    { id: 'ole', words: 'a Microsoft Office file', next: 'Export it as CSV first.' },
  ],
  [0, 'SQLite format 3\0', { id: 'sqlite', words: 'an SQLite database', next: convert }],
  [0, '%PDF-', { id: 'pdf', words: 'a PDF document' }],
  [0, '\x89PNG', { id: 'image', words: 'a picture (PNG)' }],
  [0, '\xff\xd8\xff', { id: 'image', words: 'a picture (JPEG)' }],
  [0, 'RIFF', { id: 'riff', words: 'a WAV or AVI file', next: convert }],
  [0, 'fLaC', { id: 'flac', words: 'a FLAC file' }],
  [0, '\x7fELF', { id: 'program', words: 'a program' }],
];

/** Root elements of the XML files that ECG machines write. */
const xmlRoots: Readonly<Record<string, FileKind>> = {
  AnnotatedECG: { id: 'aecg', words: 'an HL7 aECG recording (XML)', next: 'Give its name the ending .xml.' },
  RestingECG: { id: 'muse', words: 'a GE MUSE recording (XML)', next: 'Give its name the ending .xml.' },
  restingecgdata: { id: 'xml', words: 'a Philips recording (XML)', next: convert },
  CardiologyXML: { id: 'xml', words: 'a GE CardioSoft recording (XML)', next: convert },
  StressTest: { id: 'xml', words: 'a stress test (XML)', next: convert },
};

/** Recognises a file by its first bytes, whatever its name, to explain to a user why it cannot be used. Never throws. */
export function fileKind(path: string): FileKind {
  try {
    const status = statSync(path);
    if (status.isDirectory()) return { id: 'folder', words: 'a folder' };
    if (!status.isFile()) return { id: 'device', words: 'a device or pipe, not a file' };
    if (status.size === 0) return { id: 'empty', words: 'an empty file' };
    return kindOf(firstBytes(path), path);
  } catch (error) {
    return { id: 'unreadable', words: `not readable (${systemFault(error)?.problem.got ?? 'damaged'})` };
  }
}

function firstBytes(path: string, count = shown): Buffer {
  const descriptor = openSync(path, 'r');
  try {
    const bytes = Buffer.alloc(count);
    return bytes.subarray(0, readSync(descriptor, bytes, 0, count, 0));
  } finally {
    closeSync(descriptor);
  }
}

function kindOf(head: Buffer, path: string): FileKind {
  const header = `${path.replace(/\.[^./]*$/, '')}.hea`;
  const kind = byContent(head);
  if (kind.id !== 'lfs' && kind.id !== 'annex' && header !== path && namesSignalFile(header, basename(path))) {
    return { id: 'wfdb-signal', words: `a signal file of the WFDB record ${header}` };
  }
  return kind;
}

/** Whether a WFDB header names a file as one of its signal files. */
export function namesSignalFile(header: string, name: string): boolean {
  if (!statSync(header, { throwIfNoEntry: false })?.isFile()) return false;
  try {
    return firstBytes(header, headerBytes)
      .toString('latin1')
      .split(/\r?\n/)
      .slice(1)
      .some((line) => line.split(/\s/)[0] === name);
  } catch {
    return false;
  }
}

/** Names of the segments that a WFDB header lists; none if it is not the header of a multi-segment record. */
export function segmentNames(header: string): string[] {
  const lines = (count: number): string[] =>
    firstBytes(header, count)
      .toString('latin1')
      .split(/\r?\n/)
      .filter((line) => !line.startsWith('#'));
  try {
    if (!/^\s*[-\w]+\/\d+\s/.test(lines(shown)[0] ?? '')) return [];
    const names = lines(mostHeaderBytes)
      .slice(1)
      .map((line) => line.trim().split(/\s/)[0]);
    return names.filter((name) => /^[-\w]+$/.test(name));
  } catch {
    return [];
  }
}

function byContent(head: Buffer): FileKind {
  const text = head.toString('latin1');
  const found = signatures.find(([at, bytes]) => text.startsWith(bytes, at))?.[2];
  if (found) return found;
  // Version 0, then text fields of fixed widths. A table would have a separator in the first 32 bytes.
  if (/^0 {7}[^,;\t\r\n]{24}/.test(text))
    return { id: 'edf', words: 'an EDF recording', next: 'Give its name the ending .edf.' };
  if (text.startsWith('PK\x03\x04')) return zipKind(text);
  if (head[0] === 0x1f && head[1] === 0x8b) return gzipKind(head);
  if (head[0] === 0x80 && head[1] >= 2 && head[1] <= 5) return { id: 'pickle', words: 'a Python pickle' };
  const wide = utf16Text(head);
  if (wide?.trimStart().startsWith('<')) return textKind(wide);
  if (isMat4(head)) return { id: 'mat4', words: 'a MATLAB file (version 4)' };
  if (isText(head)) return textKind(head.toString('utf8').replace(/^\ufeff/, ''));
  return {
    id: 'unknown',
    words: `binary data of an unknown kind, which begin with ${head.subarray(0, 8).toString('hex')}`,
  };
}

function zipKind(text: string): FileKind {
  if (/model\.weights\.h5|metadata\.json/.test(text)) return { id: 'keras', words: 'a Keras model (.keras)' };
  if (/^.{30,300}?\.npy/s.test(text)) return { id: 'npz', words: 'NumPy arrays (.npz)' };
  if (text.includes('[Content_Types].xml')) {
    return { id: 'office', words: 'a spreadsheet or document of an Office program', next: 'Export it as CSV first.' };
  }
  if (/data\.pkl/.test(text)) return { id: 'pytorch', words: 'a PyTorch file' };
  return { id: 'zip', words: 'a zip archive', next: unpackIt };
}

function gzipKind(head: Buffer): FileKind {
  try {
    // The beginning is enough. It unpacks to at most a thousand times its size.
    const inner = byContent(gunzipSync(head, { finishFlush: 2, maxOutputLength: 1 << 22 }));
    if (inner.id === 'pickle') return { id: 'pickle', words: 'a Python pickle (packed with gzip)' };
    return { id: 'gzip', words: `${inner.words}, packed with gzip`, next: unpackIt };
  } catch {
    return { id: 'gzip', words: 'a gzip file', next: unpackIt };
  }
}

/**
 * Whether the file begins like a MATLAB 4 file, with five numbers: type (little- or big-endian), rows, columns, imaginary part, length of the name.
 */
function isMat4(head: Buffer): boolean {
  if (head.length < 21) return false;
  return [head.readInt32LE.bind(head), head.readInt32BE.bind(head)].some((read) => {
    const [type, rows, columns, imaginary, name] = [0, 4, 8, 12, 16].map((at) => read(at)) as [
      number,
      number,
      number,
      number,
      number,
    ];
    const digits = type >= 0 && type < 5000 && Math.floor(type / 100) % 10 === 0 && type % 10 <= 2;
    if (!digits || rows < 0 || columns < 0 || imaginary < 0 || imaginary > 1 || name < 2 || name > 64) return false;
    return /^[A-Za-z]\w*\0$/.test(head.toString('latin1', 20, 20 + name));
  });
}

/** Text in UTF-16, if there is a byte order mark, or a `<` in two bytes. */
function utf16Text(head: Buffer): string | undefined {
  const text = head.toString('latin1', 0, 2);
  if (text === '\xff\xfe' || text === '<\0') return head.toString('utf16le').replace(/^\ufeff/, '');
  if (text !== '\xfe\xff' && text !== '\0<') return undefined;
  return Buffer.from(head.subarray(0, head.length & ~1))
    .swap16()
    .toString('utf16le')
    .replace(/^\ufeff/, '');
}

function isText(head: Buffer): boolean {
  return head.every((byte) => byte >= 0x20 || byte === 9 || byte === 10 || byte === 13 || byte === 12);
}

function textKind(text: string): FileKind {
  const start = text.trimStart();
  if (/^<(!doctype html|html)/i.test(start)) {
    return {
      id: 'html',
      words: 'a web page (often a login page in place of a download)',
      next: 'Download the file again.',
    };
  }
  if (start.startsWith('<')) {
    const root = [...start.matchAll(/<([A-Za-z][\w.:-]*)/g)].map(([, name]) => name.replace(/^.*:/, ''))[0] ?? '';
    return xmlRoots[root] ?? { id: 'xml', words: 'an XML file', next: convert };
  }
  if (/^[{[]/.test(start)) return { id: 'json', words: 'a JSON file' };
  if (/^(#.*\r?\n)*\S+[ \t]+\d+[ \t]+[\d.]+/.test(start)) return { id: 'wfdb-header', words: 'a WFDB header' };
  return { id: 'text', words: 'a text file' };
}
