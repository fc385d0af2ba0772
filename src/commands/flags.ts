import { join } from 'node:path';
import { listOf, positive, type Type, text, typeOf, wholeNumber } from '../lib/argparse/types.ts';
import { root } from '../lib/installation.mjs';
import { ruleOr } from '../lib/thresholds.ts';
import { knownUnits, millivoltsPer } from '../lib/wfdb/units.ts';
import { parseIds } from '../prepare/icentia11k/patient_ids.ts';

/** Flags that mean the same in several commands. */

export const force = { help: 'replace files that exist' } as const;

/** How the classes of a job's predictions are decided. */
export const threshold = {
  value: 'RULE',
  type: ruleOr(['default', 'job']),
  help: `thresholds of the classes: job (those that finetune --threshold chose), or chosen now on the job's validation records: f1,
youden or sensitivity=S; default decides as the original does (the most probable class or, with several labels, at least 0.5)
`,
  defaultText: 'job if the job has its own',
} as const;

/** Numbers and ranges, such as `0-19,25`. */
export const ids: Type<number[]> = { read: parseIds };

export const seed = {
  value: 'N',
  type: wholeNumber(1, 2 ** 32 - 1),
  default: 2021,
  help: 'seed of everything that is drawn',
} as const;

/** Where the Python code lies that the port is compared with. */
export const originalFolder = {
  value: 'DIR',
  default: process.env.ORIGINAL_DIR || join(root, 'original'),
  defaultText: 'the environment variable ORIGINAL_DIR, else original/',
  help: 'checkout of the Python code: a folder with transplant/, pretraining/ and finetuning/',
} as const;

export const publishedResults = {
  value: 'DIR',
  help: 'results of the DL4H reproduction, for the suite published',
  defaultText: 'published/ in --data, if it exists',
} as const;

export const recordFlags = {
  recordFs: { value: 'HZ', type: positive, help: 'sampling rate of .csv and .npy recordings' },
  recordUnits: {
    value: 'UNIT',
    type: typeOf(knownUnits, (text) => (millivoltsPer(text) === undefined ? undefined : text.trim())),
    help: `unit of .csv and .npy recordings, and of EDF signals that state none: ${knownUnits}`,
    defaultText: 'mV',
  },
  recordLeads: {
    value: 'LIST',
    type: listOf(text),
    help: 'lead names of .npy recordings, and of .csv recordings without a header',
  },
} as const;
