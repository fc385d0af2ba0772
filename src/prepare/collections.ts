import { createHash } from 'node:crypto';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { InputError, UsageError } from '../errors.ts';
import { type Reporter, silent } from '../events.ts';
import { readTable, wholeNumber } from '../lib/csv/table.ts';
import { type NdArray, zeros } from '../lib/numpy/ndarray.ts';
import { readWholeFile } from '../lib/python/whole_file.ts';
import {
  type Listing,
  listChallenge17Data,
  listChallenge20Data,
  listPtbXlData,
  multiHot,
  recordPath,
} from '../port/transplant/datasets/physionet/listing.ts';
import type { Normalization } from '../port/transplant/datasets/physionet/normalization.ts';
import * as physionet from '../port/transplant/datasets/physionet.ts';
import { indexFiles } from '../recordings/record_files.ts';
import type { RecordingFormat } from '../recordings/recordings.ts';
import { type BenchmarkTask, listPtbXlTask } from './ptb_xl.ts';

/** Records and labels of a collection, with patients and folds if known. No signal has been read yet. */
export interface RecordListing {
  readonly paths: readonly string[];
  readonly recordIds: readonly (string | number)[];
  readonly classes: readonly string[];
  /** Shape (records, classes). */
  readonly y: NdArray;
  readonly patientIds?: readonly (string | number)[];
  readonly folds?: readonly number[];
  /** Records left out because they have no label. */
  readonly unlabelled?: readonly (string | number)[];
}

/** Options that only some collections use. */
export interface CollectionOptions {
  /** PTB-XL: column of `scp_statements.csv` (default `rhythm`). */
  readonly category?: string;
  /** PTB-XL: a task of the public benchmark, instead of `category`. */
  readonly labels?: BenchmarkTask;
  /** PTB-XL: read the recordings of 100 or of 500 Hz (default 500). */
  readonly recordings?: 100 | 500;
  /** PTB-XL: keep only these folds. */
  readonly folds?: readonly number[];
  /** For your own recordings, if their files do not state rate, unit or lead names. */
  readonly recordFs?: number;
  readonly recordUnits?: string;
  readonly recordLeads?: readonly string[];
}

/** A collection format that can be prepared. */
export interface CollectionKind {
  /** What it is, for `--help`. */
  readonly summary: string;
  /** Default first part of the names of the prepared files. */
  readonly name: string;
  readonly list: (folder: string, options: CollectionOptions, report?: Reporter) => RecordListing;
  readonly format: (options: CollectionOptions) => RecordingFormat;
  /** Files that list records and labels. */
  readonly indexFiles: readonly string[];
  /** Mean and standard deviation in the original, of one lead or of `twelveLeads`; `null`: none are published. */
  readonly normalization: Normalization | null;
  /** Classes whose mean F1 is the score by which the collection's challenge ranked. */
  readonly scoredClasses?: readonly string[];
  /** How the documented recipe divides the set. Single-label sets are stratified as well. */
  readonly splitBy: 'record' | 'patient';
}

const fromListing = ({ paths, labels, patientIds, folds, unlabelled }: Listing): RecordListing => ({
  paths,
  recordIds: labels.index,
  classes: labels.columns,
  y: labels.values,
  patientIds,
  folds,
  unlabelled,
});

const challenge20: Normalization = { mean: physionet.challenge20Mean, std: physionet.challenge20Std };

/** The collections by the name that `--format` gives them. */
export const collectionKinds: Readonly<Record<string, CollectionKind>> = {
  challenge17: {
    summary: 'PhysioNet/CinC Challenge 2017: one lead, 300 Hz, classes A N O ~',
    name: 'physionet',
    list: (folder) => fromListing(listChallenge17Data(folder, { nested: true })),
    format: () => ({ kind: 'wfdb' }),
    indexFiles: indexFiles.challenge17,
    normalization: { mean: physionet.challenge17Mean, std: physionet.challenge17Std },
    scoredClasses: ['N', 'A', 'O'],
    splitBy: 'record',
  },
  challenge20: {
    summary: 'PhysioNet/CinC Challenge 2020 (CPSC 2018 part): twelve leads, 500 Hz, SNOMED codes',
    name: 'challenge20',
    list: (folder) =>
      withoutUnlabelled(fromListing(listChallenge20Data(folder, refuseShiftedLabels, { nested: true }))),
    format: () => ({ kind: 'wfdb' }),
    indexFiles: indexFiles.challenge20,
    normalization: challenge20,
    splitBy: 'record',
  },
  'ptb-xl': {
    summary: 'PTB-XL: twelve leads, 500 Hz (or 100 Hz: --recordings 100)',
    name: 'ptbxl',
    list: listPtbXl,
    format: () => ({ kind: 'wfdb' }),
    indexFiles: indexFiles.ptbXl,
    normalization: { mean: physionet.ptbXlMean, std: physionet.ptbXlStd },
    splitBy: 'record',
  },
  cpsc2018: {
    summary: 'CPSC 2018 as first published: MATLAB files, twelve leads, 500 Hz, nine classes',
    name: 'cpsc2018',
    list: (folder) => withoutUnlabelled(listCpsc2018(folder)),
    format: () => ({ kind: 'cpsc2018' }),
    indexFiles: indexFiles.cpsc2018,
    normalization: challenge20,
    splitBy: 'record',
  },
  'wfdb-csv': {
    summary:
      'your own: WFDB, CSV, .npy, EDF, DICOM, GE MUSE or aECG records and labels.csv (record, labels, and if known patient, fold)',
    name: 'recordings',
    list: (folder, _, report = silent) => listOwnRecordings(folder, report),
    format: ({ recordFs, recordUnits, recordLeads }) => ({
      kind: 'any',
      fs: recordFs,
      units: recordUnits,
      leads: recordLeads,
    }),
    indexFiles: indexFiles.own,
    normalization: null,
    splitBy: 'patient',
  },
};

/** PTB-XL as the original labels it, or with the labels of a task of the benchmark. */
function listPtbXl(folder: string, { category, labels, folds, recordings = 500 }: CollectionOptions): RecordListing {
  const fs = recordings === 100 ? 'lr' : 'hr';
  if (labels === undefined) return fromListing(listPtbXlData(folder, { fs, category, folds }));
  if (category !== undefined) {
    throw new UsageError('--category and --labels both choose the labels', {
      got: `--category ${category} --labels ${labels}`,
      expected: 'one of them',
    });
  }
  return fromListing(listPtbXlTask(folder, labels, { fs, folds }));
}

/** SHA-256 of the files that list records and labels. */
export function indexChecksums(folder: string, kind: CollectionKind): Record<string, string> {
  return Object.fromEntries(
    kind.indexFiles.map((name) => [
      name,
      createHash('sha256')
        .update(readWholeFile(join(folder, name)))
        .digest('hex'),
    ]),
  );
}

/** The reader only warns of labels that shift (Quirk Q28); training data must not be made from them. */
function refuseShiftedLabels(event: { readonly kind: string; readonly text?: string }): void {
  if (event.kind === 'warning')
    throw new InputError(event.text ?? 'labels shift', { next: 'Repair or remove the record.' });
}

/** The nine classes of CPSC 2018, by their code from 1. */
const cpsc2018Classes = ['Normal', 'AF', 'I-AVB', 'LBBB', 'RBBB', 'PAC', 'PVC', 'STD', 'STE'];

function listCpsc2018(folder: string): RecordListing {
  const file = join(folder, 'REFERENCE.csv');
  const rows = readTable(requireFile(file), ['Recording', 'First_label', 'Second_label', 'Third_label']);
  const labels = rows.map((row) =>
    [row.First_label, row.Second_label, row.Third_label]
      .filter((text) => text.trim() !== '')
      .map((text) => {
        const name = cpsc2018Classes[wholeNumber(text, file, row.line, 'a label') - 1];
        if (name === undefined)
          throw new InputError('unknown label', {
            file,
            where: `line ${row.line}`,
            got: text,
            expected: '1 to 9',
          });
        return name;
      }),
  );
  return {
    paths: rows.map((row) => recordPath(folder, row.Recording, file, row.line)),
    recordIds: rows.map((row) => row.Recording),
    classes: cpsc2018Classes,
    y: multiHot('int64', labels, cpsc2018Classes, file),
  };
}

/** Removes the empty class that a missing diagnosis makes (`Dx: 426783006,`), then the records that have no class left. */
function withoutUnlabelled(listing: RecordListing): RecordListing {
  const { classes, y } = listing;
  const columns = classes.flatMap((name, column) => (name === '' ? [] : [column]));
  const value = (row: number, column: number): number => Number(y.data[row * classes.length + column]);
  const rows = listing.paths.map((_, row) => row);
  const kept = rows.filter((row) => columns.some((column) => value(row, column) !== 0));
  const isKept = new Set(kept);
  if (kept.length === rows.length && columns.length === classes.length) return listing;
  const labels = zeros('int64', [kept.length, columns.length]);
  kept.forEach((row, i) => {
    columns.forEach((column, k) => {
      labels.data[i * columns.length + k] = BigInt(value(row, column));
    });
  });
  return {
    paths: kept.map((row) => listing.paths[row]),
    recordIds: kept.map((row) => listing.recordIds[row]),
    classes: columns.map((column) => classes[column]),
    y: labels,
    unlabelled: rows.filter((row) => !isKept.has(row)).map((row) => listing.recordIds[row]),
  };
}

/** Reads `labels.csv`; semicolons separate the labels of a record. */
function listOwnRecordings(folder: string, report: Reporter): RecordListing {
  const file = join(folder, 'labels.csv');
  const rows = readTable(requireFile(file), ['record', 'labels'], ['patient', 'fold'], { anyDialect: true });
  const seen = new Set<string>();
  const duplicate = rows.find(({ record }) => seen.size === seen.add(record).size);
  if (duplicate)
    throw new InputError('the record is listed twice', {
      file,
      where: `line ${duplicate.line}`,
      got: duplicate.record,
    });
  const labels = rows.map((row) =>
    row.labels
      .split(';')
      .map((label) => label.trim())
      .filter(Boolean),
  );
  const classes = [...new Set(labels.flat())].sort();
  if (classes.length === 0)
    throw new InputError('there are no labels', { file, expected: 'labels such as AF;PVC in the column labels' });
  tellUnlisted(folder, new Set(rows.map(({ record }) => record)), report);
  const all = (column: 'patient' | 'fold'): boolean => rows.every((row) => row[column].trim() !== '');
  const none = (column: 'patient' | 'fold'): boolean => rows.every((row) => row[column].trim() === '');
  for (const column of ['patient', 'fold'] as const) {
    if (all(column) || none(column)) continue;
    const row = rows.find((candidate) => candidate[column].trim() === '')!;
    throw new InputError(`the ${column} is missing`, {
      file,
      where: `line ${row.line}`,
      expected: `a ${column} for every record, or for none`,
    });
  }
  return {
    paths: rows.map((row) => recordPath(folder, row.record, file, row.line)),
    recordIds: rows.map((row) => row.record),
    classes,
    y: multiHot('int64', labels, classes, file),
    patientIds: all('patient') ? rows.map((row) => row.patient.trim()) : undefined,
    folds: all('fold') ? rows.map((row) => wholeNumber(row.fold, file, row.line, 'fold')) : undefined,
  };
}

/** Warns of recordings in the folder that `labels.csv` does not list. */
function tellUnlisted(folder: string, listed: ReadonlySet<string>, report: Reporter): void {
  const names = readdirSync(folder)
    .filter((file) => /\.(hea|csv|npy)$/.test(file) && file !== 'labels.csv' && !listed.has(file))
    .map((file) => file.slice(0, -4))
    .filter((name) => !listed.has(name));
  const unlisted = [...new Set(names)].sort();
  if (unlisted.length > 0)
    report({
      kind: 'warning',
      text: `left out because labels.csv does not list them: ${count(unlisted, 'recording')}`,
    });
}

/** How many there are, and the first names. */
export function count(names: readonly (string | number)[], what: string): string {
  const shown = names.slice(0, 10).join(', ');
  return `${names.length} ${what}${names.length === 1 ? '' : 's'} (${shown}${names.length > 10 ? ', …' : ''})`;
}

function requireFile(file: string): string {
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) {
    throw new InputError('the list of records is missing', {
      file,
      got: existsSync(file) ? 'something that is not a file' : 'nothing',
      expected: 'a CSV file',
    });
  }
  return file;
}
