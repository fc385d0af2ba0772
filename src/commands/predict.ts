import { mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { InputError } from '../errors.ts';
import { reporterFor } from '../events.ts';
import { checkOutputFile, checkOutputFolder } from '../lib/outputs.ts';
import { toCsv } from '../lib/pandas/csv.ts';
import { writeFileAtomic } from '../lib/python/atomic_file.ts';
import { print, printError } from '../output.ts';
import { leadKey } from '../port/finetuning/leads.ts';
import { decidedClasses, type Prediction, Predictor, predictionFrame } from '../port/finetuning/predict.ts';
import { type Recording, readRecording } from '../port/finetuning/recordings.ts';
import { drawRecording } from '../synthetic/picture.ts';
import { printable, spreadsheetCell } from '../text.ts';
import { list, positive, unitOf } from './record_options.ts';
import { required } from './weight_options.ts';

const notice = 'For research, not for diagnosis.';

export const help = `ecg-transplant predict --job-dir DIR (--data FILE | RECORD…) [options]

Predicts with the best weights of a finetuning job: a prepared file, or recordings of your own (WFDB records, .csv or .npy files, .mat files of
CPSC 2018, named with or without ending). Recordings are treated as the training data were: leads by name, unit, normalisation, rate, length. What does not fit is
refused. ${notice}

  --job-dir DIR         folder of the finetuning job
  --data FILE           prepared file, as prepare-data writes it
  --leads I,II,…        leads of the recordings to take for the network's, in their order; default those of the same names
  --record-fs HZ        rate of .csv and .npy recordings
  --record-units UNIT   their unit: mV (default), µV (or uV), nV or V
  --record-leads LIST   names of the leads of .npy recordings, and of .csv recordings without names
  --batch-size N        records per step of --data, default 32

  --csv FILE            table of probabilities and decisions; default: printed
  --json FILE           the same as JSON
  --picture DIR         a picture of each recording's first ten seconds with the result, NAME.svg
  --force               replace files that are there

Examples:
  ecg-transplant predict --job-dir jobs/af --data data/physionet_test.pkl --csv predictions.csv
  ecg-transplant predict --job-dir jobs/af --picture strips data/training2017/A00001
`;

/** Seconds of a picture. */
const strip = 10;

/** `ecg-transplant predict`. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals: records } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      'job-dir': { type: 'string' },
      data: { type: 'string' },
      leads: { type: 'string' },
      'record-fs': { type: 'string' },
      'record-units': { type: 'string' },
      'record-leads': { type: 'string' },
      'batch-size': { type: 'string' },
      csv: { type: 'string' },
      json: { type: 'string' },
      picture: { type: 'string' },
      force: { type: 'boolean' },
    },
  });
  const { data, csv, json, picture } = values;
  const jobDir = required('--job-dir', values['job-dir']);
  if ((data === undefined) === (records.length === 0)) {
    throw new InputError('nothing to predict, or too much', { expected: 'either --data FILE or names of recordings' });
  }
  if (data !== undefined && picture !== undefined) {
    throw new InputError('--picture draws recordings, not prepared data', { got: `--data ${data}` });
  }
  const reporter = reporterFor();
  const paths = records.map((path) => path.replace(/\.(hea|csv|npy|mat)$/, ''));
  const options = {
    leads: list(values.leads),
    recordLeads: list(values['record-leads']),
    report: reporter,
    recordFs: positive('--record-fs', values['record-fs']),
    recordUnits: unitOf('--record-units', values['record-units']),
  };
  const replace = values.force;
  if (csv !== undefined) checkOutputFile(csv, { flag: '--csv', replace });
  if (json !== undefined) checkOutputFile(json, { flag: '--json', replace });
  if (picture !== undefined) checkOutputFolder(picture, { flag: '--picture' });
  const predictor = Predictor.open(jobDir);
  try {
    const batchSize = positive('--batch-size', values['batch-size']) ?? 32;
    const prediction =
      data === undefined
        ? await predictor.predictRecords(paths, options)
        : await predictor.predictFile(data, Math.max(1, Math.trunc(batchSize)), reporter);
    const recordIds = prediction.recordIds.map((id) => (typeof id === 'string' ? spreadsheetCell(id) : id));
    const table = toCsv(predictionFrame({ ...prediction, recordIds }));
    if (csv !== undefined) writeFileAtomic(csv, table);
    if (json !== undefined)
      writeFileAtomic(json, printable(`${JSON.stringify(asJson(prediction, jobDir), null, 2)}\n`));
    if (csv === undefined && json === undefined) print(table);
    if (picture !== undefined) {
      const { format, leads } = predictor.recordPlan(options);
      mkdirSync(picture, { recursive: true });
      const results = describeResults(prediction);
      for (const [i, path] of paths.entries()) {
        const drawing = drawStrip(readRecording(path, format, { leads }), leads, `${basename(path)}: ${results[i]}`);
        writeFileAtomic(join(picture, `${basename(path)}.svg`), drawing);
      }
    }
    printError(`${notice}\n`);
    return 0;
  } finally {
    predictor.dispose();
  }
}

function asJson(prediction: Prediction, jobDir: string): object {
  const { classes, recordIds, probabilities } = prediction;
  const decided = decidedClasses(prediction);
  return {
    notice,
    job: jobDir,
    records: recordIds.map((record, i) => ({
      record,
      decision: decided[i],
      probabilities: Object.fromEntries(classes.map((name, k) => [name, probabilities.data[i * classes.length + k]])),
    })),
  };
}

/** The decision for each record, with its probability. */
function describeResults(prediction: Prediction): string[] {
  const { classes, probabilities } = prediction;
  return decidedClasses(prediction).map((names, i) => {
    const parts = names.map((name) => {
      const probability = Number(probabilities.data[i * classes.length + classes.indexOf(name)]);
      return `${name} ${(100 * probability).toFixed(1)} %`;
    });
    return parts.join(', ') || 'no class';
  });
}

/** The leads that the network was given, as they were recorded. */
function drawStrip({ signal, fs, leads }: Recording, wanted: readonly string[], title: string): string {
  const [samples, width] = signal.shape;
  const kept = Math.min(samples, Math.round(strip * fs));
  const keys = leads.map(leadKey);
  const signals = wanted.map((name) => {
    const lead = keys.indexOf(leadKey(name));
    return Float64Array.from({ length: kept }, (_, i) => signal.data[i * width + lead]);
  });
  return drawRecording({ fs, leads: wanted, signals }, { title: `${title} · ${notice}`, seconds: kept / fs });
}
