import { InputError, UsageError } from '../../../errors.ts';
import type { Reporter } from '../../../events.ts';
import { readDescription } from '../../../prepare/icentia11k/description.ts';
import { dsStd, type FrameNormalization } from '../../transplant/datasets/icentia11k.ts';

/** Ratio of standard deviations from which a folder's signals are taken to be in another unit. */
const conspicuous = 3;

/**
 * Resolves the option `--normalize`: absent are the original's constants, `measured` those of the folder's `icentia11k.json`, else
 * `MEAN,STD`. The result is `MEAN,STD` or undefined, so that a job that goes on keeps its numbers.
 *
 * @throws InputError for another text, and for `measured` where nothing is known.
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
    throw new InputError('nothing is known about the signals', {
      file: folder,
      expected: 'icentia11k.json',
      next: 'Convert with: ecg-transplant convert-icentia. Or state the numbers: --normalize MEAN,STD.',
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
