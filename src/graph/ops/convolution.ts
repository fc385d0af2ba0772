import type { Attributes } from '../attributes.ts';
import type { Context } from '../context.ts';
import { type Tensor, unknown } from '../executor.ts';
import type { Precision } from '../precision.ts';
import { filtersByTaps } from './filter_gradient.ts';
import { cast, reshapeRaw, shapeOf } from './shape.ts';

/** Samples that remain when only every `stride`-th is kept, with 'same' padding. */
export function stridedExtent(samples: number, stride: number): number {
  return samples === unknown ? unknown : Math.ceil(samples / stride);
}

/** A signal `(batch, samples, channels)` as an image of height 1, which is what TensorFlow's kernels take. */
export function toImage(c: Context, x: Tensor): Tensor {
  const [batch, samples, channels] = x.shape as [number, number, number];
  return reshapeRaw(c, x, [batch, 1, samples, channels]);
}

/** Inverse of `toImage`. */
export function toSignal(c: Context, x: Tensor): Tensor {
  const [batch, , samples, channels] = x.shape as [number, number, number, number];
  return reshapeRaw(c, x, [batch, samples, channels]);
}

/**
 * Convolution along time with 'same' padding and no bias: x `(batch, samples, in)`, kernel `(width, in, out)` give
 * `(batch, ⌈samples / stride⌉, out)`. Twin of `keras.ops.conv` with padding 'same'. The context chooses the kernels, also those of the gradients.
 */
export function conv1d(c: Context, x: Tensor, kernel: Tensor, stride = 1): Tensor {
  const { dtype } = x;
  const [batch, samples, channels] = x.shape as [number, number, number];
  const [width, , filters] = kernel.shape as [number, number, number];
  if (kernel.shape[1] !== channels) {
    throw new RangeError(
      `conv1d: the kernel (${kernel.shape.join(', ')}) does not fit a signal of ${channels} channels`,
    );
  }
  const sizes = { batch, samples, inputs: channels, outputs: filters, width, stride };
  const { format, filterGradient } = c.kernelsOf({ ...sizes, dtype: dtype as Precision });
  if (format !== dtype) return cast(c, conv1d(c, cast(c, x, format), cast(c, kernel, format), stride), dtype);
  const attributes: Attributes = {
    T: { type: dtype },
    strides: { ints: [1, 1, stride, 1] },
    padding: { string: 'SAME' },
    data_format: { string: 'NHWC' },
    dilations: { ints: [1, 1, 1, 1] },
  };
  const xImage = toImage(c, x);
  const kernelShape = [1, width, channels, filters];
  const kernelImage = reshapeRaw(c, kernel, kernelShape);
  const yImage = c.apply('Conv2D', [xImage, kernelImage], attributes, {
    dtype,
    shape: [batch, 1, stridedExtent(samples, stride), filters],
  });
  const y = toSignal(c, yImage);
  const backpropInput = (dy: Tensor): Tensor => {
    const inputs = [shapeOf(c, xImage), kernelImage, toImage(c, dy)];
    return toSignal(c, c.apply('Conv2DBackpropInput', inputs, attributes, xImage));
  };
  const byTaps = samples !== unknown && filterGradient === 'taps';
  const backpropFilter = (dy: Tensor): Tensor => {
    if (byTaps) return filtersByTaps(c, x, dy, width, stride);
    const inputs = [xImage, c.ints(kernelShape), toImage(c, dy)];
    const gradient = c.apply('Conv2DBackpropFilter', inputs, attributes, { dtype, shape: kernelShape });
    return reshapeRaw(c, gradient, kernel.shape);
  };
  c.tape.record(y, [
    [x, backpropInput],
    [kernel, backpropFilter],
  ]);
  return y;
}
