import { toFloat64 } from './numpy/convert.ts';
import type { NdArray } from './numpy/ndarray.ts';
import { ValueError } from './python/errors.ts';
import type { Indicator } from './sklearn/metrics.ts';

/** Classes whose probability is the row's maximum; none in a row with NaN. */
export function mostProbable(yProb: NdArray): Indicator {
  const [rows, columns] = requireMatrix(yProb);
  const prob = toFloat64(yProb);
  const data = new Uint8Array(prob.length);
  for (let row = 0; row < rows; row++) {
    let highest = Number.NEGATIVE_INFINITY;
    for (let i = row * columns; i < (row + 1) * columns; i++) highest = Math.max(highest, prob[i]);
    for (let i = row * columns; i < (row + 1) * columns; i++) data[i] = prob[i] >= highest ? 1 : 0;
  }
  return { rows, columns, data };
}

/** Classes that reach their threshold. */
export function atThreshold(yProb: NdArray, threshold: number | readonly number[]): Indicator {
  const [rows, columns] = requireMatrix(yProb);
  const prob = toFloat64(yProb);
  if (typeof threshold !== 'number' && threshold.length !== columns) {
    throw new ValueError(`${threshold.length} thresholds for ${columns} classes`);
  }
  // NumPy compares a float32 array with a single number in float32, with several in float64.
  const single = yProb.dtype === 'float32' && typeof threshold === 'number' ? Math.fround(threshold) : threshold;
  const data = Uint8Array.from(prob, (p, i) =>
    p >= (typeof single === 'number' ? single : single[i % columns]) ? 1 : 0,
  );
  return { rows, columns, data };
}

/** Number of rows and columns of probabilities; throws a ValueError unless they are a matrix. */
export function requireMatrix({ shape }: NdArray): [rows: number, columns: number] {
  if (shape.length !== 2) throw new ValueError(`y_prob must have shape (samples, classes), got (${shape.join(', ')})`);
  return [shape[0], shape[1]];
}
