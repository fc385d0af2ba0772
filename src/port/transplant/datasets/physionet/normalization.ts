import { type NdArray, zeros } from '../../../../lib/numpy/ndarray.ts';
import { ValueError } from '../../../../lib/python/errors.ts';

/** Mean and standard deviation: one of each, or one per lead. */
export interface Normalization {
  readonly mean: number | readonly number[];
  readonly std: number | readonly number[];
}

/** `(x − mean) / std`, in a new array or in place. */
export type Normalizer = (array: NdArray<'float32' | 'float64'>, inplace?: boolean) => NdArray<'float32' | 'float64'>;

/** The function that normalises by these constants. */
export function normalizer({ mean, std }: Normalization): Normalizer {
  return (array, inplace = false) => normalize(array, mean, std, inplace);
}

/**
 * Subtracts the mean and divides by the standard deviation: numbers, or one number per lead (last axis). Twin of `_normalize`, with NumPy's dtypes:
 * on float32 signals numbers are rounded to float32 and every step is float32; lists give a float64 result, or in place steps in double
 * precision that are rounded when stored.
 *
 * @throws ValueError if the last axis is not that of the lists.
 */
function normalize(
  array: NdArray<'float32' | 'float64'>,
  mean: number | readonly number[],
  std: number | readonly number[],
  inplace = false,
): NdArray<'float32' | 'float64'> {
  const means = typeof mean === 'number' ? [mean] : mean;
  const stds = typeof std === 'number' ? [std] : std;
  const leads = means.length;
  if (typeof mean !== 'number' && array.shape.at(-1) !== leads) {
    throw new ValueError(`the last axis must have ${leads} leads, got shape (${array.shape.join(', ')})`);
  }
  const numbers = typeof mean === 'number';
  const single = array.dtype === 'float32' && (numbers || inplace);
  const stored = single ? Math.fround : (value: number): number => value;
  const constant = single && numbers ? Math.fround : (value: number): number => value;
  const out = inplace ? array : zeros(single ? 'float32' : 'float64', array.shape);
  const m = means.map(constant);
  const s = stds.map(constant);
  for (let i = 0; i < array.data.length; i++) {
    const lead = i % leads;
    out.data[i] = stored(stored(array.data[i] - m[lead]) / s[lead]);
  }
  return out;
}
