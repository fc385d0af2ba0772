import { existsSync, mkdirSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { InputError, messageOf, UsageError } from '../errors.ts';
import { predictionsFrom } from '../evaluate/predictions.ts';
import { reportOf } from '../evaluate/report.ts';
import { decisionText, evaluationText } from '../evaluate/wording.ts';
import { type Reporter, reporterFor } from '../events.ts';
import { type JobThresholds, thresholdsText, thresholdValues } from '../jobs/job_thresholds.ts';
import { type CommandLine, helpOf, parse } from '../lib/argparse/command_line.ts';
import type { FlagGroups } from '../lib/argparse/flags.ts';
import { listOf, positive, text, wholeNumber } from '../lib/argparse/types.ts';
import { checkOutputFile, checkOutputFolder } from '../lib/outputs.ts';
import { toCsv } from '../lib/pandas/csv.ts';
import { writeFileAtomic } from '../lib/python/atomic_file.ts';
import { print, printError } from '../output.ts';
import { defaultSteps } from '../predict/attribution.ts';
import { decidedClasses, type Prediction, Predictor, predictionFrame, type RecordOptions } from '../predict/predict.ts';
import { listRecordings, type NamedRecording, recordingFile } from '../recordings/record_files.ts';
import { readRecording } from '../recordings/recordings.ts';
import { oneLine, printable, shellCommand, spreadsheetCell } from '../text.ts';
import { type Draw, explainAll, explanationFile, requireClass } from './explanations.ts';
import { force, recordFlags, threshold } from './flags.ts';
import { drawPrediction, notice, type PredictionPicture } from './prediction_picture.ts';
import { localModel } from './remote_inputs.ts';

const line = {
  program: 'ecg-transplant predict',
  usage: '--job-dir DIR (--data FILE | RECORDING…) [options]',
  about: `Predicts a prepared file, or your own recordings, with the best weights of a finetuning job. Recordings are treated as the training data
were: leads by name, unit, normalisation, sampling rate, length. A recording that cannot be used is reported at the end; the others are
predicted, and the exit code is then 1. ${notice}`,
  words: {
    name: 'RECORDING',
    count: 'any',
    help:
      'a file (WFDB header or signal file, .csv, .npy, .mat of CPSC 2018, EDF, BDF, DICOM waveform, GE MUSE XML, HL7 aECG);\n' +
      'a name without ending, which finds .hea, .csv, .npy, .mat, .edf, .bdf, .xml or .dcm, in this order; a folder;\n' +
      "a quoted pattern, such as 'data/*.hea'",
  },
  flags: {
    Input: {
      jobDir: {
        value: 'DIR',
        required: true,
        help: 'folder of the finetuning job, or the address of a published model: https://… or hf://OWNER/REPO@REVISION,\nwith #sha256=… of its SHA256SUMS if you know it',
      },
      data: { value: 'FILE', help: 'prepared file to predict, as prepare-data writes it' },
      recursive: { help: 'read folders below a folder, too' },
      leads: {
        value: 'I,II,…',
        type: listOf(text),
        help: "leads of the recordings to use for the network's, in its order",
        defaultText: 'those of the same names',
      },
      ...recordFlags,
      threshold,
      batchSize: { value: 'N', type: positive, help: 'records of --data per step', default: 32 },
    },
    Output: {
      csv: {
        value: 'FILE',
        help: 'write the table of probabilities and decisions',
        defaultText: 'print it, unless --json or --report is given',
      },
      json: { value: 'FILE', help: 'write the same as JSON' },
      report: {
        value: 'FILE',
        help: 'with --data: score the predictions against its labels, and write the page that evaluate writes',
      },
      picture: {
        value: 'DIR',
        help: 'draw what the network saw of each recording, with the result: NAME.svg, or FOLDER/NAME.svg where recordings in different folders have the same name',
      },
      force,
    },
    Explanation: {
      explain: {
        value: 'DIR',
        help: 'write how much each sample of each recording adds to the probability of a class: NAME.npz, as for --picture, which then shows it under the leads',
      },
      explainClass: { value: 'NAME', help: 'the class', defaultText: 'the most probable one of each recording' },
      explainSteps: {
        value: 'N',
        type: wholeNumber(1, 100_000),
        help: 'points of the integral',
        default: defaultSteps,
      },
    },
  },
  examples: `ecg-transplant predict --job-dir jobs/af --data data/physionet_test.pkl --csv predictions.csv --report report.html
ecg-transplant predict --job-dir jobs/af --picture strips data/training2017/A00001
ecg-transplant predict --job-dir jobs/af --csv all.csv data/training2017
ecg-transplant predict --job-dir jobs/af --explain why --picture why --explain-class AF data/training2017/A00004
ecg-transplant predict --job-dir https://example.org/models/af data/training2017/A00001`,
} as const satisfies CommandLine<FlagGroups>;

export const help = (): string => helpOf(line);

/** Failed recordings that are listed by name. */
const named = 20;

/** A recording without a prediction, and why. */
interface Failure {
  readonly path: string;
  readonly error: Error;
}

/** `ecg-transplant predict`. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, words } = parse(line, args);
  const { jobDir, data, csv, json, picture, report: page, explain, explainClass, explainSteps } = values;
  if ((data === undefined) === (words.length === 0)) {
    throw new UsageError(data === undefined ? 'nothing to predict' : '--data and recordings exclude each other', {
      expected: 'either --data FILE or recordings',
    });
  }
  if (data !== undefined && picture !== undefined) {
    throw new UsageError('--picture draws recordings, not prepared data', { got: `--data ${data}` });
  }
  if (data !== undefined && explain !== undefined) {
    throw new UsageError('--explain takes recordings, not prepared data', { got: `--data ${data}` });
  }
  if (explain === undefined && (explainClass !== undefined || explainSteps !== defaultSteps)) {
    throw new UsageError('--explain-class and --explain-steps need --explain', { expected: '--explain DIR' });
  }
  if (data === undefined && page !== undefined) {
    throw new UsageError('--report needs the truth, which recordings do not have', {
      got: `--report ${page}`,
      next: 'Predict a prepared file with --data FILE, which holds the labels.',
    });
  }
  const report = reporterFor();
  const failures: Failure[] = [];
  const options = {
    leads: values.leads,
    recordLeads: values.recordLeads,
    report,
    recordFs: values.recordFs,
    recordUnits: values.recordUnits,
    onFailure: (path: string, error: Error) => failures.push({ path, error }),
  };
  const batchSize = Math.max(1, Math.trunc(values.batchSize));
  const outputs: Outputs = { csv, json, page, picture, explain, replace: values.force };
  checkOutputs(outputs);
  const recordings = listRecordings(words, { recursive: values.recursive, report });
  checkAgainst(recordings, outputs, data);
  const predictor = Predictor.open(await localModel(jobDir), {
    explains: explain !== undefined,
    threshold: values.threshold,
  });
  try {
    if (explainClass !== undefined) requireClass(explainClass, predictor.model.classes);
    const prediction =
      data === undefined
        ? await predictor.predictRecords(
            recordings.map(({ path }) => path),
            options,
          )
        : await predictor.predictFile(data, batchSize, report, page !== undefined);
    if (prediction.recordIds.length > 0) {
      const recordIds = prediction.recordIds.map((id) => (typeof id === 'string' ? spreadsheetCell(id) : id));
      const table = toCsv(predictionFrame({ ...prediction, recordIds }));
      if (csv !== undefined) writeFileAtomic(csv, table);
      if (json !== undefined) writeFileAtomic(json, asJson(prediction, failures, jobDir, predictor.thresholds));
      if (csv === undefined && json === undefined && page === undefined) print(table);
      const draw = picture === undefined ? undefined : pictures(picture, prediction, predictor, options);
      const ids = new Set(prediction.recordIds);
      const predicted = recordings.filter(({ path }) => ids.has(path));
      if (explain !== undefined) {
        const request = { className: explainClass, steps: explainSteps, ...options };
        await explainAll(explain, predicted, prediction, predictor, request, draw);
      } else if (draw !== undefined) drawAll(predicted, draw, report);
      if (page !== undefined) await writeReport(page, predictor, prediction, { data: data!, args, report });
    }
    if (predictor.thresholds) {
      const decision = decisionText(thresholdValues(predictor.thresholds, prediction.classes));
      printError(`${decision} ${thresholdsText(predictor.thresholds)} To leave them out: --threshold default\n`);
    }
    if (prediction.truth && page === undefined) {
      printError('The labels of the records are known: --report FILE writes a page with scores and curves\n');
    }
    reportFailures(failures, recordings.length);
    printError(`${notice}\n`);
    return failures.length > 0 ? 1 : 0;
  } finally {
    predictor.dispose();
  }
}

/** Scores predictions of labelled records, prints the scores, and writes the page. */
async function writeReport(
  page: string,
  { model, thresholds }: Predictor,
  { truth, ...prediction }: Prediction,
  { data, args, report }: { readonly data: string; readonly args: readonly string[]; readonly report: Reporter },
): Promise<void> {
  const name = basename(data).replace(/\..*$/, '');
  const { multiLabel, channel } = model;
  const about = { name, multiLabel, ...(thresholds && { thresholds }), ...(channel !== undefined && { channel }) };
  const {
    evaluations,
    words,
    page: text,
  } = await reportOf([predictionsFrom({ ...prediction, truth: truth! }, about)], {
    title: `Evaluation of ${name}`,
    command: shellCommand(['ecg-transplant', 'predict', ...args]),
    notice,
    data,
    report,
  });
  writeFileAtomic(page, text);
  print(`${evaluationText(evaluations[0], words)}\n${page}: the page with all curves\n`);
}

interface Outputs {
  readonly csv?: string;
  readonly json?: string;
  readonly page?: string;
  readonly picture?: string;
  readonly explain?: string;
  readonly replace?: boolean;
}

/** Checks outputs before anything is read. */
function checkOutputs({ csv, json, page, picture, explain, replace }: Outputs): void {
  if (csv !== undefined) checkOutputFile(csv, { flag: '--csv', replace });
  if (json !== undefined) checkOutputFile(json, { flag: '--json', replace });
  if (page !== undefined) checkOutputFile(page, { flag: '--report', replace });
  if (picture !== undefined) checkOutputFolder(picture, { flag: '--picture' });
  if (explain !== undefined) checkOutputFolder(explain, { flag: '--explain' });
  const files = Object.entries({ '--csv': csv, '--json': json, '--report': page }).filter(([, file]) => file);
  for (const [i, [flag, file]] of files.entries()) {
    const same = files.slice(0, i).find(([, other]) => resolve(other!) === resolve(file!));
    if (same) throw new UsageError(`${same[0]} and ${flag} name the same file`, { file });
  }
}

/** Checks that no output replaces a recording or, without --force, an existing picture or explanation. */
function checkAgainst(
  recordings: readonly NamedRecording[],
  { csv, json, page, picture, explain, replace }: Outputs,
  data?: string,
): void {
  const inputs = new Set([
    ...recordings.map(({ path }) => fileOf(path)),
    ...(data === undefined ? [] : [resolve(data)]),
  ]);
  for (const [flag, file] of [
    ['--csv', csv],
    ['--json', json],
    ['--report', page],
  ] as const) {
    if (file !== undefined && inputs.has(resolve(file))) {
      throw new InputError('the result would replace its own input', {
        file: `${flag}: ${file}`,
        next: 'Name another file.',
      });
    }
  }
  for (const { label } of recordings) {
    const files = [
      ...(picture === undefined ? [] : [pictureFile(picture, label)]),
      ...(explain === undefined ? [] : [explanationFile(explain, label)]),
    ];
    for (const file of files) if (existsSync(file)) checkOutputFile(file, { replace });
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

function pictures(folder: string, prediction: Prediction, predictor: Predictor, options: RecordOptions): Draw {
  const rows = new Map(prediction.recordIds.map((path, i) => [path, i]));
  const results = resultsOf(prediction);
  const { format, leads } = predictor.recordPlan(options);
  const { windowSeconds } = predictor;
  return ({ path, label }, explanation) => {
    const recording = readRecording(path, format, { leads });
    const file = pictureFile(folder, label);
    mkdirSync(dirname(file), { recursive: true });
    const result = results[rows.get(path)!];
    writeFileAtomic(file, drawPrediction({ recording, leads, windowSeconds, name: label, result, explanation }));
  };
}

function drawAll(recordings: readonly NamedRecording[], draw: Draw, report: Reporter): void {
  const task = 'drawing';
  report({ kind: 'start', task, total: recordings.length, unit: 'pictures' });
  for (const [done, recording] of recordings.entries()) {
    draw(recording);
    report({ kind: 'progress', task, done: done + 1 });
  }
  report({ kind: 'end', task });
}

/** Prints which recordings failed, and why. If only one was asked for, its error is thrown. */
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

function asJson(
  prediction: Prediction,
  failures: readonly Failure[],
  jobDir: string,
  thresholds?: JobThresholds,
): string {
  const { classes, recordIds, probabilities } = prediction;
  const decided = decidedClasses(prediction);
  const result = {
    notice,
    job: jobDir,
    ...(thresholds && { thresholds: { rule: thresholds.rule, classes: thresholds.classes } }),
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

/** The classes that the network chose for each record, with their probabilities, the most probable first. */
function resultsOf(prediction: Prediction): PredictionPicture['result'][] {
  const { classes, probabilities } = prediction;
  const places = new Map(classes.map((name, place) => [name, place]));
  return decidedClasses(prediction).map((names, row) =>
    names
      .map((name) => ({ name, probability: Number(probabilities.data[row * classes.length + places.get(name)!]) }))
      .sort((a, b) => b.probability - a.probability),
  );
}
