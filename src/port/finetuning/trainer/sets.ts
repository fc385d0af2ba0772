import { realpathSync } from 'node:fs';
import { InputError } from '../../../errors.ts';
import { type Reporter, silent } from '../../../events.ts';
import { collectionKinds } from '../../../prepare/collections.ts';
import { type Divided, type Division, dividePatients, divideRecords } from '../../../prepare/division.ts';
import { type OpenPreparedSet, openPreparedSet, type UnpackOptions, withLead } from '../../../prepare/prepared_set.ts';
import { readPreprocessing } from '../../../prepare/preprocessing.ts';
import {
  requireAgreement,
  requireLabels,
  type SetOfFile,
  sourceOf,
  withClassesOf,
} from '../../../prepare/set_check.ts';
import { isMulticlass } from '../../transplant/utils.ts';
import type { PreparedSet } from '../datasets.ts';
import { splitSize, takeRecords } from '../utils.ts';
import type { FinetuneOptions } from './options.ts';
import { checkPart, requireAucDefined, warnOfShared } from './parts_check.ts';
import { requireWeightsFit } from './weights_check.ts';

/** The sets of a finetuning job. */
export interface JobSets {
  readonly train: PreparedSet;
  readonly val?: PreparedSet;
  readonly test?: PreparedSet;
}

/** The options that choose the sets. */
export type JobSetOptions = Pick<
  FinetuneOptions,
  'train' | 'val' | 'test' | 'valSize' | 'subset' | 'split' | 'channel' | 'arch' | 'weightsFile' | 'valMetric'
>;

/**
 * Opens the sets of a job, checks all inputs against each other, calls `use`, and closes the sets. An input that would make the job fail after hours, or its figures
 * wrong, is an error now. The validation records are taken before the subset.
 *
 * @throws InputError that names both inputs, if they do not fit.
 */
export async function withJobSets<T>(
  options: JobSetOptions & Pick<FinetuneOptions, 'originals'>,
  unpack: UnpackOptions,
  use: (sets: JobSets) => Promise<T>,
): Promise<T> {
  const opened: OpenPreparedSet[] = [];
  const report = unpack.report ?? silent;
  const open = async (file: string): Promise<SetOfFile> => {
    const set = await openPreparedSet(file, unpack);
    opened.push(set);
    const { channel } = options;
    const narrow = channel === undefined ? set : withLead(set, channel);
    const preprocessing = readPreprocessing(file);
    const { recordIds } = set;
    const repeated = recordIds.length - new Set(recordIds).size;
    if (repeated > 0) {
      const text = `${file}: ${repeated} of ${recordIds.length} records have the same name as another record of the set: the same record may end up in several parts`;
      report({ kind: 'warning', text });
    }
    return requireLabels({ file, set: narrow, ...(preprocessing && { preprocessing }) });
  };
  try {
    const sets = divideSets(await openAgreeing(options, open, report), options, report);
    for (const [name, part] of [
      ['training', sets.train],
      ['validation', sets.val],
      ['test', sets.test],
    ] as const) {
      if (part) checkPart(name, part, report);
    }
    if (options.valMetric === 'auc') {
      if (sets.val) requireAucDefined('validation', sets.val, options.val === undefined);
      else requireAucDefined('training', sets.train, false);
    }
    if (options.weightsFile) requireWeightsFit(options.weightsFile, options, sets.train, report);
    return await use({ train: sets.train.set, val: sets.val?.set, test: sets.test?.set });
  } finally {
    for (const set of opened) set.close();
  }
}

interface FileSets {
  readonly train: SetOfFile;
  readonly val?: SetOfFile;
  readonly test?: SetOfFile;
}

/** Opens the sets, checks them against the training set, and puts their classes in its order. */
async function openAgreeing(
  { channel, ...options }: JobSetOptions,
  open: (file: string) => Promise<SetOfFile>,
  report: Reporter,
): Promise<FileSets> {
  for (const name of ['val', 'test'] as const) {
    const file = options[name];
    if (!file || realPath(file) !== realPath(options.train)) continue;
    throw new InputError(`--${name} is the training set: its figures would say nothing about new records`, {
      file,
      next:
        name === 'val'
          ? 'Hold out a part of the training set: --val-size 0.1'
          : 'Leave out --test: the training records are predicted anyway.',
    });
  }
  const train = await open(options.train);
  const reference = { name: train.file, classes: train.set.classes, multiLabel: isMulticlass(train.set.y) };
  const openOther = async (file: string | undefined): Promise<SetOfFile | undefined> => {
    if (!file) return undefined;
    const other = await open(file);
    requireAgreement(sourceOf(train, channel), sourceOf(other, channel), prepareAlike(options.train));
    const arranged = withClassesOf(reference, other, report);
    warnOfShared(train, arranged, report);
    return arranged;
  };
  const val = await openOther(options.val);
  return { train, val, test: await openOther(options.test) };
}

function prepareAlike(train: string): string {
  return `Prepare it as the training set was: ecg-transplant prepare-data --like ${train} --test-size 0, with --format, --source and --target`;
}

function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    // Opening the file will report the fault.
    return file;
  }
}

function divideSets({ train, ...others }: FileSets, options: JobSetOptions, report: Reporter): FileSets {
  const byPatient = dividesPatients(train, options);
  const divide = (set: PreparedSet, size: { testSize: number } | { trainSize: number }, divided: Divided): Division => {
    const { y, classes, patientIds, recordIds } = set;
    // Quirk Q49 (changed): every distinct row of several labels would be a class, and one seen once stops the split.
    if (!byPatient)
      return divideRecords(recordIds.length, size, isMulticlass(y) ? undefined : { y, classes, recordIds }, divided);
    const division = dividePatients(patientIds!, size, divided);
    const { patients, train: kept, test: held } = division;
    const [some, records] = 'testSize' in size ? [patients.test, held.length] : [patients.train, kept.length];
    const text = `${divided.option} ${divided.value} by patient: ${some} of ${patients.train + patients.test} patients, ${records} of ${recordIds.length} records`;
    report({ kind: 'message', text });
    return division;
  };
  const { file } = train;
  let { set } = train;
  let { val } = others;
  if (!val && options.valSize) {
    const otherwise = 'Leave out --val-size, or give a validation set: --val FILE';
    const size = { testSize: splitSize(options.valSize) };
    const division = divide(set, size, { file, option: '--val-size', value: options.valSize, otherwise });
    val = { ...train, set: takeRecords(set, division.test) };
    set = takeRecords(set, division.train);
    if (!byPatient) warnOfDividedPatients(set, val.set, report);
  }
  if (options.subset) {
    const size = { trainSize: splitSize(options.subset) };
    const division = divide(set, size, {
      file,
      option: '--subset',
      value: options.subset,
      otherwise: 'Leave out --subset',
    });
    set = takeRecords(set, division.train);
  }
  return { ...others, train: { ...train, set }, val };
}

/** Whether the records of a patient stay together. They do where patients are known, except in the published collections, which the original divides by record. */
function dividesPatients({ file, set, preprocessing }: SetOfFile, { split }: JobSetOptions): boolean {
  if (split === 'patient' && set.patientIds === undefined) {
    throw new InputError('--split patient: the patients are not known', {
      file,
      expected: 'patient_ids, as prepare-data writes them for PTB-XL and for labels.csv with a column patient',
      next: 'Divide by record: --split record',
    });
  }
  if (split !== undefined) return split === 'patient';
  if (set.patientIds === undefined) return false;
  return preprocessing === undefined || collectionKinds[preprocessing.collection]?.splitBy !== 'record';
}

function warnOfDividedPatients(train: PreparedSet, val: PreparedSet, report: Reporter): void {
  if (train.patientIds === undefined || val.patientIds === undefined) return;
  const trained = new Set(train.patientIds);
  const both = new Set(val.patientIds.filter((id) => trained.has(id)));
  if (both.size === 0) return;
  const text =
    `${both.size} patients have records in both the training and the validation part, as in the original (Quirk Q62): figures will be better than for new patients. ` +
    'To keep patients together: --split patient';
  report({ kind: 'warning', text });
}
