import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { InputError } from '../../../errors.ts';
import type { Reporter } from '../../../events.ts';
import { bestModelFile, modelFile, readJobModel } from '../../../jobs/job_model.ts';
import { identifyModel } from '../../../networks/identify.ts';
import { describeModel } from '../../../networks/network.ts';
import { factsOf, type SetOfFile } from '../../../prepare/set_check.ts';
import { readWeights } from '../../../weights/files.ts';
import type { FinetuneOptions } from './options.ts';

/**
 * Throws an InputError unless the weights of a backbone or a classifier fit the architecture, the leads and the number of classes. `loadIntoClassifier` reports what
 * is wrong with other weights.
 */
export function requireWeightsFit(
  weightsFile: string,
  { arch = 'resnet18', originals = {} }: Pick<FinetuneOptions, 'arch' | 'originals'>,
  { file, set, preprocessing }: SetOfFile,
  report: Reporter,
): void {
  const model = identifyModel(readWeights(weightsFile));
  const named = Object.hasOwn(originals, weightsFile) ? originals[weightsFile] : weightsFile;
  if (model === undefined || (model.head !== undefined && 'task' in model.head)) return;
  if (model.arch !== arch) {
    throw new InputError('the weights are of another architecture', {
      file: named,
      got: describeModel(model),
      expected: `--arch ${arch}`,
      next: `Finetune their network: --arch ${model.arch}`,
    });
  }
  const [, samples, leads] = set.x.shape;
  if (model.channels !== leads) {
    throw new InputError(`the weights do not fit ${file}`, {
      file: named,
      got: `weights for ${plural(model.channels ?? 1, 'lead')}`,
      expected: plural(leads, 'lead'),
      ...(model.channels === 1 && {
        next: `Spread them over the leads first: ecg-transplant adjust-network --weights-file ${named} --channels ${leads} --arch ${arch}`,
      }),
    });
  }
  if (model.head === undefined) return;
  const { classes } = set;
  if (model.head.classes !== classes.length) {
    throw new InputError(`the weights do not fit ${file}`, {
      file: named,
      got: `a classifier of ${model.head.classes} classes`,
      expected: `${classes.length}: ${classes.join(', ')}`,
      ...(leads === 1 && {
        next: `Take the backbone without its classes: ecg-transplant adjust-network --weights-file ${named} --channels 1 --arch ${arch}`,
      }),
    });
  }
  warnOfOtherTraining(weightsFile, { file, set, preprocessing }, samples, report);
}

/** Warns if the weights come from a finetuning job on other data. That is allowed: weights are only a start. */
function warnOfOtherTraining(
  weightsFile: string,
  { file, set, preprocessing }: SetOfFile,
  samples: number,
  report: Reporter,
): void {
  const folder = dirname(weightsFile);
  if (basename(weightsFile) !== bestModelFile || !existsSync(join(folder, modelFile))) return;
  const job = readJobModel(folder);
  const warn = (text: string): void => report({ kind: 'warning', text: `${weightsFile} was trained on ${text}` });
  if (job.model.classes.join('\n') !== set.classes.join('\n')) {
    warn(
      `the classes ${job.model.classes.join(', ')}; ${file} has ${set.classes.join(', ')}: the outputs start out with the meaning of the former`,
    );
  }
  const form = { samples, leads: set.x.shape[2] };
  const [was, is] = [factsOf(form, job.preprocessing), factsOf(form, preprocessing, job.model.channel)];
  const different = Object.keys(was).filter((name) => is[name] !== undefined && was[name] !== is[name]);
  for (const name of different) warn(`data with the ${name} ${was[name]}; ${file} has ${is[name]}`);
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}
