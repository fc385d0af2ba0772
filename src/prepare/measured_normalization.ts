import { InputError } from '../errors.ts';
import type { Reporter } from '../events.ts';
import type { Normalization } from '../port/transplant/datasets/physionet/normalization.ts';
import { type RecordPlan, readPlanned } from './record_transform.ts';

/** Mean and population standard deviation per lead, in double precision, without missing samples. */
export function measureNormalization(paths: readonly string[], plan: RecordPlan, report: Reporter): Normalization {
  const task = 'measuring mean and standard deviation';
  const leads = plan.leads.length;
  const sums = new Float64Array(leads);
  const squares = new Float64Array(leads);
  const counts = new Float64Array(leads);
  report({ kind: 'start', task, total: paths.length, unit: 'records' });
  for (const [done, path] of paths.entries()) {
    // Measured as recorded: normalisation comes before resampling.
    const { data } = readPlanned(path, plan).signal;
    for (let i = 0; i < data.length; i++) {
      const value = data[i];
      if (Number.isNaN(value)) continue;
      counts[i % leads]++;
      sums[i % leads] += value;
      squares[i % leads] += value * value;
    }
    report({ kind: 'progress', task, done });
  }
  report({ kind: 'end', task });
  const mean = Array.from(sums, (sum, lead) => sum / counts[lead]);
  const std = Array.from(squares, (square, lead) => Math.sqrt(square / counts[lead] - mean[lead] ** 2));
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
