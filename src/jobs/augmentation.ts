import { UsageError } from '../errors.ts';
import { near } from '../lib/near.ts';
import { astype } from '../lib/numpy/convert.ts';
import { type NdArray, ndarray } from '../lib/numpy/ndarray.ts';
import { RandomState } from '../lib/numpy/random.ts';
import { parseNumber } from '../lib/python/number.ts';

/**
 * The changes, in the order in which they are applied, each with the strength that it has by default.
 *
 * - `shift`: moves the recording by up to so many samples to either side; zeros come in.
 * - `scale`: multiplies all leads by a factor from 1 − strength to 1 + strength.
 * - `wander`: adds a baseline to each lead: lines between heights of up to the strength, at eight to sixteen evenly spaced places.
 * - `noise`: adds to each sample noise with about a normal distribution and this standard deviation.
 * - `lead-dropout`: sets each lead to zero with this probability, but never all of them.
 *
 * Baseline and noise leave zeros alone that pad a recording in front or that a shift has brought in.
 */
export const augmentations = { shift: 50, scale: 0.1, wander: 0.1, noise: 0.05, 'lead-dropout': 0.1 } as const;
type AugmentationName = keyof typeof augmentations;

/** Strengths of the changes to apply. */
export type Augmentation = Readonly<Partial<Record<AugmentationName, number>>>;

const names = Object.keys(augmentations) as AugmentationName[];

/** All changes with their default strengths, as `--augment` takes them. */
export const augmentationList = names.map((name) => `${name}=${augmentations[name]}`).join(',');

/**
 * Reads `--augment`: names of changes between commas, each with `=` and its strength if that is not the default, such as `noise,shift=100`.
 *
 * @throws UsageError for a text that is no such list.
 */
export function parseAugmentation(text: string): Augmentation {
  const found: Partial<Record<AugmentationName, number>> = {};
  for (const part of text.split(',').map((one) => one.trim())) {
    const [given, strength, ...rest] = part.split('=');
    const name = names.find((one) => one === given);
    if (name === undefined || rest.length > 0) {
      throw new UsageError('--augment: invalid value', {
        got: part,
        expected: `changes between commas, each with =STRENGTH if wanted: ${names.join(', ')}`,
        next: near(given, names),
      });
    }
    if (found[name] !== undefined) throw new UsageError(`--augment: ${name} is there twice`);
    found[name] = strengthOf(name, strength);
  }
  return found;
}

function strengthOf(name: AugmentationName, text: string | undefined): number {
  if (text === undefined) return augmentations[name];
  const value = parseNumber(text) ?? Number.NaN;
  const [isValid, expected] =
    name === 'shift'
      ? [Number.isInteger(value) && value >= 1 && value < 2 ** 31, 'a whole number of samples of at least 1']
      : name === 'noise' || name === 'wander'
        ? [Number.isFinite(value) && value > 0, 'a number above 0']
        : [value > 0 && value < 1, 'a number between 0 and 1'];
  if (isValid) return value;
  throw new UsageError(`--augment: invalid strength of ${name}`, { got: text, expected });
}

/** Throws a UsageError if a shift may leave nothing of recordings of so many samples. */
export function requireShift({ shift }: Augmentation, samples: number): void {
  if (shift === undefined || shift < samples) return;
  throw new UsageError('--augment: shift would leave nothing of a recording', {
    got: `${shift} samples`,
    expected: `less than the ${samples} samples of the recordings`,
  });
}

/**
 * A copy of recordings `(records, samples, leads)` with changes at random, computed in float64. Each record of each epoch has a generator of
 * its own, so a resumed job repeats the draws. `records` are the numbers of the recordings in their set.
 */
export function augmented(
  x: NdArray,
  augmentation: Augmentation,
  { seed, epoch, records }: { readonly seed: number; readonly epoch: number; readonly records: ArrayLike<number> },
): NdArray {
  const [count, samples, leads] = x.shape;
  const values = Float64Array.from(x.data as Float32Array);
  for (let i = 0; i < count; i++) {
    const draws = new RandomState([seed, epoch, records[i]]);
    change(values.subarray(i * samples * leads, (i + 1) * samples * leads), samples, leads, augmentation, draws);
  }
  return astype(ndarray('float64', x.shape, values), x.dtype);
}

function change(
  values: Float64Array,
  samples: number,
  leads: number,
  augmentation: Augmentation,
  draws: RandomState,
): void {
  const { shift, scale, wander, noise, 'lead-dropout': dropout } = augmentation;
  const by = shift === undefined ? 0 : draws.randint(-shift, shift + 1);
  // Padding, and what a shift leaves empty, stay zero.
  const from = Math.min(samples, Math.max(0, paddingOf(values, leads) + by));
  const to = Math.max(from, samples + Math.min(0, by));
  moveBy(values, by * leads);
  if (scale !== undefined) {
    const factor = 1 + scale * (2 * draws.randomSample() - 1);
    for (let i = 0; i < values.length; i++) values[i] *= factor;
  }
  if (wander !== undefined) {
    for (let lead = 0; lead < leads; lead++) {
      const pieces = draws.randint(8, 17);
      const heights = draws.randomSample(pieces + 1).map((drawn) => wander * (2 * drawn - 1));
      for (let t = from; t < to; t++) {
        const place = (t * pieces) / samples;
        const piece = Math.floor(place);
        const share = place - piece;
        values[t * leads + lead] += heights[piece] * (1 - share) + heights[piece + 1] * share;
      }
    }
  }
  if (noise !== undefined) {
    const drawn = draws.randomSample(4 * values.length);
    // The sum of four uniform numbers has the mean 2 and the variance 1/3.
    const factor = noise * Math.sqrt(3);
    for (let i = from * leads; i < to * leads; i++) {
      values[i] += factor * (drawn[4 * i] + drawn[4 * i + 1] + drawn[4 * i + 2] + drawn[4 * i + 3] - 2);
    }
  }
  if (dropout !== undefined) dropLeads(values, leads, dropout, draws);
}

/** Number of samples at the beginning in which all leads are zero. */
function paddingOf(values: Float64Array, leads: number): number {
  const first = values.findIndex((value) => value !== 0);
  return Math.floor((first === -1 ? values.length : first) / leads);
}

function moveBy(values: Float64Array, by: number): void {
  const kept = values.slice(Math.max(0, -by), Math.max(0, values.length - Math.max(0, by)));
  values.fill(0);
  if (kept.length > 0) values.set(kept, Math.max(0, by));
}

function dropLeads(values: Float64Array, leads: number, probability: number, draws: RandomState): void {
  const drawn = draws.randomSample(leads);
  const kept = draws.randint(leads);
  for (let lead = 0; lead < leads; lead++) {
    if (lead === kept || drawn[lead] >= probability) continue;
    for (let i = lead; i < values.length; i += leads) values[i] = 0;
  }
}
