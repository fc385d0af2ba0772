/** Pretraining data: frames of patients, normalised, as items (`…Generator`) or batches (`…Dataset`). Twin of `pretraining.datasets`. */
import { BatchStream } from './datasets/batch_stream.ts';
import type { BatchOptions, CpcGeneratorOptions, GeneratorOptions, StreamSpec } from './datasets/generators.ts';

export { BatchStream } from './datasets/batch_stream.ts';
export type { FrameBatch } from './datasets/batches.ts';
export * from './datasets/generators.ts';

function dataset(
  spec: Omit<StreamSpec, 'batch' | 'patientIds' | 'options'>,
  patientIds: ArrayLike<number>,
  options: CpcGeneratorOptions & BatchOptions,
): BatchStream {
  const { random, readAhead, batchSize, shuffle, skip, parallelism, ...generator } = options;
  const batch = { batchSize, shuffle, skip, parallelism };
  return new BatchStream(
    { ...spec, patientIds: Array.from(patientIds), options: generator, batch },
    { random, readAhead },
  );
}

/** Batches of rhythm frames. Twin of `pretraining.datasets.rhythm_dataset` followed by `batch`. */
export function rhythmDataset(
  dbDir: string,
  patientIds: ArrayLike<number>,
  frameSize: number,
  options: GeneratorOptions & BatchOptions,
): BatchStream {
  return dataset({ task: 'rhythm', dbDir, frameSize }, patientIds, options);
}

/** Batches of beat frames. Twin of `pretraining.datasets.beat_dataset` followed by `batch`. */
export function beatDataset(
  dbDir: string,
  patientIds: ArrayLike<number>,
  frameSize: number,
  options: GeneratorOptions & BatchOptions,
): BatchStream {
  return dataset({ task: 'beat', dbDir, frameSize }, patientIds, options);
}

/** Batches of heart rate frames. Twin of `pretraining.datasets.heart_rate_dataset` followed by `batch`. */
export function heartRateDataset(
  dbDir: string,
  patientIds: ArrayLike<number>,
  frameSize: number,
  options: GeneratorOptions & BatchOptions,
): BatchStream {
  return dataset({ task: 'hr', dbDir, frameSize }, patientIds, options);
}

/** Batches of contrastive tasks. Twin of `pretraining.datasets.cpc_dataset` followed by `batch`. */
export function cpcDataset(
  dbDir: string,
  patientIds: ArrayLike<number>,
  frameSize: number,
  contextSize: number,
  ns: number,
  options: CpcGeneratorOptions & BatchOptions,
): BatchStream {
  return dataset({ task: 'cpc', dbDir, frameSize, contextSize, ns }, patientIds, options);
}
