import { join } from 'node:path';
import { InputError } from '../errors.ts';
import { type Reporter, silent } from '../events.ts';
import { thresholdsText } from '../jobs/job_thresholds.ts';
import type { Interval, Scores } from '../lib/bootstrap.ts';
import { type ClassWords, statementsFile, wordsOf } from './class_words.ts';
import { compareEvaluations, type Evaluation, evaluate } from './evaluation.ts';
import { learningCurves } from './history.ts';
import type { PageEntry } from './page.ts';
import { arrangedLike, type Predictions } from './predictions.ts';
import { openRecords } from './records.ts';

/** How to report on predictions. */
export interface ReportOptions {
  readonly title: string;
  /** Command line that makes the report again. */
  readonly command: string;
  /** For whom the figures are not meant. */
  readonly notice: string;
  /** Default 1,000 and 0. */
  readonly resamples?: number;
  readonly seed?: number;
  /** Prepared file with the records; default: what the job names, if it is there. */
  readonly data?: string;
  /** Table of SCP statements; default: `scp_statements.csv` beside the data. */
  readonly statements?: string;
  /** Where a large prepared file is unpacked; default: the system's folder for temporary files. */
  readonly folder?: string;
  /** Records that are drawn; default 6. */
  readonly strips?: number;
  readonly report?: Reporter;
}

/** The report of one or several sets of predictions. */
export interface Reported {
  readonly evaluations: readonly Evaluation[];
  /** Differences of each later set from the first. */
  readonly differences: readonly Scores<Interval>[];
  readonly words: ClassWords;
  /** `report.html`. */
  readonly page: string;
}

/** Where thresholds come from, and what the scores of records that training used are worth. */
function partNotes({ part, thresholds }: Predictions): string[] {
  const chosen = thresholds ? [thresholdsText(thresholds)] : [];
  if (part === 'train') {
    return [...chosen, 'The network was trained on these records: their scores say little about new ones.'];
  }
  if (part !== 'val') return chosen;
  const what = thresholds ? 'weights and the thresholds' : 'weights';
  return [...chosen, `The best ${what} were chosen on these records: expect lower scores on new ones.`];
}

/**
 * Evaluates predictions and makes a page of them. Several are compared in pairs, so they must be of the same records.
 *
 * @throws InputError if they are not, or `data` does not have their records.
 */
export async function reportOf(all: readonly Predictions[], options: ReportOptions): Promise<Reported> {
  const { report = silent, resamples, seed, data, folder, strips: most = 6 } = options;
  const [first, ...others] = all;
  if (first === undefined) throw new InputError('there are no predictions to evaluate');
  const arranged = [first, ...others.map((one) => arrangedLike(first, one))];
  const entries: PageEntry[] = [];
  let statements: readonly string[] = [];
  let patients: readonly (string | number)[] | undefined;
  for (const predictions of arranged) {
    const records = await openRecords(predictions, { data, folder, report });
    try {
      // All sets are of the same records, and all must be drawn alike.
      if (entries.length === 0) patients = records.patients;
      statements = [...statements, ...records.statements];
      const evaluation = evaluate(predictions, { resamples, seed, patients, report });
      const strips = evaluation.wrong.records.slice(0, most).flatMap(({ row }) => {
        const strip = records.strip(row);
        return strip ? [[row, strip] as const] : [];
      });
      const difference =
        entries.length === 0 ? undefined : compareEvaluations(entries[0].evaluation, evaluation, { patients, report });
      entries.push({
        evaluation,
        curves: predictions.folder === undefined ? [] : learningCurves(predictions.folder),
        strips: new Map(strips),
        ...(difference && { difference }),
        notes: [...partNotes(predictions), ...(records.note === undefined ? [] : [records.note])],
      });
    } finally {
      records.close();
    }
  }
  const places = options.statements === undefined ? statements : [options.statements];
  const jobs = arranged.flatMap(({ job }) => (job === undefined ? [] : [join(job, statementsFile)]));
  const words = wordsOf(first.classes, [...places, ...jobs]);
  // The plotting library is large, so it is loaded only here.
  const { evaluationPage } = await import('./page.ts');
  return {
    evaluations: entries.map(({ evaluation }) => evaluation),
    differences: entries.flatMap(({ difference }) => (difference ? [difference] : [])),
    words,
    page: evaluationPage({ ...options, entries, words }),
  };
}
