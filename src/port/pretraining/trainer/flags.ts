import { architecture, jobAdditions, jobFolder, optimizerAdditions } from '../../../jobs/flags.ts';
import { type FlagTable, grouped } from '../../../lib/argparse/flags.ts';
import { float, int } from '../../../lib/argparse/types.ts';

/** The command line of `pretraining.trainer`, in its order, and additions. */
export const pretrainFlags = {
  jobDir: jobFolder,
  task: { value: 'TASK', required: true, help: 'what to learn: rhythm, beat, hr or cpc' },
  train: { value: 'DATA', required: true, help: 'Icentia11k folder, or one pickled data file' },
  valFile: { value: 'FILE', help: 'pickled validation set; takes precedence over --val-patients' },
  cacheVal: { value: 'FILE', help: 'file to store the validation frames in that are collected from the folder' },
  weightsFile: {
    value: 'FILE',
    help: 'start from a checkpoint of the same model: a file, or an address (https://…, hf://OWNER/REPO/FILE@REVISION)',
  },
  unzipped: { help: 'read unzipped files from the folder', defaultText: 'as its icentia11k.json says' },
  valPatients: { value: 'SIZE', type: float, help: 'patients to validate on: a count (1 or more) or a fraction' },
  valSize: { value: 'N', type: int, help: 'validation frames to collect from the folder' },
  arch: architecture,
  stages: { value: 'N', type: int, help: 'use only the first N stages of the network', defaultText: 'all' },
  frameSize: { value: 'N', type: int, default: 2048, help: 'samples per frame' },
  contextSize: { value: 'N', type: int, default: 8, help: 'frames in a CPC context' },
  ns: { value: 'N', type: int, default: 1, help: 'CPC negatives' },
  positiveOffset: { value: 'N', type: int, default: 0, help: 'frames between a CPC context and its positive' },
  contextOverlap: {
    value: 'N',
    type: int,
    default: 0,
    help: 'samples that neighbouring frames of a CPC context share',
  },
  batchSize: { value: 'N', type: int, default: 32, help: 'frames per step' },
  samplesPerPatient: { value: 'N', type: int, default: 1000, help: 'frames to take each time a patient is loaded' },
  valSamplesPerPatient: { value: 'N', type: int, help: 'the same for validation', defaultText: 'as for training' },
  stepsPerEpoch: { value: 'N', type: int, default: 100, help: 'steps per epoch, for a folder' },
  epochs: { value: 'N', type: int, default: 1, help: 'epochs to train' },
  valMetric: { value: 'NAME', default: 'loss', help: 'loss, acc or f1; all epochs are saved, whatever it is' },
  dataParallelism: { value: 'N', type: int, default: 1, help: 'generators that take turns, for a folder' },
  seed: { value: 'N', type: int, help: 'seed of patients and frames; 0 means none', defaultText: 'drawn' },
  patients: {
    value: 'LIST',
    help: 'use only these patients of the folder: 0-19,25, or a file with such a list',
    defaultText: 'those in its icentia11k.json, else all',
  },
  normalize: {
    value: 'HOW',
    help: 'normalise a folder with measured (what convert-icentia measured) or MEAN,STD',
    defaultText: "the original's constants",
    addition: true,
  },
  ...optimizerAdditions,
  ...jobAdditions,
} as const satisfies FlagTable;

/** The same as `--help` shows them. */
export const pretrainGroups = grouped(pretrainFlags, {
  Data: ['jobDir', 'train', 'unzipped', 'patients', 'valFile', 'valPatients', 'valSize', 'cacheVal'],
  Frames: [
    ...['frameSize', 'normalize', 'samplesPerPatient', 'valSamplesPerPatient', 'dataParallelism'],
    ...['contextSize', 'contextOverlap', 'positiveOffset', 'ns'],
  ],
  Network: ['task', 'arch', 'stages', 'weightsFile', 'precision', 'kernels'],
  Training: ['batchSize', 'stepsPerEpoch', 'epochs', 'valMetric', 'devices', 'seed', 'initSeed'],
  Optimiser: Object.keys(optimizerAdditions),
  Job: ['resume', 'force', 'maxTime', 'saveEvery'],
});
