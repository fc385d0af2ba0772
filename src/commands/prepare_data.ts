import { reporterFor } from '../events.ts';
import { type CommandLine, helpOf, parse } from '../lib/argparse/command_line.ts';
import type { FlagGroups } from '../lib/argparse/flags.ts';
import { listOf, oneOf, positive, type Type, text, typeOf, wholeNumber } from '../lib/argparse/types.ts';
import { parseNumber } from '../lib/python/number.ts';
import { print } from '../output.ts';
import { collectionKinds } from '../prepare/collections.ts';
import { prepareData } from '../prepare/prepare_data.ts';
import { benchmarkTasks } from '../prepare/ptb_xl.ts';
import { counted } from '../text.ts';
import { force, recordFlags } from './flags.ts';

const width = Math.max(...Object.keys(collectionKinds).map(({ length }) => length));
const formats = Object.entries(collectionKinds).map(([name, { summary }]) => `${name.padEnd(width)}  ${summary}`);
const fold = wholeNumber(0);

const line = {
  program: 'ecg-transplant prepare-data',
  about: `Makes training and test data for finetuning from a folder of recordings: reads, normalises, resamples and pads each recording, divides the
set, and writes NAME_train.pkl and NAME_test.pkl, which the Python original can load, and preprocessing.json, which says what was done, so
that a new recording can be treated the same way. After an interruption, run it again to continue.`,
  flags: {
    Input: {
      format: { value: 'FORMAT', required: true, help: `format of the collection:\n${formats.join('\n')}\n` },
      source: { value: 'DIR', required: true, help: 'folder of the collection' },
      category: {
        value: 'NAME',
        type: oneOf(['rhythm', 'diagnostic', 'form']),
        help: 'ptb-xl: labels to use: rhythm, diagnostic or form',
        defaultText: 'rhythm',
      },
      labels: {
        value: 'TASK',
        type: oneOf(benchmarkTasks),
        help: `ptb-xl: labels of a task of the public benchmark, instead of --category:
${benchmarkTasks.join(', ')}`,
      },
      recordings: {
        value: 'HZ',
        type: oneOf(['100', '500']),
        help: 'ptb-xl: read the recordings of 100 or of 500 Hz',
        defaultText: '500',
      },
      folds: { value: 'LIST', type: listOf(fold), help: 'ptb-xl: use only these folds', defaultText: 'all' },
      ...recordFlags,
    },
    Recordings: {
      fs: {
        value: 'HZ',
        type: orWord('none', positive, null),
        help: 'sampling rate to resample to; none: as recorded',
        defaultText: '250',
      },
      pad: {
        value: 'SAMPLES',
        type: orWord('none', orWord('max', wholeNumber(1), 'max'), null),
        help: 'length of all recordings: pad at the start or cut the start off; max: the longest recording; none: all must be equally long',
        defaultText: '16384',
      },
      normalize: {
        value: 'HOW',
        type: oneOf(['collection', 'measured', 'none']),
        help: 'normalise with the published constants of the collection, with constants measured per lead on the training part, or not',
        defaultText: 'collection, or measured where it has none',
      },
      leads: {
        value: 'I,II,…',
        type: listOf(text),
        help: 'leads to use, in this order; others are not even checked',
        defaultText: 'all',
      },
      like: {
        value: 'FILE',
        help: 'take rate, length, leads, normalisation and classes from a prepared file: for a test set of other recordings',
      },
      keepMissing: { help: 'accept missing samples (NaN), as the Python original does, instead of stopping' },
      keepFlat: {
        help: 'accept leads that never change, instead of stopping (published collections stop only if no lead changes)',
      },
    },
    Division: {
      testSize: {
        value: 'SIZE',
        type: typeOf('a fraction below 1 or a whole number', (text) => {
          const value = parseNumber(text) ?? Number.NaN;
          return value >= 0 && (value < 1 || Number.isInteger(value)) ? value : undefined;
        }),
        help: 'size of the test part: a count (1 or more) or a fraction; 0: no division, one file NAME.pkl',
        defaultText: '0.2',
      },
      split: {
        value: 'HOW',
        type: oneOf(['record', 'patient', 'fold']),
        help: 'divide by record, patient or fold',
        defaultText: 'record for published collections, as in the original, else patient where patients are known',
      },
      testFolds: { value: 'LIST', type: listOf(fold), help: 'folds of the test part, such as 9,10' },
      valFolds: {
        value: 'LIST',
        type: listOf(fold),
        help: 'folds of a validation part, NAME_val.pkl; needs --test-folds',
      },
      seed: {
        value: 'N',
        type: wholeNumber(0, 2 ** 32 - 1),
        help: 'seed of the division',
        defaultText: 'drawn, and written to preprocessing.json',
      },
    },
    Output: {
      target: { value: 'DIR', required: true, help: 'folder for the files, created if missing' },
      name: {
        value: 'NAME',
        help: "first part of the files' names",
        defaultText: "the collection's, such as physionet or ptbxl",
      },
      force,
      threads: {
        value: 'N',
        type: wholeNumber(1),
        help: 'threads that read and resample',
        defaultText: 'the number of processors',
      },
    },
  },
  notes: `wfdb-csv reads your own recordings. labels.csv has the columns record and labels (several labels are separated by ;) and may have patient
and fold. Each record is RECORD.hea (WFDB), RECORD.csv (the first row names the leads), RECORD.npy (samples, leads), RECORD.edf, RECORD.bdf,
RECORD.xml (GE MUSE or HL7 aECG) or RECORD.dcm (DICOM waveform), or is named with its ending. A time column in a .csv file is not a lead: it gives the sampling rate. If patients are known, the set is divided by patient.`,
  examples: `ecg-transplant prepare-data --format challenge17 --source data/training2017 --target data
ecg-transplant prepare-data --format wfdb-csv --source my-recordings --target data --record-fs 360 --seed 1
ecg-transplant prepare-data --format wfdb-csv --source other-recordings --target data --name other --test-size 0 \\
  --like data/recordings_train.pkl
ecg-transplant prepare-data --format ptb-xl --source data/ptbxl --target data --labels all --val-folds 9 --test-folds 10 \\
  --recordings 100 --fs none --pad none`,
} as const satisfies CommandLine<FlagGroups>;

export const help = (): string => helpOf(line);

/** `ecg-transplant prepare-data`. */
export async function run(args: readonly string[]): Promise<number> {
  const { split: splitBy, recordings, ...options } = parse(line, args).values;
  const report = reporterFor();
  const { files, split, samplingRate, leads, classes } = await prepareData({
    ...options,
    ...(recordings && { recordings: recordings === '100' ? 100 : 500 }),
    splitBy,
    report,
  });
  const parts = Object.values(files).map(({ file, records }) => `${file}: ${counted(records, 'record')}`);
  const seed = split.seed === null ? '' : `, seed ${split.seed}`;
  print(
    `${parts.join(', ')}; ${samplingRate} Hz, ${counted(leads.length, 'lead')}, ${counted(classes.length, 'class', 'classes')}, split by ${split.by}${seed}\n`,
  );
  return 0;
}

/** A type with a word of its own for one more value. */
function orWord<T, const V>(word: string, { read }: Type<T>, value: V): Type<T | V> {
  return { read: (text, flag) => (text === word ? value : read(text, flag)) };
}
