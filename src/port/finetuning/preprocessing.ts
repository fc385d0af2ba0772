import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { InputError } from '../../errors.ts';
import { writeFileAtomic } from '../../lib/python/atomic_file.ts';
import type { Normalization } from './record_transform.ts';

/** Name of the file that describes the prepared sets of a folder. */
export const preprocessingFile = 'preprocessing.json';

/** Everything that was done to the recordings of a prepared set: what prediction has to do to a new recording. */
export interface Preprocessing {
  /** Version of this description. */
  readonly format: 1;
  /** Collection that the set was made of, as `prepare-data --format` names it. */
  readonly collection: string;
  readonly source: {
    readonly folder: string;
    readonly records: number;
    /** SHA-256 of the files that list records and labels. */
    readonly index: Readonly<Record<string, string>>;
  };
  /** Sampling rate of `x` (Hz). */
  readonly samplingRate: number;
  /** Leads of `x`, by name and in order. */
  readonly leads: readonly string[];
  /** Unit of the recordings before normalisation. */
  readonly units: string;
  /** `(x − mean) / std` before resampling; `null`: none. */
  readonly normalization: Normalization | null;
  /** `null`: recordings stay as they were recorded. */
  readonly resampling: {
    readonly library: 'libsamplerate';
    readonly converter: 'sinc_best';
    readonly targetRate: number;
  } | null;
  /** After resampling; longer recordings lose their beginning. `null`: recordings are equally long. */
  readonly padding: { readonly samples: number; readonly side: 'front'; readonly value: 0 } | null;
  readonly dtype: 'float32' | 'float64';
  readonly classes: readonly string[];
  /** Whether a recording can have several labels, or none. */
  readonly multiLabel: boolean;
  readonly split: {
    readonly by: 'record' | 'patient' | 'fold' | 'none';
    readonly testSize: number | null;
    readonly testFolds: readonly number[] | null;
    readonly stratified: boolean;
    readonly seed: number | null;
  };
  /** Data files by part. */
  readonly files: Readonly<
    Record<string, { readonly file: string; readonly records: number; readonly sha256: string }>
  >;
}

/**
 * The description of the set that a data file belongs to, from `preprocessing.json` beside it; `undefined` if nothing describes the file.
 *
 * @throws InputError if the description cannot be read.
 */
export function readPreprocessing(dataFile: string): Preprocessing | undefined {
  const sets = readSets(join(dirname(dataFile), preprocessingFile));
  return Object.values(sets).find(({ files }) => Object.values(files).some(({ file }) => file === basename(dataFile)));
}

/** Puts the description of a set into `preprocessing.json` of a folder; other sets that are described there stay. */
export function writePreprocessing(folder: string, name: string, preprocessing: Preprocessing): void {
  const file = join(folder, preprocessingFile);
  writeFileAtomic(file, `${JSON.stringify({ ...readSets(file), [name]: preprocessing }, null, 2)}\n`);
}

/** The description with one lead, numbered as `--channel` does. */
export function withChannel(preprocessing: Preprocessing, channel: number): Preprocessing {
  const { leads, normalization } = preprocessing;
  const position = channel < -1 ? leads.length + channel : channel;
  const lead = (value: number | readonly number[]): number | readonly number[] =>
    typeof value === 'number' ? value : [value[position]!];
  return {
    ...preprocessing,
    leads: leads.slice(position, position + 1),
    normalization: normalization && { mean: lead(normalization.mean), std: lead(normalization.std) },
  };
}

function readSets(file: string): Record<string, Preprocessing> {
  if (!existsSync(file)) return {};
  let sets: unknown;
  try {
    sets = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new InputError('the description of prepared data cannot be read', { file, got: (error as Error).message });
  }
  const known = (set: unknown): boolean =>
    typeof set === 'object' &&
    set !== null &&
    (set as Preprocessing).format === 1 &&
    typeof (set as Preprocessing).files === 'object';
  if (typeof sets !== 'object' || sets === null || !Object.values(sets).every(known)) {
    throw new InputError('this is no description of prepared data', {
      file,
      expected: 'sets of format 1, as prepare-data writes them',
    });
  }
  return sets as Record<string, Preprocessing>;
}
