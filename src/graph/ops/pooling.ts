import type { Attributes } from '../attributes.ts';
import type { Context } from '../context.ts';
import { type Tensor, unknown } from '../executor.ts';
import { stridedExtent, toImage, toSignal } from './convolution.ts';
import { binaryRaw } from './elementwise.ts';
import { meanRaw, reshapeRaw, shapeOf } from './shape.ts';

/**
 * Maximum over windows along time, 'same' padding (padded cells do not count): `(batch, samples, channels)` gives
 * `(batch, ⌈samples / stride⌉, channels)`. Twin of `keras.layers.MaxPooling1D`.
 */
export function maxPool1d(c: Context, x: Tensor, size: number, stride: number): Tensor {
  const [batch, samples, channels] = x.shape as [number, number, number];
  const attributes: Attributes = {
    T: { type: x.dtype },
    ksize: { ints: [1, 1, size, 1] },
    strides: { ints: [1, 1, stride, 1] },
    padding: { string: 'SAME' },
    data_format: { string: 'NHWC' },
  };
  const xImage = toImage(c, x);
  const shape = [batch, 1, stridedExtent(samples, stride), channels];
  const yImage = c.apply('MaxPool', [xImage], attributes, { dtype: x.dtype, shape });
  const y = toSignal(c, yImage);
  c.tape.record(y, [
    [x, (dy) => toSignal(c, c.apply('MaxPoolGrad', [xImage, yImage, toImage(c, dy)], attributes, xImage))],
  ]);
  return y;
}

/** Mean over time: `(batch, samples, channels)` gives `(batch, channels)`. Twin of `keras.layers.GlobalAveragePooling1D`. */
export function globalAveragePool1d(c: Context, x: Tensor): Tensor {
  const [batch, samples, channels] = x.shape as [number, number, number];
  if (samples === unknown) throw new RangeError('globalAveragePool1d: the number of samples must be known');
  const y = meanRaw(c, x, [1]);
  c.tape.record(y, [
    [
      x,
      (dy) => {
        const share = reshapeRaw(c, binaryRaw(c, 'RealDiv', dy, c.scalar(samples, x.dtype)), [batch, 1, channels]);
        const attributes: Attributes = { T: { type: x.dtype }, Tidx: { type: 'int32' } };
        return c.apply('BroadcastTo', [share, shapeOf(c, x)], attributes, x);
      },
    ],
  ]);
  return y;
}
