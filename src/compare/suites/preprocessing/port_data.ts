import type { CollectionName, Preparation } from '../../../bridge/original_data.ts';
import { openResampler } from '../../../lib/samplerate/resample.ts';
import {
  type DataOptions,
  type DataSet,
  getChallenge17Data,
  getChallenge20Data,
  getPtbXlData,
} from '../../../port/finetuning/datasets.ts';

/** A collection as the port's `finetuning.datasets` prepares it. */
export async function portData(collection: CollectionName, folder: string, options: Preparation): Promise<DataSet> {
  const { category, folds, ...rest } = options;
  const settings: DataOptions = { ...rest, resampler: await openResampler() };
  switch (collection) {
    case 'challenge17':
      return getChallenge17Data(folder, settings);
    case 'challenge20':
      return getChallenge20Data(folder, settings);
    case 'ptb_xl':
      return getPtbXlData(folder, { ...settings, category, folds });
  }
}
