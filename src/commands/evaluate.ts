import { basename } from 'node:path';
import { UsageError } from '../errors.ts';
import { openPredictions, type Predictions } from '../evaluate/predictions.ts';
import { type Reported, reportOf } from '../evaluate/report.ts';
import { evaluationText } from '../evaluate/wording.ts';
import { reporterFor } from '../events.ts';
import { type CommandLine, helpOf, parse } from '../lib/argparse/command_line.ts';
import type { FlagGroups } from '../lib/argparse/flags.ts';
import { wholeNumber } from '../lib/argparse/types.ts';
import { checkOutputFile } from '../lib/outputs.ts';
import { writeFileAtomic } from '../lib/python/atomic_file.ts';
import { withRegular } from '../lib/python/regular_file.ts';
import { print } from '../output.ts';
import { printable, shellCommand } from '../text.ts';
import { force, threshold } from './flags.ts';
import { notice } from './prediction_picture.ts';

/** More would not be told apart in a picture. */
const most = 4;

const line = {
  program: 'ecg-transplant evaluate',
  usage: 'PREDICTIONS… [options]',
  about: `Scores predictions against the truth and writes a page: precision, recall, F1, AUC and average precision of each class with bootstrap
intervals, ROC and precision-recall curves, calibration, confusion, and the records that are most surely wrong. Several predictions of
the same records (up to ${most}) stand side by side, with the differences of each from the first. ${notice}`,
  words: {
    name: 'PREDICTIONS',
    count: 'some',
    help: 'a table as finetune and predict write it (.csv), or the folder of a finetuning job: its test records, else its\nvalidation or training records',
  },
  flags: {
    Input: {
      data: {
        value: 'FILE',
        help: 'prepared file with the records: its patients are drawn as a whole, its signals are shown',
        defaultText: 'the one that the job names',
      },
      statements: {
        value: 'FILE',
        help: 'scp_statements.csv of PTB-XL, for the words of its classes',
        defaultText: 'beside the data',
      },
    },
    Scores: {
      threshold,
      resamples: { value: 'N', type: wholeNumber(1, 1_000_000), help: 'resamples of the bootstrap', default: 1000 },
      seed: { value: 'N', type: wholeNumber(0, 2 ** 32 - 1), help: 'seed of the bootstrap', default: 0 },
      strips: { value: 'N', type: wholeNumber(0, 20), help: 'wrong records to draw', default: 6 },
    },
    Output: {
      report: { value: 'FILE', help: 'the page', default: 'report.html' },
      json: { value: 'FILE', help: 'write the scores as JSON, too' },
      force,
    },
  },
  examples: `ecg-transplant evaluate jobs/af
ecg-transplant evaluate predictions.csv --data data/physionet_test.pkl --report predictions.html
ecg-transplant evaluate jobs/pretrained jobs/random --report both.html`,
} as const satisfies CommandLine<FlagGroups>;

export const help = (): string => helpOf(line);

/** `ecg-transplant evaluate`. */
export async function run(args: readonly string[]): Promise<number> {
  const { values, words: paths } = parse(line, args);
  const { report: page, json, force: replace, data, statements } = values;
  if (paths.length > most) {
    throw new UsageError('too many predictions for one page', { got: `${paths.length}`, expected: `at most ${most}` });
  }
  checkOutputFile(page, { flag: '--report', replace });
  if (json !== undefined) checkOutputFile(json, { flag: '--json', replace });
  for (const file of [data, statements]) if (file !== undefined) withRegular(file, () => undefined);
  const predictions = withOwnNames(paths.map((path) => openPredictions(path, values.threshold)));
  const reported = await reportOf(predictions, {
    title: `Evaluation of ${predictions.map(({ name }) => name).join(' and ')}`,
    command: shellCommand(['ecg-transplant', 'evaluate', ...args]),
    notice,
    resamples: values.resamples,
    seed: values.seed,
    strips: values.strips,
    data,
    statements,
    report: reporterFor(),
  });
  writeFileAtomic(page, reported.page);
  if (json !== undefined) writeFileAtomic(json, asJson(reported));
  for (const evaluation of reported.evaluations) print(`${evaluationText(evaluation, reported.words)}\n`);
  print(`${page}: the page with all curves\n`);
  return 0;
}

/** Predictions whose names differ, so that a legend tells them apart. */
function withOwnNames(predictions: readonly Predictions[]): Predictions[] {
  const names = predictions.map(({ name }) => name);
  return predictions.map((one, i) => {
    const isOwn = names.filter((name) => name === one.name).length === 1;
    return isOwn ? one : { ...one, name: `${i + 1}: ${one.name}` };
  });
}

function asJson({ evaluations, differences, words }: Reported): string {
  const content = {
    notice,
    predictions: evaluations.map(({ predictions, decision, scores, classes, confusion, wrong, ...rest }, i) => ({
      name: predictions.name,
      file: predictions.file === undefined ? null : basename(predictions.file),
      records: predictions.recordIds.length,
      decision,
      ...(predictions.thresholds && { thresholds: predictions.thresholds }),
      bootstrap: { resamples: rest.resamples, seed: rest.seed, drawn: rest.drawn },
      accuracy: scores.accuracy,
      macroF1: scores.macroF1,
      macroAuc: scores.macroAuc,
      macroAveragePrecision: scores.macroAveragePrecision,
      calibrationError: rest.calibrationError,
      classes: classes.map(({ name, support, predicted, calibrationError }, k) => ({
        name,
        words: words.get(name) ?? null,
        records: support,
        predicted,
        ...scores.perClass[k],
        calibrationError,
      })),
      confusion: confusion ?? null,
      wrong,
      ...(i > 0 && { minusFirst: differences[i - 1] }),
    })),
  };
  return printable(`${JSON.stringify(content, null, 2)}\n`);
}
