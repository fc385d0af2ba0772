import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import {
  array,
  boolean,
  forward,
  literal,
  maxLength,
  minLength,
  nullable,
  object,
  optional,
  partialCheck,
  picklist,
  pipe,
  union,
} from 'valibot';
import {
  amount,
  classNames,
  fileName,
  finiteNumber,
  mapOf,
  maxLeads,
  maxRecordBytes,
  name,
  positive,
  rate,
  samples,
  sha256,
} from '../lib/json/fields.ts';
import { type Described, readJson, writeJson } from '../lib/json/file.ts';

/** Name of the file that describes the prepared sets of a folder. */
export const preprocessingFile = 'preprocessing.json';

/** Everything that was done to the recordings of a prepared set. Prediction does the same to a new recording. */
export type Preprocessing = Described<typeof preprocessingSchema>;

const perLead = union([finiteNumber, array(finiteNumber)]);
const deviation = union([positive, array(positive)]);

/** Content of `preprocessing.json` of a job. */
export const preprocessingSchema = pipe(
  object({
    /** Version of this description. */
    format: literal(1),
    /** Format of the collection that the set was made from, as given to `prepare-data --format`. */
    collection: name,
    source: object({
      folder: name,
      records: amount,
      /** SHA-256 of the files that list records and labels. */
      index: mapOf(name, sha256),
    }),
    /** Sampling rate of `x` (Hz). */
    samplingRate: rate,
    /** Leads of `x`, by name and in order. */
    leads: pipe(array(name), minLength(1, 'at least one lead'), maxLength(maxLeads)),
    /** Unit of the recordings before normalisation. */
    units: name,
    /** `(x − mean) / std`, before resampling: one number, or one per lead; `null`: not normalised. */
    normalization: nullable(object({ mean: perLead, std: deviation })),
    /** `null`: not resampled. */
    resampling: nullable(
      object({ library: literal('libsamplerate'), converter: literal('sinc_best'), targetRate: rate }),
    ),
    /** After resampling. Longer recordings lose their start. `null`: all recordings are equally long. */
    padding: nullable(object({ samples, side: literal('front'), value: literal(0) })),
    dtype: picklist(['float32', 'float64']),
    classes: classNames,
    /** The task of the PTB-XL benchmark whose labels these are, if they are. */
    labels: optional(name),
    /** Whether a recording may have several labels, or none. */
    multiLabel: boolean(),
    split: object({
      by: picklist(['record', 'patient', 'fold', 'none']),
      testSize: nullable(finiteNumber),
      testFolds: nullable(array(amount)),
      /** Absent: there is no validation part. */
      valFolds: optional(array(amount)),
      stratified: boolean(),
      seed: nullable(amount),
    }),
    /** Data files by part. */
    files: mapOf(name, object({ file: fileName, records: amount, sha256 })),
  }),
  forward(
    partialCheck(
      [['leads'], ['normalization']],
      ({ leads, normalization }) =>
        [normalization?.mean, normalization?.std].every(
          (value) => !Array.isArray(value) || value.length === leads.length,
        ),
      'one number, or one for each lead',
    ),
    ['normalization'],
  ),
  forward(
    partialCheck(
      [['leads'], ['padding']],
      ({ leads, padding }) => (padding?.samples ?? 0) * leads.length * 4 <= maxRecordBytes,
      `records of at most ${maxRecordBytes} bytes`,
    ),
    ['padding'],
  ),
);

const setsSchema = mapOf(name, preprocessingSchema);

/**
 * The description of the set that a data file belongs to, from `preprocessing.json` beside it; `undefined` if nothing describes the file.
 *
 * @throws InputError if the description cannot be read.
 */
export function readPreprocessing(dataFile: string): Preprocessing | undefined {
  const sets = readSets(join(dirname(dataFile), preprocessingFile));
  return Object.values(sets).find(({ files }) => Object.values(files).some(({ file }) => file === basename(dataFile)));
}

/** Adds the description of a set to `preprocessing.json` in a folder, and keeps those of other sets. */
export function writePreprocessing(folder: string, set: string, preprocessing: Preprocessing): void {
  const file = join(folder, preprocessingFile);
  writeJson(file, { ...readSets(file), [set]: preprocessing });
}

/** The description reduced to one lead, which is numbered as in `--channel`. */
export function withChannel(preprocessing: Preprocessing, channel: number): Preprocessing {
  const { leads, normalization } = preprocessing;
  const position = channel < -1 ? leads.length + channel : channel;
  const lead = (value: number | readonly number[]): number | readonly number[] =>
    typeof value === 'number' ? value : [value[position]];
  return {
    ...preprocessing,
    leads: leads.slice(position, position + 1),
    normalization: normalization && { mean: lead(normalization.mean), std: lead(normalization.std) },
  };
}

function readSets(file: string): Readonly<Record<string, Preprocessing>> {
  if (!existsSync(file)) return {};
  return readJson(file, setsSchema, {
    what: 'the description of prepared data',
    next: 'Remove the file and run prepare-data again, or put the file back as it was.',
  });
}
