import { augmentationList } from '../../../jobs/augmentation.ts';
import { architecture, jobAdditions, jobFolder, optimizerAdditions } from '../../../jobs/flags.ts';
import { type FlagTable, grouped } from '../../../lib/argparse/flags.ts';
import { float, int } from '../../../lib/argparse/types.ts';
import { ruleOr } from '../../../lib/thresholds.ts';

/** The command line of `finetuning.trainer`, in its order, and additions. */
export const finetuneFlags = {
  jobDir: jobFolder,
  train: { value: 'FILE', required: true, help: 'training set, a file made by prepare-data' },
  val: { value: 'FILE', help: 'validation set; takes precedence over --val-size' },
  test: { value: 'FILE', help: 'test set' },
  weightsFile: {
    value: 'FILE',
    help: 'start from the weights of a pretrained backbone or of a whole classifier: a file, or an address\n(https://… or hf://OWNER/REPO/FILE@REVISION, with #sha256=… if you know it)',
  },
  valSize: { value: 'SIZE', type: float, help: 'training records to validate on: a count (1 or more) or a fraction' },
  arch: architecture,
  subset: { value: 'SIZE', type: float, help: 'training records to keep: a count (1 or more) or a fraction' },
  batchSize: { value: 'N', type: int, default: 32, help: 'records per step' },
  valMetric: { value: 'NAME', default: 'loss', help: 'metric that chooses the best weights: loss, acc, f1 or auc' },
  channel: { value: 'N', type: int, help: 'train on this lead only; the first is 0' },
  epochs: { value: 'N', type: int, default: 1, help: 'epochs to train' },
  seed: { value: 'N', type: int, help: 'seed of the splits; 0 means none', defaultText: 'drawn' },
  verbose: { help: 'accepted, has no effect' },
  split: {
    value: 'HOW',
    help: 'what --val-size and --subset divide by: record or patient',
    defaultText: 'patient where patients are known, except in published collections',
    addition: true,
  },
  freezeEpochs: {
    value: 'N',
    type: int,
    help: 'train only the head in the first N epochs, and leave the weights of --weights-file as they are',
    defaultText: '0',
    addition: true,
  },
  stopMetric: {
    value: 'NAME',
    help: 'metric that ends the job when it no longer improves: loss, acc, or the f1 or auc of --val-metric',
    defaultText: 'loss, where there is validation',
    addition: true,
  },
  stopPatience: {
    value: 'N',
    type: int,
    help: 'epochs without an improvement after which the job ends',
    defaultText: '50',
    addition: true,
  },
  augment: {
    value: 'LIST',
    help: `change the training recordings at random in each epoch: ${augmentationList}`,
    defaultText: 'no changes',
    addition: true,
  },
  classWeights: {
    value: 'HOW',
    help: 'weigh the losses so that rare labels count as much as frequent ones: balanced',
    defaultText: 'all 1',
    addition: true,
  },
  ...optimizerAdditions,
  threshold: {
    value: 'RULE',
    type: ruleOr(['default']),
    help: 'choose a threshold for each class on the validation records, for predict and the report: f1 (the highest F1), youden, or a stated sensitivity, such as sensitivity=0.95; default decides as the original does (most probable class, or at least 0.5)',
    default: 'default',
    addition: true,
  },
  ...jobAdditions,
} as const satisfies FlagTable;

/** The same as `--help` shows them. */
export const finetuneGroups = grouped(finetuneFlags, {
  Data: ['jobDir', 'train', 'val', 'test', 'valSize', 'subset', 'split', 'channel'],
  Network: ['arch', 'weightsFile', 'precision', 'kernels'],
  Training: [
    'batchSize',
    'epochs',
    'valMetric',
    'devices',
    'freezeEpochs',
    'classWeights',
    'augment',
    'stopMetric',
    'stopPatience',
    'seed',
    'initSeed',
    'verbose',
  ],
  Optimiser: Object.keys(optimizerAdditions),
  Decisions: ['threshold'],
  Job: ['resume', 'force', 'maxTime', 'saveEvery'],
});
