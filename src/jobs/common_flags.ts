import type { FlagTable } from './options.ts';

/** What both trainers have beyond the original. */
export const additions = {
  'init-seed': {
    type: 'integer',
    help: 'seed of initial weights, order of samples and dropout, which the original leaves to chance',
    addition: true,
  },
  precision: { type: 'text', help: 'float32, bfloat16 or float64', default: 'float32', addition: true },
  resume: {
    type: 'switch',
    help: 'go on from the last complete checkpoint of --job-dir (from the start if there is none)',
    addition: true,
  },
  force: {
    type: 'switch',
    help: 'begin again in the --job-dir of an earlier job, whose files are replaced',
    addition: true,
  },
  'max-time': {
    type: 'text',
    help: 'pause after this time: 90m, 23.5h, 11:30:00, or a number of minutes; exit code 75',
    addition: true,
  },
  'save-every': {
    type: 'text',
    help: 'time between checkpoints within an epoch, written as for --max-time; one is made after each epoch anyway (default 10m)',
    addition: true,
  },
} as const satisfies FlagTable;
