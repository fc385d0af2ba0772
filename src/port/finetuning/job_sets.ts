import type { NdArray } from '../../lib/numpy/ndarray.ts';
import { splitSize } from '../training/sampling.ts';
import { isMulticlass } from '../transplant/utils.ts';
import {
  loadTrainingSet,
  type OpenTrainingSet,
  type TrainingSet,
  trainTestSplit,
  type UnpackOptions,
  withLead,
} from './training_set.ts';

/** The sets of a finetuning job. */
export interface JobSets {
  readonly train: TrainingSet;
  readonly val?: TrainingSet;
  readonly test?: TrainingSet;
}

/** Which files, and what of them; see `FinetuneOptions`. */
export interface JobSetOptions {
  readonly train: string;
  readonly val?: string;
  readonly test?: string;
  readonly valSize?: number;
  readonly subset?: number;
  readonly channel?: number;
}

/** Opens the sets of a job, uses them, and closes them. The validation set is cut off before the subset is taken. */
export async function withJobSets<T>(
  options: JobSetOptions,
  unpack: UnpackOptions,
  use: (sets: JobSets) => Promise<T>,
): Promise<T> {
  const opened: OpenTrainingSet[] = [];
  const open = async (path: string): Promise<TrainingSet> => {
    const set = await loadTrainingSet(path, unpack);
    opened.push(set);
    return set;
  };
  try {
    let train = await open(options.train);
    let val: TrainingSet | undefined;
    if (options.val) {
      val = await open(options.val);
    } else if (options.valSize) {
      [train, val] = trainTestSplit(train, { testSize: splitSize(options.valSize), stratify: strata(train) });
    }
    const test = options.test ? await open(options.test) : undefined;
    if (options.subset) {
      [train] = trainTestSplit(train, { trainSize: splitSize(options.subset), stratify: strata(train) });
    }
    const { channel } = options;
    const narrow = (set: TrainingSet): TrainingSet => (channel === undefined ? set : withLead(set, channel));
    return await use({ train: narrow(train), val: val && narrow(val), test: test && narrow(test) });
  } finally {
    for (const set of opened) set.close();
  }
}

// Quirk Q49 (changed): every distinct row of several labels would be a class, and one seen once stops the split.
function strata(set: TrainingSet): NdArray | undefined {
  return isMulticlass(set.y) ? undefined : set.y;
}
