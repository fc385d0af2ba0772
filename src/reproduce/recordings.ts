import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DataSetName } from '../compare/data.ts';
import { InputError } from '../errors.ts';
import type { Reporter } from '../events.ts';
import type { Experiment, FinetuningSet, SetName } from '../experiment_schema.ts';
import { convertIcentia11k, findPatients } from '../prepare/icentia11k/convert.ts';
import type { BenchmarkTask } from '../prepare/ptb_xl.ts';
import { selectRecords } from '../prepare/select_records.ts';
import { makeData } from '../synthetic/make_data.ts';
import { ownCommand } from '../text.ts';
import type { PartName, RunFolder } from './run_folder.ts';

/** Names of a finetuning set in the code and on disk. */
export interface Collection {
  readonly data: DataSetName;
  /** Folder of the collection in `--data`. */
  readonly folder: string;
  /** Key of the port's `collectionKinds`, and of `make-data`. */
  readonly format: 'challenge17' | 'challenge20' | 'ptb-xl';
  readonly generated: 'challenge17' | 'challenge20' | 'ptbxl';
  /** Name of the original's functions. */
  readonly python: 'challenge17' | 'challenge20' | 'ptb_xl';
  readonly leads: number;
  /** The task of the PTB-XL benchmark whose labels and folds the set has. The original cannot prepare such a set, so both sides train on the port's. */
  readonly labels?: BenchmarkTask;
  /** File by which the collection is recognised. */
  readonly index?: string;
}

const ptbXl: Collection = {
  data: 'ptbxl',
  folder: 'ptbxl',
  format: 'ptb-xl',
  generated: 'ptbxl',
  python: 'ptb_xl',
  leads: 12,
  index: 'ptbxl_database.csv',
};

/** The collection behind each finetuning set. */
export const collectionOf: Readonly<Record<SetName, Collection>> = {
  physionet: {
    data: 'cinc2017',
    folder: 'cinc2017',
    format: 'challenge17',
    generated: 'challenge17',
    python: 'challenge17',
    leads: 1,
    index: 'RECORDS',
  },
  challenge20: {
    data: 'challenge2020',
    folder: join('challenge2020', 'cpsc2018'),
    format: 'challenge20',
    generated: 'challenge20',
    python: 'challenge20',
    leads: 12,
  },
  ptbxl: ptbXl,
  'ptbxl-all': { ...ptbXl, labels: 'all' },
  'ptbxl-diagnostic': { ...ptbXl, labels: 'diagnostic' },
  'ptbxl-subdiagnostic': { ...ptbXl, labels: 'subdiagnostic' },
  'ptbxl-superdiagnostic': { ...ptbXl, labels: 'superdiagnostic' },
  'ptbxl-form': { ...ptbXl, labels: 'form' },
  'ptbxl-rhythm': { ...ptbXl, labels: 'rhythm' },
};

/** The task of the PTB-XL benchmark that a set is for, if it is for one. */
export function benchmarkTaskOf(set: SetName): BenchmarkTask | undefined {
  return collectionOf[set].labels;
}

/** Parts of a prepared set. */
export function partsOf(set: SetName): readonly PartName[] {
  return benchmarkTaskOf(set) === undefined ? ['train', 'test'] : ['train', 'val', 'test'];
}

/** Folder of Icentia11k in `--data`. */
const icentiaFolder = 'icentia11k';

/** Patients in the unzipped form, for both sides. */
export function patientsFolder(folder: RunFolder): string {
  return join(folder.records, icentiaFolder);
}

/** The folder where both sides find the recordings of a set. */
export function recordsFolder(folder: RunFolder, set: FinetuningSet, data: string | undefined): string {
  const { folder: place } = collectionOf[set.name];
  return data !== undefined && set.records === 'all' ? join(data, place) : join(folder.records, set.name);
}

/** Refuses a folder of the user that lacks a collection of the experiment, and names the command that downloads it. */
export function checkCollections(experiment: Experiment, data: string): void {
  const wanted = [
    ...experiment.sets.map(({ name }) => ({ place: collectionOf[name].folder, index: collectionOf[name].index })),
    ...(experiment.pretraining.length > 0 ? [{ place: icentiaFolder, index: undefined }] : []),
  ];
  for (const { place, index } of wanted) {
    const file = join(data, place, index ?? '');
    if (existsSync(file)) continue;
    throw new InputError('a collection is missing', {
      file: index ? file : join(data, place),
      expected: `the recordings that the experiment ${experiment.name} runs on`,
      next: `Get it: ${ownCommand('fetch-data', '--help')}. Or start without data: ${ownCommand('reproduce')}`,
    });
  }
}

/** Makes the patients of an experiment, in the form that the original reads fastest. */
export async function providePatients(
  target: string,
  { generated, patients }: Experiment,
  { data, seed, report }: { readonly data?: string; readonly seed: number; readonly report: Reporter },
): Promise<void> {
  if (data === undefined) {
    const { icentia } = await makeData({
      target: join(target, '..', 'generated'),
      sets: ['icentia'],
      forms: ['unzipped'],
      seed,
      ...generated,
      force: true,
      report,
    });
    move(join(icentia!, 'unzipped'), target);
    return;
  }
  const source = join(data, icentiaFolder);
  const ids = findPatients(source);
  const patientIds = ids.slice(0, patients === 'all' ? ids.length : patients);
  const { description, failed } = await convertIcentia11k({ source, target, unzipped: true, patientIds, report });
  if (description === undefined) throw failed[0].error;
}

/** Makes or selects the recordings of a set. */
export async function provideRecords(
  target: string,
  set: FinetuningSet,
  experiment: Experiment,
  { data, seed, report }: { readonly data?: string; readonly seed: number; readonly report: Reporter },
): Promise<void> {
  const { folder, generated: kind, labels } = collectionOf[set.name];
  if (data !== undefined) {
    if (set.records === 'all') return;
    selectRecords(join(data, folder), target, set.records, seed);
    return;
  }
  const { records, seconds } = experiment.generated!;
  const made = await makeData({
    // Sets of the same collection may be generated at the same time.
    target: join(target, '..', labels === undefined ? 'generated' : `generated-${set.name}`),
    sets: [kind],
    seed,
    records,
    seconds,
    force: true,
    report,
  });
  move(made[kind]!, target);
}

function move(source: string, target: string): void {
  // If a killed run has moved it there already, it is the same.
  rmSync(target, { recursive: true, force: true });
  renameSync(source, target);
}

/** Ids of the patients in the unzipped form, ascending. */
export function patientIdsIn(folder: string): number[] {
  return readdirSync(folder)
    .flatMap((name) => (/^\d{5}_batched\.npy$/.test(name) ? [Number(name.slice(0, 5))] : []))
    .sort((a, b) => a - b);
}

/** Names of the collections that a run reads. */
export function collectionNames(experiment: Experiment): DataSetName[] {
  const sets = experiment.sets.map(({ name }) => collectionOf[name].data);
  return [...new Set<DataSetName>([...sets, ...(experiment.pretraining.length > 0 ? (['icentia11k'] as const) : [])])];
}
