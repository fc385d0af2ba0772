import { InputError } from '../errors.ts';
import type { NdArray } from '../lib/numpy/ndarray.ts';
import { millivoltsPer } from '../lib/wfdb/units.ts';
import type { Note } from './stored.ts';

/** Which faults of a recording are accepted. */
export interface Tolerated {
  /** Accept missing samples (NaN). */
  readonly keepMissing: boolean;
  /** Leads that do not vary. `no`: none is accepted; `leads`: accepted with a warning if another lead varies; `yes`: accepted. */
  readonly keepFlat: 'no' | 'leads' | 'yes';
}

/** The median absolute value (mV) of an ECG lies between these. */
const [quietest, loudest] = [1e-3, 20];

/**
 * Checks that a recording can be used: it has samples, none is missing, and its leads vary. Warns of an amplitude that no ECG has.
 *
 * @param signal (samples, leads) in `units`.
 * @param names of the leads.
 * @throws InputError naming file, sample and lead.
 */
export function checkSignal(
  signal: NdArray<'float64'>,
  names: readonly string[],
  {
    file,
    units,
    keepMissing,
    keepFlat,
    note,
  }: Tolerated & { file: string; units: string; note?: (note: Note) => void },
): void {
  const { data, shape } = signal;
  const [samples, leads] = shape as [number, number];
  if (samples === 0) throw new InputError('the recording has no samples', { file });
  const missing = keepMissing ? -1 : data.findIndex((value) => !Number.isFinite(value));
  if (missing !== -1) {
    throw new InputError('a sample is missing or not finite', {
      file,
      where: `sample ${Math.floor(missing / leads)} of lead ${names[missing % leads]}`,
      next: 'Leave the record out or repair it; prepare-data lets it pass with --keep-missing.',
    });
  }
  const ranges = names.map((_, lead) => rangeOf(data, lead, leads));
  const isFlat = ranges.map(({ lowest, highest }) => highest <= lowest);
  const flat = names.filter((_, lead) => isFlat[lead]);
  if (flat.length > 0 && keepFlat !== 'yes') {
    const text = flat.length === 1 ? 'a lead does not vary' : 'leads do not vary';
    if (keepFlat === 'no' || flat.length === leads) {
      throw new InputError(flat.length === leads ? 'the recording is flat: no lead varies' : text, {
        file,
        where: `lead ${flat.join(', ')}`,
        got: `${samples === 1 ? 'one sample' : `${samples} samples`} of ${ranges[isFlat.indexOf(true)].lowest} ${units}`,
        next: 'Leave the record out, or take other leads with --leads; prepare-data lets it pass with --keep-flat.',
      });
    }
    note?.({
      kind: 'warning',
      about: 'recordings with leads that do not vary',
      file,
      text: `${file}: ${text} (${flat.join(', ')})`,
    });
  }
  names.forEach((name, lead) => {
    const median = isFlat[lead] ? undefined : absurdMedian(data, lead, leads, millivoltsPer(units) ?? 1);
    if (median === undefined) return;
    const text = `${file}: lead ${name} has a median absolute value of ${Number(median.toPrecision(3))} ${units}; is its unit right?`;
    note?.({ kind: 'warning', about: 'recordings with an amplitude that no ECG has', file, text });
  });
}

/** Smallest and largest value of a lead. A lead with only missing samples counts as varying: 0 and 1. */
function rangeOf(data: Float64Array, lead: number, leads: number): { lowest: number; highest: number } {
  let [lowest, highest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = lead; i < data.length; i += leads) {
    const value = data[i];
    if (value < lowest) lowest = value;
    if (value > highest) highest = value;
  }
  return lowest > highest ? { lowest: 0, highest: 1 } : { lowest, highest };
}

/** The median absolute value of a lead, if no ECG has such a value. */
function absurdMedian(data: Float64Array, lead: number, leads: number, millivolts: number): number | undefined {
  let [count, quiet, loud] = [0, 0, 0];
  for (let i = lead; i < data.length; i += leads) {
    const size = Math.abs(data[i]);
    if (Number.isNaN(size)) continue;
    count++;
    if (size * millivolts < quietest) quiet++;
    else if (size * millivolts > loudest) loud++;
  }
  if (Math.max(quiet, loud) * 2 <= count) return undefined;
  const sizes = Float64Array.from({ length: data.length / leads }, (_, i) => Math.abs(data[i * leads + lead])).sort();
  return sizes[count >> 1];
}
