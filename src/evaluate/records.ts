import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { InputError, messageOf } from '../errors.ts';
import { type Reporter, silent } from '../events.ts';
import { configFile } from '../jobs/job.ts';
import { configSchema } from '../jobs/job_files.ts';
import { readJson } from '../lib/json/file.ts';
import { isUserFault } from '../lib/python/errors.ts';
import type { Strip } from '../page/strip_picture.ts';
import { openPreparedSet, withLead } from '../prepare/prepared_set.ts';
import { readPreprocessing, withChannel } from '../prepare/preprocessing.ts';
import { statementsFile } from './class_words.ts';
import type { Predictions } from './predictions.ts';

/** Seconds of a strip: the end of what the network saw. */
const stripSeconds = 10;

/** The recordings behind predictions, as far as they are at hand. */
export interface Records {
  /** Patient of each record, if known. */
  readonly patients?: readonly (string | number)[];
  /** Where a table of SCP statements may lie. */
  readonly statements: readonly string[];
  /** The signals of a record; undefined if they are not at hand. */
  strip(row: number): Strip | undefined;
  /** What is missing, in a sentence. */
  readonly note?: string;
  close(): void;
}

/** The prepared file that a job's table of predictions was made from. */
function dataOf({ job, part }: Predictions): string | undefined {
  if (job === undefined || part === undefined) return undefined;
  const { options } = readJson(join(job, configFile), configSchema);
  const named = part === 'val' && options.val === undefined ? options.train : options[part];
  return typeof named === 'string' ? named : undefined;
}

/** Where the recordings are. */
export interface OpenRecordsOptions {
  /** Prepared file with them; default: the one that the job names, if it is still there. */
  readonly data?: string;
  /** Where a large set is unpacked; default: the system's folder for temporary files. */
  readonly folder?: string;
  readonly report?: Reporter;
}

/**
 * Opens the recordings behind predictions.
 *
 * @throws InputError if `data` is given and does not have the records.
 */
export async function openRecords(
  predictions: Predictions,
  { data, folder = tmpdir(), report = silent }: OpenRecordsOptions = {},
): Promise<Records> {
  const file = data ?? dataOf(predictions);
  const nothing = (note: string): Records => ({ statements: [], strip: () => undefined, note, close: () => undefined });
  if (file === undefined)
    return nothing('The recordings are not known. --data FILE names the prepared file that has them.');
  if (data === undefined && !existsSync(file)) {
    return nothing(`The recordings are not at hand: ${file} does not exist. --data FILE names a copy.`);
  }
  try {
    return await openFile(predictions, { file, folder }, report);
  } catch (error) {
    if (data !== undefined || !isUserFault(error)) throw error;
    return nothing(`The recordings are not at hand: ${messageOf(error)}`);
  }
}

async function openFile(
  { recordIds, channel: only }: Predictions,
  { file, folder }: { readonly file: string; readonly folder: string },
  report: Reporter,
): Promise<Records> {
  const whole = await openPreparedSet(file, { folder, report });
  try {
    const channel = whole.x.shape[2] === 1 ? undefined : only;
    const { x } = channel === undefined ? whole : withLead(whole, channel);
    const described = readPreprocessing(file);
    const preprocessing =
      described === undefined || channel === undefined ? described : withChannel(described, channel);
    const places = new Map(whole.recordIds.map((id, i) => [String(id), i]));
    const missing = recordIds.find((id) => !places.has(id));
    if (missing !== undefined) {
      throw new InputError('the prepared file does not have a record of the predictions', {
        file,
        got: `${whole.recordIds.length} records, such as ${whole.recordIds[0]}`,
        expected: missing,
        next: 'Name the prepared file that was predicted.',
      });
    }
    const { patientIds } = whole;
    return {
      ...(patientIds && { patients: recordIds.map((id) => patientIds[places.get(id)!]) }),
      statements: [...(described ? [described.source.folder] : []), dirname(file)].map((folder) =>
        join(folder, statementsFile),
      ),
      strip(row) {
        if (preprocessing === undefined) return undefined;
        const { samplingRate, leads } = preprocessing;
        const { data, shape } = x.take([places.get(recordIds[row])!]);
        const [, samples, width] = shape as [number, number, number];
        const from = Math.max(0, samples - Math.round(stripSeconds * samplingRate));
        return {
          title: recordIds[row],
          fs: samplingRate,
          leads: leads.map((name, lead) => ({
            name,
            samples: Array.from({ length: samples - from }, (_, i) => Number(data[(from + i) * width + lead])),
          })),
        };
      },
      ...(preprocessing === undefined && {
        note: 'No strips are drawn: no preprocessing.json beside the prepared file tells the sampling rate and the leads.',
      }),
      close: () => whole.close(),
    };
  } catch (error) {
    whole.close();
    throw error;
  }
}
