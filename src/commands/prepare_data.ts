import { parseArgs } from 'node:util';
import { UsageError } from '../errors.ts';
import { reporterFor } from '../events.ts';
import { parseNumber } from '../lib/python/number.ts';
import { print } from '../output.ts';
import { collectionKinds } from '../prepare/collections.ts';
import { type PrepareOptions, prepareData } from '../prepare/prepare_data.ts';
import type { SplitBy } from '../prepare/split.ts';
import { list, positive, unitOf } from './record_options.ts';

const formats = Object.entries(collectionKinds)
  .map(([name, { summary }]) => `    ${name.padEnd(12)}${summary}`)
  .join('\n');

export const help = `ecg-transplant prepare-data --format FORMAT --source DIR --target DIR [options]

Makes training and test data for finetuning out of a folder of recordings: reads, normalises, resamples and pads each, divides the set,
and writes NAME_train.pkl and NAME_test.pkl, which the Python original loads, and preprocessing.json, which says what was done, so that
a new recording can be treated the same way. An interrupted run goes on where it was when it is repeated.

  --format FORMAT
${formats}
  --source DIR          folder of the collection
  --target DIR          folder for the files; created
  --name NAME           first part of the files' names (default: the collection's, such as physionet or ptbxl)

  --fs HZ               sampling rate to resample to, default 250; none: as recorded
  --pad SAMPLES         pad in front, or cut the beginning off, to this length, default 16384; max: the longest; none: equally long
  --normalize WHICH     collection (its published constants), measured (per lead, on the training part) or none
  --leads I,II,…        take these leads, in this order; default all; nothing is checked of other leads
  --like FILE           take rate, length, leads, normalisation and classes from a prepared file: for a test set of other recordings
  --keep-missing        let missing samples (NaN) pass, as the Python original does; default: stop
  --keep-flat           let leads that do not vary pass; default: stop (published collections: stop only where no lead varies)

  --test-size SIZE      fraction, or number if 1 or more, of the test part, default 0.2; 0: one file NAME.pkl
  --split HOW           record (the original's way for published collections), patient or fold
  --test-folds LIST     folds of the test part, such as 9,10
  --seed N              seed of the division; default: drawn, and written to preprocessing.json

  --category NAME       ptb-xl: rhythm (default), diagnostic or form
  --folds LIST          ptb-xl: only these folds
  --record-fs HZ        wfdb-csv: rate of .csv and .npy recordings
  --record-units UNIT   wfdb-csv: their unit: mV (default), µV (or uV), nV or V
  --record-leads LIST   wfdb-csv: names of the leads of .npy recordings, and of .csv recordings without names

  --threads N           threads that read and resample, default: the processors
  --force               replace files that are there

wfdb-csv reads a folder of your own: labels.csv has the columns record and labels (several are separated by ;) and may have patient and
fold; each record is RECORD.hea (WFDB), RECORD.csv (first row: names of the leads) or RECORD.npy (samples, leads), or named with its ending.
A column of time in a .csv is not a lead, and gives the rate. With patients the set is divided by patient.

Examples:
  ecg-transplant prepare-data --format challenge17 --source data/training2017 --target data
  ecg-transplant prepare-data --format wfdb-csv --source my-recordings --target data --record-fs 360 --seed 1
  ecg-transplant prepare-data --format wfdb-csv --source other-recordings --target data --name other --test-size 0 \\
    --like data/recordings_train.pkl
`;

/** `ecg-transplant prepare-data`. */
export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      format: { type: 'string' },
      source: { type: 'string' },
      target: { type: 'string' },
      name: { type: 'string' },
      fs: { type: 'string' },
      pad: { type: 'string' },
      normalize: { type: 'string' },
      leads: { type: 'string' },
      like: { type: 'string' },
      'keep-missing': { type: 'boolean' },
      'keep-flat': { type: 'boolean' },
      'test-size': { type: 'string' },
      split: { type: 'string' },
      'test-folds': { type: 'string' },
      seed: { type: 'string' },
      category: { type: 'string' },
      folds: { type: 'string' },
      'record-fs': { type: 'string' },
      'record-units': { type: 'string' },
      'record-leads': { type: 'string' },
      threads: { type: 'string' },
      force: { type: 'boolean' },
    },
  });
  const { format, source, target } = values;
  if (format === undefined || source === undefined || target === undefined) {
    throw new UsageError('an option is missing', { expected: '--format FORMAT, --source DIR and --target DIR' });
  }
  const options: PrepareOptions = {
    format,
    source,
    target,
    name: values.name,
    fs: values.fs === 'none' ? null : positive('--fs', values.fs),
    pad: values.pad === 'none' ? null : values.pad === 'max' ? 'max' : whole('--pad', values.pad, 1),
    normalize: oneOf('--normalize', values.normalize, ['collection', 'measured', 'none'] as const),
    leads: list(values.leads),
    like: values.like,
    keepMissing: values['keep-missing'],
    keepFlat: values['keep-flat'],
    testSize: testSize(values['test-size']),
    splitBy: oneOf<SplitBy>('--split', values.split, ['record', 'patient', 'fold']),
    testFolds: list(values['test-folds'])?.map((fold) => whole('--test-folds', fold, 0)!),
    seed: whole('--seed', values.seed, 0, 2 ** 32 - 1),
    category: oneOf('--category', values.category, ['rhythm', 'diagnostic', 'form']),
    folds: list(values.folds)?.map((fold) => whole('--folds', fold, 0)!),
    recordFs: positive('--record-fs', values['record-fs']),
    recordUnits: unitOf('--record-units', values['record-units']),
    recordLeads: list(values['record-leads']),
    threads: whole('--threads', values.threads, 1),
    force: values.force,
    report: reporterFor(),
  };
  const { files, split, samplingRate, leads, classes } = await prepareData(options);
  const parts = Object.values(files).map(({ file, records }) => `${file}: ${records} records`);
  const seed = split.seed === null ? '' : `, seed ${split.seed}`;
  print(
    `${parts.join(', ')}; ${samplingRate} Hz, ${leads.length} leads, ${classes.length} classes, split by ${split.by}${seed}\n`,
  );
  return 0;
}

function whole(
  option: string,
  text: string | undefined,
  lowest: number,
  highest = Number.MAX_SAFE_INTEGER,
): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= lowest && value <= highest)) {
    throw new UsageError(`${option} cannot be used`, { got: text, expected: `a whole number of at least ${lowest}` });
  }
  return value;
}

function testSize(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = parseNumber(text) ?? Number.NaN;
  if (!(value >= 0 && (value < 1 || Number.isInteger(value)))) {
    throw new UsageError('--test-size cannot be used', {
      got: text,
      expected: 'a fraction below 1, or a whole number',
    });
  }
  return value;
}

function oneOf<T extends string>(option: string, text: string | undefined, choices: readonly T[]): T | undefined {
  if (text === undefined) return undefined;
  const choice = choices.find((candidate) => candidate === text);
  if (choice === undefined) throw new UsageError(`${option} is not known`, { got: text, expected: choices.join(', ') });
  return choice;
}
