import type { JobOptions } from '../../../jobs/job.ts';
import type { PretrainingTask } from '../utils.ts';

/** Choices of `valMetric`. Every epoch is saved, whatever the metric (Quirk Q47). */
export const pretrainingMetrics = ['loss', 'acc', 'f1'] as const;

/** Options of a pretraining job; names and defaults are those of `pretraining.trainer`'s flags. */
export interface PretrainOptions extends JobOptions {
  readonly task: PretrainingTask;
  /** Icentia11k folder, or one pickled data file. */
  readonly train: string;
  /** Pickled validation set; takes precedence over `valPatients`. */
  readonly valFile?: string;
  /** Where to store validation frames collected from the folder. */
  readonly cacheVal?: string;
  /** Checkpoint of the same model to start from. */
  readonly weightsFile?: string;
  /** The folder holds unzipped files. Default: as its `icentia11k.json` says, else false. */
  readonly unzipped?: boolean;
  /** Validation patients: a count if at least 1 (Quirk Q48), else a fraction. */
  readonly valPatients?: number;
  /** Validation frames to collect from the folder; default all samples of all validation patients. */
  readonly valSize?: number;
  /** `resnet18` (default), `resnet34` or `resnet50`. */
  readonly arch?: string;
  /** Use only the first `stages` stages of the network. */
  readonly stages?: number;
  /** Samples per frame. Default 2048. */
  readonly frameSize?: number;
  /** Frames in a CPC context. Default 8. */
  readonly contextSize?: number;
  /** CPC negatives. Default 1. */
  readonly ns?: number;
  /** Frames between a CPC context and its positive. Default 0. */
  readonly positiveOffset?: number;
  /** Samples shared by neighbouring frames of a CPC context. Default 0. */
  readonly contextOverlap?: number;
  /** Frames per step. Default 32. */
  readonly batchSize?: number;
  /** Frames taken each time a patient is loaded. Default 1000. */
  readonly samplesPerPatient?: number;
  /** The same for validation. */
  readonly valSamplesPerPatient?: number;
  /** Batches per epoch of a folder. Default 100. */
  readonly stepsPerEpoch?: number;
  /** Default `loss`. */
  readonly valMetric?: (typeof pretrainingMetrics)[number];
  /** Generators that take turns. Default 1. */
  readonly dataParallelism?: number;
  /** Only these ids of the folder, as in `0-19,25`, or a file of such. Default: those of its `icentia11k.json`, else all 11,000. */
  readonly patients?: string;
  /** `measured` or `MEAN,STD` of a folder's signals; default the original's constants. */
  readonly normalize?: string;
}
