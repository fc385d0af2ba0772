import { silent } from '../events.ts';
import { describeFlags } from '../jobs/options.ts';
import { pretrainFlags } from '../port/pretraining/trainer/flags.ts';
import { type PretrainOptions, pretrain, settledOptions } from '../port/pretraining/trainer.ts';
import { runJob } from './run_job.ts';

export const help = `ecg-transplant pretrain --job-dir DIR --task TASK --train DATA [options]

Trains a network on frames of Icentia11k: rhythm, beat or heart rate of a frame, or contrastive predictive coding.

${describeFlags(pretrainFlags)}
Unknown options are ignored with a warning, and unambiguous beginnings of the original's options suffice, as in the original.
Ctrl-C, SIGTERM, SIGUSR1 and --max-time finish the step, save, and exit with code 75; --resume goes on to the same bits. Files of a job
folder: docs/jobs.md.

Example:
  ecg-transplant pretrain --job-dir jobs/beat --task beat --train data/icentia11k --unzipped --arch resnet18 --val-patients 0.05 \\
    --val-size 20000 --val-metric f1 --epochs 10 --seed 1
`;

export const pauses = true;

/** `ecg-transplant pretrain`. */
export function run(args: readonly string[]): Promise<number> {
  return runJob(
    {
      kind: 'pretrain',
      flags: pretrainFlags,
      settle: (options) => settledOptions(options as PretrainOptions, silent),
      start: (options, context) => pretrain(options as PretrainOptions, context),
    },
    args,
  );
}
