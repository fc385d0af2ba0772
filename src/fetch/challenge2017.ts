import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../errors.ts';
import type { Reporter } from '../events.ts';
import { readRows } from '../lib/csv/table.ts';
import { copyFileAtomic, writeFileAtomic } from '../lib/python/atomic_file.ts';
import { foldedName } from '../lib/python/member_paths.ts';
import { unzip } from './unzip.ts';

const archive = 'training2017.zip';
const chosenLabels = 'REFERENCE-v2.csv';
const labels = 'REFERENCE.csv';

/** Limits of the archive: 8,528 signals of at most 61 s at 300 Hz and their headers, with a margin. */
const limits = { maxBytes: 1_000_000_000, maxFiles: 30_000 };

/** The folder of the data set, and the downloaded files by their paths in it. */
interface Fetched {
  readonly folder: string;
  readonly files: readonly { readonly target: string }[];
}

/** Records of each class in the published versions of the labels. */
const versions: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  v1: { N: 5154, A: 771, O: 2557, '~': 46 },
  v2: { N: 5050, A: 738, O: 2456, '~': 284 },
  v3: { N: 5076, A: 758, O: 2415, '~': 279 },
};

/**
 * Makes the folder that the readers expect from the downloaded archive: unpacks it, uses version 2 of the labels if the publication has it, and removes
 * date and time from headers that give them in an order that WFDB does not allow, because wfdb-python refuses those. The archive stays as published.
 *
 * @throws InputError for an archive that is damaged, hostile, or something else.
 */
export function unpackChallenge2017({ folder, files: fetched }: Fetched, report: Reporter): void {
  const say = (text: string): void => report({ kind: 'message', text });
  const task = `unpack ${archive}`;
  const ours = new Set(fetched.map(({ target }) => foldedName(target)));
  const onFile = (done: number, total: number): void => {
    if (done === 1) report({ kind: 'start', task, total, unit: 'files' });
    report({ kind: 'progress', task, done });
  };
  const files = unzip(join(folder, archive), folder, limits, onFile, (path) => ours.has(foldedName(path)));
  report({ kind: 'end', task });
  for (const name of ['RECORDS', labels]) {
    if (files.includes(name)) continue;
    throw new InputError('the archive is not the training set', { file: join(folder, archive), expected: name });
  }
  const headers = files.filter((name) => name.endsWith('.hea'));
  const mended = headers.filter((name) => mendHeader(join(folder, name))).length;
  if (mended > 0)
    say(`${folder}: date and time taken out of ${mended} headers, where they stand in an order that wfdb refuses`);
  if (existsSync(join(folder, chosenLabels))) copyFileAtomic(join(folder, chosenLabels), join(folder, labels));
  const version = versionOf(join(folder, labels));
  say(`${folder}: ${files.length} files unpacked, labels ${version ?? 'of no known version'}`);
  if (version === 'v2') return;
  report({
    kind: 'warning',
    text: `${join(folder, labels)} is ${version ?? 'of no known version'}; the reproduction used v2 of the labels, so figures will differ`,
  });
}

/** Removes what follows the number of samples in a header's record line, unless it is `time date` in WFDB's form. Returns whether it removed anything. */
function mendHeader(file: string): boolean {
  const text = readFileSync(file, 'latin1');
  const end = /\r?\n|$/.exec(text)!.index;
  const fields = text.slice(0, end).split(/\s+/).filter(Boolean);
  if (fields.length <= 4 || /^\d{1,2}:\d{2}:\d{2}/.test(fields[4])) return false;
  writeFileAtomic(file, Buffer.from(fields.slice(0, 4).join(' ') + text.slice(end), 'latin1'));
  return true;
}

/** The published version of a file of labels, recognised by the counts of its classes. */
function versionOf(file: string): string | undefined {
  const counts: Record<string, number> = {};
  for (const { fields } of readRows(file)) counts[fields[1]] = (counts[fields[1]] ?? 0) + 1;
  const isSame = (known: Readonly<Record<string, number>>): boolean =>
    Object.keys(counts).length === Object.keys(known).length &&
    Object.keys(known).every((name) => known[name] === counts[name]);
  return Object.keys(versions).find((name) => isSame(versions[name]));
}
