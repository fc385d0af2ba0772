import { jobNotes } from '../jobs/run_job.ts';
import { helpOf } from '../lib/argparse/command_line.ts';
import { finetuneFlags, finetuneGroups } from '../port/finetuning/trainer/flags.ts';
import { main } from '../port/finetuning/trainer.ts';

export function help(): string {
  return helpOf({
    program: 'ecg-transplant finetune',
    about: `Trains a classifier on labelled ECGs, from pretrained weights or from scratch, and predicts the training, validation and test records.`,
    flags: finetuneGroups,
    notes: jobNotes(finetuneFlags),
    examples: `ecg-transplant finetune --job-dir jobs/af --train data/physionet_train.pkl --test data/physionet_test.pkl --val-size 0.0625 \\
  --weights-file jobs/beat/resnet18.weights.h5 --batch-size 128 --epochs 200 --val-metric f1 --seed 1`,
  });
}

export const pauses = true;

/** `ecg-transplant finetune`. */
export const run = main;
