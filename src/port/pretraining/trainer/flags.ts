import { additions } from '../../../jobs/common_flags.ts';
import type { FlagTable } from '../../../jobs/options.ts';

/** The command line of `pretraining.trainer`, and additions. */
export const pretrainFlags = {
  'job-dir': { type: 'text', required: true, help: 'output folder, created if missing' },
  task: { type: 'text', required: true, help: 'rhythm, beat, hr or cpc' },
  train: { type: 'text', required: true, help: 'Icentia11k folder, or one pickled data file' },
  'val-file': { type: 'text', help: 'pickled validation set; takes precedence over --val-patients' },
  'cache-val': { type: 'text', help: 'where to store validation frames collected from the folder' },
  'weights-file': { type: 'text', help: 'checkpoint of the same model to start from' },
  unzipped: { type: 'switch', help: 'the folder holds unzipped files (default: as its icentia11k.json says)' },
  'val-patients': { type: 'number', help: 'validation patients: a count if at least 1, else a fraction' },
  'val-size': { type: 'integer', help: 'validation frames to collect from the folder' },
  arch: { type: 'text', default: 'resnet18', help: 'resnet18, resnet34 or resnet50' },
  stages: { type: 'integer', help: 'use only the first so many stages of the network' },
  'frame-size': { type: 'integer', default: 2048, help: 'samples per frame' },
  'context-size': { type: 'integer', default: 8, help: 'frames in a CPC context' },
  ns: { type: 'integer', default: 1, help: 'CPC negatives' },
  'positive-offset': { type: 'integer', default: 0, help: 'frames between a CPC context and its positive' },
  'context-overlap': {
    type: 'integer',
    default: 0,
    help: 'samples shared by neighbouring frames of a CPC context',
  },
  'batch-size': { type: 'integer', default: 32, help: 'frames per step' },
  'samples-per-patient': { type: 'integer', default: 1000, help: 'frames taken each time a patient is loaded' },
  'val-samples-per-patient': { type: 'integer', help: 'the same for validation' },
  'steps-per-epoch': { type: 'integer', default: 100, help: 'batches per epoch (folder only)' },
  epochs: { type: 'integer', default: 1, help: 'epochs' },
  'val-metric': { type: 'text', default: 'loss', help: 'loss, acc or f1; every epoch is saved whatever it is' },
  'data-parallelism': { type: 'integer', default: 1, help: 'generators that take turns (folder only)' },
  seed: { type: 'integer', help: 'seed of patients and frames; 0 means none' },
  patients: {
    type: 'text',
    help: 'use only these ids of the folder, as in 0-19,25, or a file of such (default: those of its icentia11k.json, else all)',
  },
  normalize: {
    type: 'text',
    help: "measured (what convert-icentia measured) or MEAN,STD; default the original's constants (folder only)",
    addition: true,
  },
  ...additions,
} as const satisfies FlagTable;
