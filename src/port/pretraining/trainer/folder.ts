import { readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { InputError } from '../../../errors.ts';
import type { Reporter } from '../../../events.ts';
import { readConfig } from '../../../jobs/job.ts';
import { ValueError } from '../../../lib/python/errors.ts';
import { type Description, descriptionFile, readDescription } from '../../../prepare/icentia11k/description.ts';
import { formatIds } from '../../../prepare/icentia11k/patient_ids.ts';
import { patientFile } from '../../transplant/datasets/icentia11k/files.ts';
import { resolveNormalization } from './frame_normalization.ts';
import type { PretrainOptions } from './options.ts';

/** Options as a job stores them: a folder's patients and form filled in, `normalize` as numbers. */
export function settledOptions(options: PretrainOptions, report: Reporter): PretrainOptions {
  if (!isDataFile(options)) return resolveFolder(options, report);
  if (options.normalize === undefined) return options;
  throw new ValueError('--normalize is for the signals of a folder; the frames of a file are normalised already');
}

/** Whether `train` is a data file, not a folder. */
export function isDataFile({ train }: PretrainOptions): boolean {
  return statSync(train, { throwIfNoEntry: false })?.isFile() ?? false;
}

/**
 * Fills in patients and form from the folder's `icentia11k.json`, if there is one, and reports them. A resumed job keeps its own. `normalize` becomes `MEAN,STD`; see
 * {@link resolveNormalization}.
 *
 * @throws InputError for an invalid description or `normalize`.
 */
function resolveFolder(options: PretrainOptions, report: Reporter): PretrainOptions {
  const begun = options.resume ? (readConfig(options.jobDir, 'pretrain')?.options as Begun | undefined) : undefined;
  if (begun) {
    const { patients = begun.patients, unzipped = begun.unzipped } = options;
    const keeps = options.normalize === 'measured' && begun.normalize !== undefined;
    const normalize = resolveNormalization(keeps ? begun.normalize : options.normalize, options.train, report);
    return { ...options, patients, unzipped, normalize };
  }
  const found = describedPatients(options, readDescription(options.train));
  if (Object.keys(found).length > 0) {
    const form = found.unzipped === undefined ? '' : found.unzipped ? 'unzipped' : 'zipped';
    const count = found.patients === undefined ? '' : `patients ${found.patients}`;
    const text = `${options.train}: ${[count, form].filter(Boolean).join(', ')}, as ${descriptionFile} says`;
    report({ kind: 'message', text });
  }
  return { ...options, ...found, normalize: resolveNormalization(options.normalize, options.train, report) };
}

type Begun = Pick<PretrainOptions, 'patients' | 'unzipped' | 'normalize'>;

/** What the description adds to the options. */
function describedPatients(
  { patients, unzipped }: PretrainOptions,
  description: Description | undefined,
): Pick<PretrainOptions, 'patients' | 'unzipped'> {
  const ids = Object.keys(description?.patients ?? {}).map(Number);
  return {
    ...(patients === undefined && ids.length > 0 && { patients: formatIds(ids.sort((a, b) => a - b)) }),
    ...(unzipped === undefined && description && { unzipped: description.unzipped }),
  };
}

/**
 * Checks that the folder has the files of all patients.
 *
 * @throws InputError that names missing files and suggests a fix.
 */
export function requirePatients(
  folder: string,
  patientIds: readonly number[],
  { unzipped = false, labels = true }: { readonly unzipped?: boolean; readonly labels?: boolean },
): void {
  const names = new Set(namesIn(folder));
  const has = (id: number, form: boolean): boolean =>
    endingsOf(form, labels).every((ending) => names.has(basename(patientFile(folder, id, ending))));
  const missing = patientIds.filter((id) => !has(id, unzipped));
  if (missing.length === 0) return;
  const there = patientIds.filter((id) => has(id, unzipped));
  const files = endingsOf(unzipped, labels).map((ending) => basename(patientFile(folder, missing[0], ending)));
  throw new InputError(`files of ${missing.length} of ${patientIds.length} patients are missing`, {
    file: folder,
    got: there.length > 0 ? `patients ${formatIds(there.slice().sort((a, b) => a - b))}` : 'none of the patients',
    expected: `${files.join(' and ')}${missing.length > 1 ? ', and so on' : ''}`,
    next: adviceFor(),
  });

  function adviceFor(): string {
    if (there.length > 0)
      return `Use those that are there: --patients ${formatIds(there.slice().sort((a, b) => a - b))}`;
    if (patientIds.some((id) => has(id, !unzipped))) {
      return unzipped
        ? 'The files there are zipped: leave out --unzipped.'
        : 'The files there are unzipped: add --unzipped.';
    }
    if ([...names].some((name) => /^p\d\d$/.test(name))) {
      return `Convert them: ecg-transplant convert-icentia --source ${folder} --target ${join(folder, '..', 'icentia11k_unzipped')} --unzipped`;
    }
    return 'Get the data set: ecg-transplant fetch-data --help';
  }
}

function endingsOf(unzipped: boolean, labels: boolean): string[] {
  const [signal, marks] = unzipped ? ['.npy', '_lbls.npz'] : ['.pkl.gz', '_lbls.pkl.gz'];
  return labels ? [signal, marks] : [signal];
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT') throw error;
    throw new InputError('no such folder', {
      file: folder,
      next: 'Pass the folder of the patients to --train.',
    });
  }
}
