import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InputError } from '../errors.ts';
import { type Reporter, silent } from '../events.ts';
import { writeFileAtomic } from '../lib/python/atomic_file.ts';
import { type IcentiaForm, writeIcentiaPatient } from '../synthetic/write_icentia.ts';
import { writeChallenge17, writeChallenge20, writePtbXl } from '../synthetic/write_physionet.ts';
import { writeExcerpts } from './icentia_excerpts.ts';

/** Collections of recordings, by the folder that holds each; one file in it tells that it is there. */
export const collections = {
  icentia11k: 'Icentia11k, segments in WFDB form with annotations and the labels derived from them',
  cinc2017: 'PhysioNet/CinC Challenge 2017',
  challenge2020: 'PhysioNet/CinC Challenge 2020, CPSC 2018 among them',
  cpsc2018_native: 'CPSC 2018 as first published',
  ptbxl: 'PTB-XL',
} as const;
export type DataSetName = keyof typeof collections;

/** Forms of Icentia11k that the original reads: as distributed (pickles), and unzipped (`.npy`, `.npz`). */
export type OriginalForm = Exclude<IcentiaForm, 'wfdb'>;

/** Patients of Icentia11k in a form that both sides read. */
export interface IcentiaPatients {
  readonly dbDir: string;
  readonly patientIds: readonly number[];
  readonly unzipped: boolean;
}

/** Recordings that both sides read. */
export interface ComparisonData {
  readonly kind: 'real' | 'generated';
  /** Folder that holds the collections. */
  readonly folder: string;
  /** Collections that are there. */
  readonly names: readonly DataSetName[];
  /**
   * Four small patients, with the same values in both forms. Of real recordings they are excerpts, made when they are first asked for in a
   * temporary folder that goes with the process.
   */
  icentia(form: OriginalForm): Promise<IcentiaPatients>;
}

const excerpts = { patients: 4, segments: 2, samples: 32_768 } as const;
const patientIds = Array.from({ length: excerpts.patients }, (_, id) => id);

/** The collections of a folder of real recordings. */
export function openCollections(folder: string): ComparisonData {
  let made: Promise<string> | undefined;
  const icentia = async (form: OriginalForm): Promise<IcentiaPatients> => {
    made ??= makeExcerpts(join(folder, 'icentia11k'));
    return { dbDir: join(await made, form), patientIds, unzipped: form === 'unzipped' };
  };
  return { kind: 'real', folder, names: namesIn(folder), icentia };
}

/** As `openCollections`; throws an InputError for a folder without any. */
export function requireCollections(folder: string): ComparisonData {
  const data = openCollections(folder);
  if (data.names.length > 0) return data;
  throw new InputError('no collection of recordings', {
    file: folder,
    expected: `at least one of the folders ${Object.keys(collections).join(', ')}`,
  });
}

/**
 * Folder with the results of the DL4H reproduction: the given one, else `published` beside the collections of a data folder if it is there.
 * Throws an InputError if the given one is not there.
 */
export function publishedFolder(data: string | undefined, given?: string): string | undefined {
  const folder = given ?? (data === undefined ? undefined : join(data, 'published'));
  if (folder === undefined || existsSync(folder)) return folder;
  if (given === undefined) return undefined;
  throw new InputError('--published: there is no such folder', { file: folder });
}

async function makeExcerpts(source: string): Promise<string> {
  const target = mkdtempSync(join(tmpdir(), 'ecg-transplant-excerpts-'));
  process.once('exit', () => rmSync(target, { recursive: true, force: true }));
  await writeExcerpts(source, target, excerpts);
  return target;
}

/** What is generated; a change makes the data anew. */
const recipe = {
  format: 1,
  icentia11k: excerpts,
  cinc2017: { records: 24, seconds: 12 },
  challenge2020: { records: 12, seconds: 8 },
  ptbxl: { records: 16, seconds: 10 },
} as const;

/** Written last. */
const marker = 'GENERATED.json';

/**
 * Small recordings made by the project's own model of the heart, laid out as real ones. Made once for a seed: a folder that holds them is
 * used as it is.
 */
export async function generatedCollections(
  folder: string,
  seed: number,
  report: Reporter = silent,
): Promise<ComparisonData> {
  const description = `${JSON.stringify({ seed, ...recipe }, null, 1)}\n`;
  const path = join(folder, marker);
  const finished = existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  if (finished !== description) {
    report({ kind: 'message', text: `Making recordings to compare with in ${folder}` });
    if (finished !== undefined) {
      rmSync(path);
      for (const name of Object.keys(collections)) rmSync(join(folder, name), { recursive: true, force: true });
    }
    await generate(folder, seed);
    writeFileAtomic(path, description);
  }
  const icentia = async (form: OriginalForm): Promise<IcentiaPatients> => {
    return { dbDir: join(folder, 'icentia11k', form), patientIds, unzipped: form === 'unzipped' };
  };
  return { kind: 'generated', folder, names: namesIn(folder), icentia };
}

async function generate(folder: string, seed: number): Promise<void> {
  const { segments, samples } = recipe.icentia11k;
  const icentia = join(folder, 'icentia11k');
  const places = { wfdb: icentia, zipped: join(icentia, 'zipped'), unzipped: join(icentia, 'unzipped') };
  for (const id of patientIds) await writeIcentiaPatient(id, { seed, segments, samples }, places);
  writeChallenge17(join(folder, 'cinc2017'), { seed, ...recipe.cinc2017 });
  writeChallenge20(join(folder, 'challenge2020', 'cpsc2018'), { seed, ...recipe.challenge2020 });
  writePtbXl(join(folder, 'ptbxl'), { seed, ...recipe.ptbxl });
}

function namesIn(folder: string): DataSetName[] {
  return (Object.keys(collections) as DataSetName[]).filter((name) => existsSync(join(folder, name)));
}
