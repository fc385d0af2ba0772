import { ndarray } from '../../lib/numpy/ndarray.ts';
import type { Attributes } from '../attributes.ts';
import type { Context } from '../context.ts';
import { opaque, type Tensor } from '../executor.ts';
import { toImage, toSignal } from './convolution.ts';
import { binaryRaw, unaryRaw } from './elementwise.ts';
import { castRaw, count, meanRaw, sumRaw } from './shape.ts';

/** Mean and biased variance of each channel. */
export interface Moments {
  readonly mean: Tensor;
  readonly variance: Tensor;
}

/** Parameters and statistics of a batch normalisation, each `(channels)`. */
export interface BatchNormInputs {
  readonly gamma: Tensor;
  readonly beta: Tensor;
  /** Moving averages to normalise with (inference); without them the batch's moments are used (training). */
  readonly moving?: Moments | undefined;
}

/** Result with the batch's moments, if they were used. */
export interface BatchNormResult {
  readonly y: Tensor;
  readonly moments: Moments | undefined;
}

/**
 * Batch normalisation of x `(batch, samples, channels)` over batch and time. float32 and bfloat16 use TensorFlow's fused kernels; float64
 * is composed of simple operations. Twin of what `keras.layers.BatchNormalization` computes.
 */
export function batchNorm(c: Context, x: Tensor, inputs: BatchNormInputs, epsilon: number): BatchNormResult {
  return x.dtype === 'float64' ? composedBatchNorm(c, x, inputs, epsilon) : fusedBatchNorm(c, x, inputs, epsilon);
}

function fusedBatchNorm(c: Context, x: Tensor, inputs: BatchNormInputs, epsilon: number): BatchNormResult {
  const { gamma, beta, moving } = inputs;
  const attributes: Attributes = {
    T: { type: x.dtype },
    U: { type: 'float32' },
    epsilon: { float: epsilon },
    data_format: { string: 'NHWC' },
    is_training: { bool: moving === undefined },
  };
  const none = c.executor.constant(ndarray('float32', [0], new Float32Array(0)));
  const xImage = toImage(c, x);
  const vector = { dtype: 'float32', shape: gamma.shape } as const;
  const [yImage, batchMean, batchVariance, saved1, saved2, saved3] = c.executor.op(
    'FusedBatchNormV3',
    [xImage, gamma, beta, moving?.mean ?? none, moving?.variance ?? none],
    { ...attributes, exponential_avg_factor: { float: 1 } },
    [xImage, vector, vector, vector, vector, opaque],
  ) as [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];
  const y = toSignal(c, yImage);

  let gradients: Tensor[] | undefined;
  const gradient = (index: number) => (dy: Tensor) => {
    const reserve = moving ? [moving.mean, moving.variance, saved3] : [saved1, saved2, saved3];
    gradients ??= c.executor.op('FusedBatchNormGradV3', [toImage(c, dy), xImage, gamma, ...reserve], attributes, [
      xImage,
      vector,
      vector,
      opaque,
      opaque,
    ]);
    return index === 0 ? toSignal(c, gradients[0]) : gradients[index];
  };
  c.tape.record(y, [
    [x, gradient(0)],
    [gamma, gradient(1)],
    [beta, gradient(2)],
  ]);
  if (moving !== undefined) return { y, moments: undefined };

  // The kernel returns the unbiased variance, but Keras 3 averages the biased one.
  const size = count(c, x, [0, 1], 'float32');
  const bias = binaryRaw(c, 'RealDiv', binaryRaw(c, 'Sub', size, c.scalar(1, 'float32')), size);
  return { y, moments: { mean: batchMean, variance: binaryRaw(c, 'Mul', batchVariance, bias) } };
}

function composedBatchNorm(c: Context, x: Tensor, inputs: BatchNormInputs, epsilon: number): BatchNormResult {
  const { gamma, beta, moving } = inputs;
  const { dtype } = x;
  const axes = [0, 1];
  const { mean, variance } = moving ?? momentsOf(c, x);
  const inverse = unaryRaw(c, 'Rsqrt', binaryRaw(c, 'AddV2', variance, c.scalar(epsilon, dtype)));
  const factor = binaryRaw(c, 'Mul', inverse, gamma);
  const offset = binaryRaw(c, 'Sub', beta, binaryRaw(c, 'Mul', mean, factor));
  const y = binaryRaw(c, 'AddV2', binaryRaw(c, 'Mul', x, factor), offset);

  const normalised = (): Tensor => binaryRaw(c, 'Mul', binaryRaw(c, 'Sub', x, mean), inverse);
  const dGamma = (dy: Tensor): Tensor => sumRaw(c, binaryRaw(c, 'Mul', dy, normalised()), axes);
  const dBeta = (dy: Tensor): Tensor => sumRaw(c, dy, axes);
  const dx = (dy: Tensor): Tensor => {
    if (moving !== undefined) return binaryRaw(c, 'Mul', dy, factor);
    // dx = γ/σ · (dy − mean(dy) − x̂ · mean(dy · x̂)); the moments depend on x.
    const n = count(c, x, axes, dtype);
    const projected = binaryRaw(c, 'Mul', normalised(), binaryRaw(c, 'RealDiv', dGamma(dy), n));
    const centred = binaryRaw(c, 'Sub', dy, binaryRaw(c, 'RealDiv', dBeta(dy), n));
    return binaryRaw(c, 'Mul', binaryRaw(c, 'Sub', centred, projected), factor);
  };
  c.tape.record(y, [
    [x, dx],
    [gamma, dGamma],
    [beta, dBeta],
  ]);
  return { y, moments: moving === undefined ? { mean, variance } : undefined };
}

function momentsOf(c: Context, x: Tensor): Moments {
  const mean = meanRaw(c, x, [0, 1]);
  return { mean, variance: meanRaw(c, binaryRaw(c, 'SquaredDifference', x, mean), [0, 1]) };
}

/**
 * Normalisation of the last axis: x `(…, width)`, gamma and beta `(width)`; statistics in float32 for bfloat16. Twin of what
 * `keras.layers.LayerNormalization` computes.
 */
export function layerNorm(c: Context, x: Tensor, gamma: Tensor, beta: Tensor, epsilon: number): Tensor {
  const axis = x.shape.length - 1;
  const rows = Array.from({ length: axis }, (_, i) => i);
  const wide = castRaw(c, x, gamma.dtype);
  const mean = meanRaw(c, wide, [axis], true);
  const variance = meanRaw(c, binaryRaw(c, 'SquaredDifference', wide, mean), [axis], true);
  const inverse = unaryRaw(c, 'Rsqrt', binaryRaw(c, 'AddV2', variance, c.scalar(epsilon, gamma.dtype)));
  const normalised = binaryRaw(c, 'Mul', binaryRaw(c, 'Sub', wide, mean), inverse);
  const y = castRaw(c, binaryRaw(c, 'AddV2', binaryRaw(c, 'Mul', normalised, gamma), beta), x.dtype);

  const dx = (dyNarrow: Tensor): Tensor => {
    const dy = binaryRaw(c, 'Mul', castRaw(c, dyNarrow, gamma.dtype), gamma);
    const meanOfDy = meanRaw(c, dy, [axis], true);
    const projection = meanRaw(c, binaryRaw(c, 'Mul', dy, normalised), [axis], true);
    const centred = binaryRaw(c, 'Sub', dy, meanOfDy);
    const rest = binaryRaw(c, 'Sub', centred, binaryRaw(c, 'Mul', normalised, projection));
    return castRaw(c, binaryRaw(c, 'Mul', rest, inverse), x.dtype);
  };
  c.tape.record(y, [
    [x, dx],
    [gamma, (dy) => sumRaw(c, binaryRaw(c, 'Mul', castRaw(c, dy, gamma.dtype), normalised), rows)],
    [beta, (dy) => sumRaw(c, castRaw(c, dy, gamma.dtype), rows)],
  ]);
  return y;
}
