import { InputError, UsageError } from '../../../errors.ts';
import type { Reporter } from '../../../events.ts';
import { readDescription } from '../../../prepare/icentia11k/description.ts';
import { dsStd, type FrameNormalization } from '../../transplant/datasets/icentia11k.ts';

/** Ratio of standard deviations above which a folder's signals are probably in another unit. */
const conspicuous = 3;

/**
 * The option `--normalize` as numbers, so that a resumed job keeps them: `measured` becomes the `MEAN,STD` of the folder's `icentia11k.json`; undefined
 * stands for the original's constants.
 *
 * @throws UsageError for another text; InputError for `measured` if the folder has no `icentia11k.json`.
 */
export function resolveNormalization(text: string | undefined, folder: string, report: Reporter): string | undefined {
  const description = readDescription(folder);
  if (text === undefined) {
    if (description && !(dsStd / description.std < conspicuous && description.std / dsStd < conspicuous)) {
      const warning =
        `the signals of ${folder} have a standard deviation of ${description.std.toPrecision(3)} mV, the original normalises with ${dsStd}: ` +
        'consider --normalize measured';
      report({ kind: 'warning', text: warning });
    }
    return undefined;
  }
  if (text !== 'measured') {
    parseNormalization(text);
    return text;
  }
  if (description === undefined) {
    throw new InputError('mean and standard deviation of the signals are unknown', {
      file: folder,
      expected: 'icentia11k.json',
      next: 'Convert the folder with ecg-transplant convert-icentia, or give the numbers: --normalize MEAN,STD.',
    });
  }
  return `${description.mean},${description.std}`;
}

/** Mean and standard deviation of `MEAN,STD`. */
export function parseNormalization(text: string): FrameNormalization {
  const [mean, std, ...rest] = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  if (rest.length > 0 || !Number.isFinite(mean) || !(std > 0 && Number.isFinite(std))) {
    throw new UsageError('--normalize cannot be used', {
      got: text,
      expected: 'measured, or MEAN,STD such as 0.0018,1.3711',
    });
  }
  return { mean, std };
}
