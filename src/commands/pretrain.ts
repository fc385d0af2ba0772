import { jobNotes } from '../jobs/run_job.ts';
import { helpOf } from '../lib/argparse/command_line.ts';
import { pretrainFlags, pretrainGroups } from '../port/pretraining/trainer/flags.ts';
import { main } from '../port/pretraining/trainer.ts';
import { fetchWeights } from './remote_inputs.ts';

export function help(): string {
  return helpOf({
    program: 'ecg-transplant pretrain',
    about: `Trains a network on frames of Icentia11k: to tell the rhythm, the beats or the heart rate of a frame, or by contrastive
predictive coding (CPC).`,
    flags: pretrainGroups,
    notes: jobNotes(pretrainFlags),
    examples: `ecg-transplant pretrain --job-dir jobs/beat --task beat --train data/icentia11k --unzipped --arch resnet18 --val-patients 0.05 \\
  --val-size 20000 --val-metric f1 --epochs 10 --seed 1`,
  });
}

export const pauses = true;

/** `ecg-transplant pretrain`. */
export const run = (args: readonly string[]): Promise<number> => main(args, fetchWeights);
