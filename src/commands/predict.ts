import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { InputError, messageOf, UsageError } from '../errors.ts';
import { type Reporter, reporterFor } from '../events.ts';
import { checkOutputFile, checkOutputFolder } from '../lib/outputs.ts';
import { toCsv } from '../lib/pandas/csv.ts';
import { writeFileAtomic } from '../lib/python/atomic_file.ts';
import { print, printError } from '../output.ts';
import { decidedClasses, type Prediction, Predictor, predictionFrame } from '../predict/predict.ts';
import { listRecordings, type NamedRecording, recordingFile } from '../recordings/record_files.ts';
import { readRecording } from '../recordings/recordings.ts';
import { oneLine, printable, spreadsheetCell } from '../text.ts';
import { drawPrediction, notice, type PredictionPicture } from './prediction_picture.ts';
import { list, positive, unitOf } from './record_options.ts';
import { required } from './weight_options.ts';

export const help = `ecg-transplant predict --job-dir DIR (--data FILE | RECORDING…) [options]

Predicts with the best weights of a finetuning job: a prepared file, or recordings of your own. Recordings are treated as the training data
were: leads by name, unit, normalisation, rate, length. One that cannot be used is reported at the end, and the exit code is then 1; the
others are predicted. ${notice}

  RECORDING             a file (WFDB header or signal file, .csv, .npy, .mat of CPSC 2018); a name without ending, which finds .hea,
                        .csv, .npy, .mat in this order; a folder; a pattern in quotes, such as 'data/*.hea'
  --recursive           folders: take the folders below, too
  --job-dir DIR         folder of the finetuning job
  --data FILE           prepared file, as prepare-data writes it
  --leads I,II,…        leads of the recordings to take for the network's, in their order; default those of the same names
  --record-fs HZ        rate of .csv and .npy recordings
  --record-units UNIT   their unit: mV (default), µV (or uV), nV or V
  --record-leads LIST   names of the leads of .npy recordings, and of .csv recordings without names
  --batch-size N        records per step of --data, default 32

  --csv FILE            table of probabilities and decisions; default: printed
  --json FILE           the same as JSON
  --picture DIR         a picture of what the network saw of each recording, with the result: NAME.svg, or FOLDER/NAME.svg where
                        recordings of different folders have the same name
  --force               replace files that are there

Examples:
  ecg-transplant predict --job-dir jobs/af --data data/physionet_test.pkl --csv predictions.csv
  ecg-transplant predict --job-dir jobs/af --picture strips data/training2017/A00001
  ecg-transplant predict --job-dir jobs/af --csv all.csv data/training2017
`;

/** Recordings that failed and are named in full. */
const named = 20;

/** A recording without a prediction, and why. */
interface Failure {
  readonly path: string;
  readonly error: Error;
}

/** `ecg-transplant predict`. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      'job-dir': { type: 'string' },
      data: { type: 'string' },
      recursive: { type: 'boolean' },
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
  if ((data === undefined) === (positionals.length === 0)) {
    throw new UsageError('nothing to predict, or too much', { expected: 'either --data FILE or names of recordings' });
  }
  if (data !== undefined && picture !== undefined) {
    throw new UsageError('--picture draws recordings, not prepared data', { got: `--data ${data}` });
  }
  const report = reporterFor();
  const failures: Failure[] = [];
  const options = {
    leads: list(values.leads),
    recordLeads: list(values['record-leads']),
    report,
    recordFs: positive('--record-fs', values['record-fs']),
    recordUnits: unitOf('--record-units', values['record-units']),
    onFailure: (path: string, error: Error) => failures.push({ path, error }),
  };
  const batchSize = Math.max(1, Math.trunc(positive('--batch-size', values['batch-size']) ?? 32));
  const outputs: Outputs = { csv, json, picture, replace: values.force };
  checkOutputs(outputs);
  const recordings = listRecordings(positionals, { recursive: values.recursive, report });
  checkAgainst(recordings, outputs, data);
  const predictor = Predictor.open(jobDir);
  try {
    const prediction =
      data === undefined
        ? await predictor.predictRecords(
            recordings.map(({ path }) => path),
            options,
          )
        : await predictor.predictFile(data, batchSize, report);
    if (prediction.recordIds.length > 0) {
      const recordIds = prediction.recordIds.map((id) => (typeof id === 'string' ? spreadsheetCell(id) : id));
      const table = toCsv(predictionFrame({ ...prediction, recordIds }));
      if (csv !== undefined) writeFileAtomic(csv, table);
      if (json !== undefined) writeFileAtomic(json, asJson(prediction, failures, jobDir));
      if (csv === undefined && json === undefined) print(table);
      if (picture !== undefined)
        drawAll(picture, recordings, prediction, predictor.recordPlan(options), predictor, report);
    }
    reportFailures(failures, recordings.length);
    printError(`${notice}\n`);
    return failures.length > 0 ? 1 : 0;
  } finally {
    predictor.dispose();
  }
}

interface Outputs {
  readonly csv?: string;
  readonly json?: string;
  readonly picture?: string;
  readonly replace?: boolean;
}

/** Checks outputs before anything is read. */
function checkOutputs({ csv, json, picture, replace }: Outputs): void {
  if (csv !== undefined) checkOutputFile(csv, { flag: '--csv', replace });
  if (json !== undefined) checkOutputFile(json, { flag: '--json', replace });
  if (picture !== undefined) checkOutputFolder(picture, { flag: '--picture' });
  if (csv !== undefined && json !== undefined && resolve(csv) === resolve(json)) {
    throw new UsageError('--csv and --json name the same file', { file: csv });
  }
}

/** Checks that no output takes the place of a recording, or of a picture that is there. */
function checkAgainst(
  recordings: readonly NamedRecording[],
  { csv, json, picture, replace }: Outputs,
  data?: string,
): void {
  const inputs = new Set([
    ...recordings.map(({ path }) => fileOf(path)),
    ...(data === undefined ? [] : [resolve(data)]),
  ]);
  for (const [flag, file] of [
    ['--csv', csv],
    ['--json', json],
  ] as const) {
    if (file !== undefined && inputs.has(resolve(file))) {
      throw new InputError('the result would replace what is predicted', {
        file: `${flag}: ${file}`,
        next: 'Name another file.',
      });
    }
  }
  if (picture === undefined) return;
  for (const { label } of recordings) {
    const file = pictureFile(picture, label);
    if (existsSync(file)) checkOutputFile(file, { replace });
  }
}

function fileOf(path: string): string {
  try {
    return resolve(recordingFile(path).file);
  } catch {
    return resolve(path);
  }
}

function pictureFile(folder: string, label: string): string {
  return join(folder, `${label}.svg`);
}

function drawAll(
  folder: string,
  recordings: readonly NamedRecording[],
  prediction: Prediction,
  { format, leads }: Pick<ReturnType<Predictor['recordPlan']>, 'format' | 'leads'>,
  { windowSeconds }: Pick<Predictor, 'windowSeconds'>,
  report: Reporter,
): void {
  const rows = new Map(prediction.recordIds.map((path, i) => [path, i]));
  const results = resultsOf(prediction);
  const drawn = recordings.filter(({ path }) => rows.has(path));
  const task = 'drawing';
  report({ kind: 'start', task, total: drawn.length, unit: 'pictures' });
  for (const [done, { path, label }] of drawn.entries()) {
    const recording = readRecording(path, format, { leads });
    const file = pictureFile(folder, label);
    mkdirSync(dirname(file), { recursive: true });
    const result = results[rows.get(path)!];
    writeFileAtomic(file, drawPrediction({ recording, leads, windowSeconds, name: label, result }));
    report({ kind: 'progress', task, done: done + 1 });
  }
  report({ kind: 'end', task });
}

/** Says which recordings have no prediction, and why. A single one is an error of its own. */
function reportFailures(failures: readonly Failure[], total: number): void {
  const [first] = failures;
  if (first === undefined) return;
  if (total === 1) throw first.error;
  const lines = failures.slice(0, named).map(({ path, error }) => {
    const message = messageOf(error);
    return `  ${oneLine(message.includes(path) ? message : `${path}: ${message}`)}\n`;
  });
  const more = failures.length > named ? `  and ${failures.length - named} more\n` : '';
  printError(`${failures.length} of ${total} recordings could not be predicted:\n${lines.join('')}${more}`);
}

function asJson(prediction: Prediction, failures: readonly Failure[], jobDir: string): string {
  const { classes, recordIds, probabilities } = prediction;
  const decided = decidedClasses(prediction);
  const result = {
    notice,
    job: jobDir,
    records: recordIds.map((record, i) => ({
      record,
      decision: decided[i],
      probabilities: Object.fromEntries(classes.map((name, k) => [name, probabilities.data[i * classes.length + k]])),
    })),
    ...(failures.length > 0 && {
      failed: failures.map(({ path, error }) => ({ record: path, reason: messageOf(error) })),
    }),
  };
  return printable(`${JSON.stringify(result, null, 2)}\n`);
}

/** The classes that were decided for in each record, the most probable first, with their probabilities. */
function resultsOf(prediction: Prediction): PredictionPicture['result'][] {
  const { classes, probabilities } = prediction;
  const places = new Map(classes.map((name, place) => [name, place]));
  return decidedClasses(prediction).map((names, row) =>
    names
      .map((name) => ({ name, probability: Number(probabilities.data[row * classes.length + places.get(name)!]) }))
      .sort((a, b) => b.probability - a.probability),
  );
}
