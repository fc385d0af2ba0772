import { join } from 'node:path';
import { messageOf } from '../errors.ts';
import { writeJobReport } from '../evaluate/job_report.ts';
import { reporterFor } from '../events.ts';
import { reportFile } from '../jobs/job.ts';
import { jobNotes } from '../jobs/run_job.ts';
import { helpOf } from '../lib/argparse/command_line.ts';
import { print, printError } from '../output.ts';
import { finetuneFlags, finetuneGroups } from '../port/finetuning/trainer/flags.ts';
import { type FinetuneOptions, main, parseArgs } from '../port/finetuning/trainer.ts';
import { oneLine, shellCommand } from '../text.ts';
import { notice } from './prediction_picture.ts';
import { fetchWeights } from './remote_inputs.ts';

export function help(): string {
  return helpOf({
    program: 'ecg-transplant finetune',
    about: `Trains a classifier on labelled ECGs, from pretrained weights or from scratch, predicts the training, validation and test records, and writes
a page about the result (${reportFile}).`,
    flags: finetuneGroups,
    notes: jobNotes(finetuneFlags),
    examples: `ecg-transplant finetune --job-dir jobs/af --train data/physionet_train.pkl --test data/physionet_test.pkl --val-size 0.0625 \\
  --weights-file jobs/beat/resnet18.weights.h5 --batch-size 128 --epochs 200 --val-metric f1 --seed 1`,
  });
}

export const pauses = true;

/** `ecg-transplant finetune`. */
export async function run(args: readonly string[]): Promise<number> {
  const code = await main(args, fetchWeights);
  if (code === 0) await report(parseArgs(args));
  return code;
}

/** Reports on a job that is complete, and so has succeeded whatever happens here. */
async function report({ jobDir, train, val = train, test }: FinetuneOptions): Promise<void> {
  const page = join(jobDir, reportFile);
  try {
    const text = await writeJobReport(jobDir, { data: { train, val, test }, notice, report: reporterFor() });
    if (text !== undefined) print(`${text}\n${page}: the page with all curves\n`);
  } catch (error) {
    const command = shellCommand(['ecg-transplant', 'evaluate', jobDir, '--report', page]);
    printError(
      `The job is complete, but its report could not be made: ${oneLine(messageOf(error))}\nTo make it: ${command}\n`,
    );
  }
}
