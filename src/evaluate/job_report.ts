import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Reporter } from '../events.ts';
import { reportFile } from '../jobs/job.ts';
import { lockFolder } from '../lib/lock.ts';
import { writeFileAtomic } from '../lib/python/atomic_file.ts';
import { openPredictions, type Part, predictedPart } from './predictions.ts';
import { reportOf } from './report.ts';
import { evaluationText } from './wording.ts';

/** How to report on a job. */
export interface JobReportOptions {
  /** Prepared files by part, where they do not lie where the job says. */
  readonly data?: Readonly<Partial<Record<Part, string>>>;
  /** For whom the figures are not meant. */
  readonly notice: string;
  readonly report?: Reporter;
}

const sets: Readonly<Record<Part, string>> = { test: 'test set', val: 'validation set', train: 'training set' };

/**
 * Writes `report.html` of a complete finetuning job, and gives the scores of each class for a terminal. Nothing on the page depends on where the job lies or on whether it was
 * interrupted. Undefined if the page exists already (a job that goes on removes it), or if the job has no predictions.
 *
 * @throws InputError if another process works in the folder, or if the predictions cannot be read.
 */
export async function writeJobReport(job: string, options: JobReportOptions): Promise<string | undefined> {
  const page = join(job, reportFile);
  const part = predictedPart(job);
  if (part === undefined || existsSync(page)) return undefined;
  const unlock = lockFolder(job);
  try {
    const name = sets[part];
    const { notice, report, data } = options;
    const file = data?.[part];
    const reported = await reportOf([{ ...openPredictions(job), name }], {
      title: `Evaluation of the ${name}`,
      command: 'ecg-transplant evaluate JOB  # JOB: the folder of this page',
      notice,
      report,
      folder: job,
      ...(file !== undefined && existsSync(file) && { data: file }),
    });
    writeFileAtomic(page, reported.page);
    return evaluationText(reported.evaluations[0], reported.words);
  } finally {
    unlock();
  }
}
