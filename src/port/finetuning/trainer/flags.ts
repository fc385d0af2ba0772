import { additions } from '../../../jobs/common_flags.ts';
import type { FlagTable } from '../../../jobs/options.ts';

/** The command line of `finetuning.trainer`, and additions. */
export const finetuneFlags = {
  'job-dir': { type: 'text', required: true, help: 'output folder, created if missing' },
  train: { type: 'text', required: true, help: 'training set, as prepare-data writes it' },
  val: { type: 'text', help: 'validation set; takes precedence over --val-size' },
  test: { type: 'text', help: 'test set' },
  'weights-file': { type: 'text', help: 'weights of a pretrained backbone, or of a whole model of this kind' },
  'val-size': { type: 'number', help: 'training records to validate on: a count if at least 1, else a fraction' },
  arch: { type: 'text', default: 'resnet18', help: 'resnet18, resnet34 or resnet50' },
  subset: { type: 'number', help: 'keep only so many (if at least 1) or such a fraction of the training records' },
  'batch-size': { type: 'integer', default: 32, help: 'records per step' },
  'val-metric': { type: 'text', default: 'loss', help: 'loss, acc, f1 or auc: what the best model is best in' },
  channel: { type: 'integer', help: 'use this lead only' },
  epochs: { type: 'integer', default: 1, help: 'epochs' },
  seed: { type: 'integer', help: 'seed of the splits; 0 means none' },
  verbose: { type: 'switch', help: 'accepted, has no effect' },
  split: {
    type: 'text',
    help: 'what --val-size and --subset count: record or patient (default patient where patients are known, except in published collections)',
    addition: true,
  },
  ...additions,
} as const satisfies FlagTable;
