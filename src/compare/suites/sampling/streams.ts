import type { FrameTask } from '../../../bridge/original_sampling.ts';
import type { RandomState } from '../../../lib/numpy/random.ts';
import {
  type BatchOptions,
  type BatchStream,
  beatDataset,
  beatGenerator,
  type CpcGeneratorOptions,
  cpcDataset,
  cpcGenerator,
  heartRateDataset,
  heartRateGenerator,
  rhythmDataset,
  rhythmGenerator,
} from '../../../port/pretraining/datasets.ts';
import type { CpcItem, LabelledFrame } from '../../../port/transplant/datasets/icentia11k.ts';
import type { IcentiaPatients } from '../../data.ts';
import type { TaskName } from '../../suite.ts';

/** Tasks by the names of their generators. */
export const tasks: Readonly<Record<FrameTask, TaskName>> = {
  rhythm: 'rhythm',
  beat: 'beat',
  heart_rate: 'hr',
  cpc: 'cpc',
};

/** Settings of a stream of frames. */
export interface Stream {
  readonly task: FrameTask;
  readonly frameSize: number;
  readonly options: Omit<CpcGeneratorOptions, 'random' | 'unzipped' | 'normalize'> & { readonly normalize?: boolean };
  /** Contrastive tasks only. */
  readonly contextSize?: number;
  readonly ns?: number;
}

/** Streams of every task: few and many frames per patient, normalised or not, in several sizes. */
export const streams: Readonly<Record<FrameTask, readonly Stream[]>> = {
  rhythm: [
    { task: 'rhythm', frameSize: 2048, options: { samplesPerPatient: 40 } },
    { task: 'rhythm', frameSize: 333, options: { samplesPerPatient: 3, normalize: false } },
  ],
  beat: [
    { task: 'beat', frameSize: 2048, options: { samplesPerPatient: 40 } },
    { task: 'beat', frameSize: 200, options: { samplesPerPatient: 5, normalize: false } },
  ],
  heart_rate: [
    { task: 'heart_rate', frameSize: 2048, options: { samplesPerPatient: 40 } },
    { task: 'heart_rate', frameSize: 777, options: { samplesPerPatient: 5, normalize: false } },
  ],
  cpc: [
    { task: 'cpc', frameSize: 512, contextSize: 4, ns: 3, options: { samplesPerPatient: 20, numBufferedPatients: 2 } },
    {
      task: 'cpc',
      frameSize: 256,
      contextSize: 3,
      ns: 1,
      options: {
        samplesPerPatient: 7,
        numBufferedPatients: 3,
        contextOverlap: 64,
        positiveOffset: 1,
        normalize: false,
      },
    },
  ],
};

/** The port's items of a stream. */
export function portFrames(
  { task, frameSize, options, contextSize = 0, ns = 0 }: Stream,
  { dbDir, patientIds, unzipped }: IcentiaPatients,
  random: RandomState,
): Generator<LabelledFrame> | Generator<CpcItem> {
  const settings = { ...options, unzipped, random };
  switch (task) {
    case 'rhythm':
      return rhythmGenerator(dbDir, patientIds, frameSize, settings);
    case 'beat':
      return beatGenerator(dbDir, patientIds, frameSize, settings);
    case 'heart_rate':
      return heartRateGenerator(dbDir, patientIds, frameSize, settings);
    case 'cpc':
      return cpcGenerator(dbDir, patientIds, frameSize, contextSize, ns, settings);
  }
}

/** The port's batches of a stream. */
export function portBatches(
  { task, frameSize, options, contextSize = 0, ns = 0 }: Stream,
  { dbDir, patientIds, unzipped }: IcentiaPatients,
  batch: BatchOptions & { readonly random: RandomState },
): BatchStream {
  const settings = { ...options, ...batch, unzipped };
  switch (task) {
    case 'rhythm':
      return rhythmDataset(dbDir, patientIds, frameSize, settings);
    case 'beat':
      return beatDataset(dbDir, patientIds, frameSize, settings);
    case 'heart_rate':
      return heartRateDataset(dbDir, patientIds, frameSize, settings);
    case 'cpc':
      return cpcDataset(dbDir, patientIds, frameSize, contextSize, ns, settings);
  }
}

/** The options by their Python names. */
export function pythonOptions({ task, options, contextSize, ns }: Stream): Record<string, number | boolean> {
  const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  const given = { ...options, ...(task === 'cpc' ? { contextSize, ns } : {}) };
  return Object.fromEntries(
    Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [[snake(name), value]])),
  ) as Record<string, number | boolean>;
}
