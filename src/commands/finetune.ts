import { describeFlags } from '../jobs/options.ts';
import { finetuneFlags } from '../port/finetuning/trainer/flags.ts';
import { type FinetuneOptions, finetune } from '../port/finetuning/trainer.ts';
import { runJob } from './run_job.ts';

export const help = `ecg-transplant finetune --job-dir DIR --train FILE [options]

Trains a classifier of labelled ECGs, from pretrained weights or from scratch, and predicts the training, validation and test records.

${describeFlags(finetuneFlags)}
Unknown options are ignored with a warning, and unambiguous beginnings of the original's options suffice, as in the original.
Ctrl-C, SIGTERM, SIGUSR1 and --max-time finish the step, save, and exit with code 75; --resume goes on to the same bits. Files of a job
folder: docs/jobs.md.

Example:
  ecg-transplant finetune --job-dir jobs/af --train data/physionet_train.pkl --test data/physionet_test.pkl --val-size 0.0625 \\
    --weights-file jobs/beat/resnet18.weights.h5 --batch-size 128 --epochs 200 --val-metric f1 --seed 1
`;

export const pauses = true;

/** `ecg-transplant finetune`. */
export function run(args: readonly string[]): Promise<number> {
  return runJob(
    {
      kind: 'finetune',
      flags: finetuneFlags,
      start: (options, context) => finetune(options as FinetuneOptions, context),
    },
    args,
  );
}
