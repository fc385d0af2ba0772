import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { InputError, UsageError } from '../errors.ts';
import { type Reporter, silent } from '../events.ts';
import { writeFileAtomic } from '../lib/python/atomic_file.ts';
import { type IcentiaForm, writeIcentiaPatient } from './write_icentia.ts';
import { writeChallenge17, writeChallenge20, writePtbXl } from './write_physionet.ts';

export const dataSets = ['icentia', 'challenge17', 'challenge20', 'ptbxl'] as const;
export type DataSet = (typeof dataSets)[number];

/** What to generate. */
export interface MakeDataOptions {
  /** Target folder. Each data set gets a folder of its name in it. */
  readonly target: string;
  /** Default all four. */
  readonly sets?: readonly DataSet[];
  /** Whole number from 0; default 1. The same options and seed give the same bytes, except for the time in gzip files. */
  readonly seed?: number;
  /** Number of recordings in each PhysioNet set; default 200. */
  readonly records?: number;
  /** Length of each of them in seconds; default: as in the data set. */
  readonly seconds?: number;
  /** Numbers of Icentia patients, of segments per patient, and of samples per segment; default 20, 4 and 65,536 (4.4 minutes). */
  readonly patients?: number;
  readonly segments?: number;
  readonly samples?: number;
  /** Forms of Icentia; default all three: `icentia/zipped`, `icentia/unzipped`, `icentia/wfdb`. */
  readonly forms?: readonly IcentiaForm[];
  /** Replace existing data. */
  readonly force?: boolean;
  readonly report?: Reporter;
}

/** Name of the file that marks a finished data set. It is written last. */
const marker = 'GENERATED.json';

/**
 * Generates recordings in the file formats of the data sets.
 *
 * @returns The folder of each data set.
 * @throws InputError if a folder holds a finished data set and `force` is not set.
 */
export async function makeData(options: MakeDataOptions): Promise<Readonly<Partial<Record<DataSet, string>>>> {
  const { target, sets = dataSets, seed = 1, records = 200, seconds, report = silent } = options;
  const {
    patients = 20,
    segments = 4,
    samples = 65_536,
    forms = ['zipped', 'unzipped', 'wfdb'],
    force = false,
  } = options;
  checkCount('seed', seed, 0, 2 ** 32 - 1);
  for (const [name, count] of Object.entries({ records, patients, segments })) checkCount(name, count, 1, 99_999);
  checkCount('samples', samples, 500, 2 ** 22);
  if (seconds !== undefined && !(seconds >= 2 && seconds <= 3600)) {
    throw new UsageError('seconds is out of range', { got: String(seconds), expected: '2 to 3600' });
  }
  const folders: Partial<Record<DataSet, string>> = {};
  for (const set of sets) {
    const folder = join(target, set);
    if (!force && existsSync(join(folder, marker))) {
      throw new InputError('the data exist already', {
        file: folder,
        next: 'Add --force to replace them, or name another folder.',
      });
    }
    folders[set] = folder;
  }
  for (const [set, folder] of Object.entries(folders) as [DataSet, string][]) {
    const task = `make ${set}`;
    const total = set === 'icentia' ? patients : records;
    const onRecord = (done: number): void => report({ kind: 'progress', task, done });
    report({ kind: 'start', task, total, unit: set === 'icentia' ? 'patients' : 'recordings' });
    if (set === 'icentia') {
      const places = Object.fromEntries(forms.map((form) => [form, join(folder, form)]));
      for (let id = 0; id < patients; id++) {
        await writeIcentiaPatient(id, { seed, segments, samples }, places);
        onRecord(id + 1);
      }
    } else {
      const write = { challenge17: writeChallenge17, challenge20: writeChallenge20, ptbxl: writePtbXl }[set];
      write(folder, { seed, records, seconds, onRecord });
    }
    const made = set === 'icentia' ? { patients, segments, samples, forms } : { records, seconds };
    writeFileAtomic(
      join(folder, marker),
      `${JSON.stringify({ set, seed, ...made, model: 'McSharry et al. 2003' }, null, 1)}\n`,
    );
    report({ kind: 'end', task, detail: folder });
  }
  return folders;
}

function checkCount(name: string, value: number, low: number, high: number): void {
  if (!(Number.isInteger(value) && value >= low && value <= high)) {
    throw new UsageError(`${name} is out of range`, {
      got: String(value),
      expected: `a whole number of ${low} to ${high}`,
    });
  }
}
