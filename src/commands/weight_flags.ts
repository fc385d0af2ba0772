import { oneOf, wholeNumber } from '../lib/argparse/types.ts';
import { archs } from '../port/finetuning/utils.ts';
import { weightFormats } from '../weights/files.ts';

/** Flags of the commands on weight files. */

export const architecture = {
  value: 'ARCH',
  type: oneOf(archs),
  help: `network: ${archs.join(', ')}`,
} as const;

export const stages = {
  value: 'N',
  type: wholeNumber(1, 1000),
  help: 'use only the first N stages of the network',
  defaultText: 'all',
} as const;

export const weightFormat = {
  value: 'FORMAT',
  type: oneOf(weightFormats),
  help: 'keras (.weights.h5) or tensorflow (a checkpoint, as tf.keras 2 writes it)',
} as const;
