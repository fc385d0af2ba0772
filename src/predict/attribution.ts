import { setImmediate } from 'node:timers/promises';
import type { Session } from '../graph/session.ts';
import { type NdArray, ndarray, zeros } from '../lib/numpy/ndarray.ts';

/** How much each sample of a recording adds to the probability of a class. */
export interface Attribution {
  /** Integrated gradients `(samples, leads)`, float64. Their sum is `probability - baselineProbability`, up to the error of the steps. */
  readonly attributions: NdArray<'float64'>;
  /** Gradient of the probability at the recording itself `(samples, leads)`, in the type of the network. */
  readonly gradient: NdArray;
  /** Probability of the class for the recording. */
  readonly probability: number;
  /** Probability of the class for the baseline. */
  readonly baselineProbability: number;
}

/** Which class of which recording to explain. */
export interface ExplanationRequest {
  /** See `recordingFile`. */
  readonly path: string;
  readonly className: string;
}

/** The attributions of a recording as the network sees it. */
export interface Explanation extends ExplanationRequest, Attribution {
  readonly steps: number;
  /** What the network sees, `(samples, leads)`: normalised, resampled, cut or padded. */
  readonly signal: NdArray<'float32'>;
  /** Samples at its beginning that are padding. */
  readonly padding: number;
  /** Sum of the attributions. */
  readonly sum: number;
}

/** Points of the integral, unless others are asked for. */
export const defaultSteps = 64;

/** Largest distance, without a warning, of the sum of attributions from the difference of the probabilities. */
export const largestGap = 0.01;

/** Sum of all elements. */
export function sumOf({ data }: NdArray<'float64'>): number {
  return data.reduce((total, value) => total + value, 0);
}

/** What to attribute, and how exactly. */
export interface AttributionOptions {
  /** Number of the class. */
  readonly target: number;
  /** Points on the path from the baseline to the recording. */
  readonly steps: number;
  /** Called after each batch of points, with the number of those that are done. */
  readonly onPoints?: (done: number) => void;
}

/** Samples that go through the network at once. A point needs about 10 kB a sample (resnet18). */
const samplesAtOnce = 65_536;
const pointsAtOnce = 32;

/**
 * Integrated gradients of the probability of a class (Sundararajan, Taly and Yan 2017). The baseline is zeros: a flat line at the mean of the training
 * data, which is also what short recordings are padded with, so padding gets exactly 0. The integral along the straight path to the recording is the mean of
 * the gradients in the middles of `steps` equal parts. Timers and signals get their turn between batches of points.
 *
 * @param recording what the network sees of a recording, `(samples, leads)`.
 */
export async function integratedGradients(
  session: Session,
  recording: NdArray<'float32' | 'float64'>,
  { target, steps, onPoints }: AttributionOptions,
): Promise<Attribution> {
  const { dtype, shape, data } = recording;
  const size = data.length;
  const middles = Array.from({ length: steps }, (_, step) => (step + 0.5) / steps);
  const perBatch = Math.max(1, Math.min(pointsAtOnce, Math.floor(samplesAtOnce / shape[0])));
  const total = new Float64Array(size);
  for (let done = 0; done < steps; ) {
    const { gradients, count } = gradientsAt(session, recording, middles.slice(done, done + perBatch), target);
    for (let i = 0; i < gradients.length; i++) total[i % size] += gradients[i];
    done += count;
    onPoints?.(done);
    await setImmediate();
  }
  const attributions = ndarray(
    'float64',
    shape,
    total.map((sum, i) => data[i] * (sum / steps)),
  );
  const baseline = gradientsAt(session, recording, [0], target);
  const itself = gradientsAt(session, recording, [1], target);
  return {
    attributions,
    gradient: ndarray(dtype, shape, itself.gradients),
    probability: itself.probabilities[0],
    baselineProbability: baseline.probabilities[0],
  };
}

/** Probability of the class, and its gradient, at places on the path from the baseline (0) to the recording (1). */
function gradientsAt(
  session: Session,
  { dtype, shape, data }: NdArray<'float32' | 'float64'>,
  places: readonly number[],
  target: number,
): { probabilities: number[]; gradients: Float32Array | Float64Array; count: number } {
  const count = places.length;
  const points = zeros(dtype, [count, ...shape]);
  for (const [row, place] of places.entries()) {
    for (let i = 0; i < data.length; i++) points.data[row * data.length + i] = place * data[i];
  }
  const classes = session.model.outputShape.at(-1)!;
  const weights = zeros(dtype, [count, classes]);
  for (let row = 0; row < count; row++) weights.data[row * classes + target] = 1;
  const { outputs, gradients } = session.inputGradients(points, weights);
  return {
    probabilities: places.map((_, row) => Number(outputs.data[row * classes + target])),
    gradients: gradients.get('x')!.data as Float32Array | Float64Array,
    count,
  };
}
