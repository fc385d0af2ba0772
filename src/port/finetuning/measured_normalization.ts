import { InputError } from '../../errors.ts';
import type { Reporter } from '../../events.ts';
import { type Normalization, prepareRecording, type RecordPlan } from './record_transform.ts';
import { readRecording } from './recordings.ts';

/** Mean and population standard deviation per lead, in double precision. */
export function measureNormalization(paths: readonly string[], plan: RecordPlan, report: Reporter): Normalization {
  const task = 'measuring mean and standard deviation';
  const leads = plan.leads.length;
  const sums = new Float64Array(leads);
  const squares = new Float64Array(leads);
  let count = 0;
  report({ kind: 'start', task, total: paths.length, unit: 'records' });
  // Measured as recorded: normalisation comes before resampling.
  const asRecorded: RecordPlan = { ...plan, fs: null };
  for (const [done, path] of paths.entries()) {
    const recorded = readRecording(path, plan.format).fs;
    const { data } = prepareRecording(path, { ...asRecorded, recordedFs: recorded }, neverResample);
    for (let i = 0; i < data.length; i++) {
      const value = data[i]!;
      sums[i % leads]! += value;
      squares[i % leads]! += value * value;
    }
    count += data.length / leads;
    report({ kind: 'progress', task, done });
  }
  report({ kind: 'end', task });
  const mean = Array.from(sums, (sum) => sum / count);
  const std = Array.from(squares, (square, lead) => Math.sqrt(square / count - mean[lead]! ** 2));
  const flat = std.findIndex((value) => !(value > 0));
  if (flat !== -1) {
    throw new InputError('a lead does not vary, so it cannot be normalised', {
      where: `lead ${plan.leads[flat]}`,
      got: `mean ${mean[flat]}, standard deviation ${std[flat]}`,
      next: 'Leave the lead out (--leads), or choose --normalize none.',
    });
  }
  return { mean, std };
}

const neverResample = {
  library: 'none',
  resample(): never {
    throw new Error('recordings are measured as recorded');
  },
};
