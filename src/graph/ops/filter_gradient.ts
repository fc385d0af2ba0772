import type { Attributes } from '../attributes.ts';
import type { Context } from '../context.ts';
import { type Tensor, unknown } from '../executor.ts';
import { productRaw } from './linear.ts';
import { packRaw, padRaw, reshapeRaw, sliceRaw } from './shape.ts';

/**
 * Gradient of the filters `(width, in, out)` of a convolution with 'same' padding as one matrix product for each tap. x `(batch, samples, in)`, dy
 * `(batch, ⌈samples / stride⌉, out)`.
 *
 * Row k of dy meets sample `stride · k + tap` of the padded x. The padded samples of one phase (0 … stride − 1) are the rows of a matrix, of all
 * recordings one after the other. So a tap needs a run of these rows, which TensorFlow takes without copying. Behind the dy of each recording stand
 * rows of zeros, so that no recording meets the samples of the next.
 */
export function filtersByTaps(c: Context, x: Tensor, dy: Tensor, width: number, stride: number): Tensor {
  const [, samples, inputs] = x.shape as [number, number, number];
  const [, steps, outputs] = dy.shape as [number, number, number];
  const spare = Math.floor((width - 1) / stride);
  const before = Math.floor(Math.max((steps - 1) * stride + width - samples, 0) / 2);
  const after = (steps + spare) * stride - samples - before;
  const phased = reshapeRaw(c, padRaw(c, x, 1, before, after), [unknown, stride, inputs]);
  const phases = Array.from({ length: Math.min(stride, width) }, (_, phase) =>
    reshapeRaw(c, stride === 1 ? phased : sliceRaw(c, phased, 1, phase, 1), [unknown, inputs]),
  );
  const rows = reshapeRaw(c, padRaw(c, dy, 1, 0, spare), [unknown, outputs]);
  const taps = Array.from({ length: width }, (_, tap) => {
    const shift = Math.floor(tap / stride);
    const phase = phases[tap % stride];
    if (shift === 0) return productRaw(c, phase, rows, { transposeA: true });
    return productRaw(c, sliceRaw(c, phase, 0, shift, unknown), withoutLast(c, rows, shift), { transposeA: true });
  });
  return packRaw(c, taps);
}

/** A matrix without its last rows. */
function withoutLast(c: Context, x: Tensor, rows: number): Tensor {
  const attributes: Attributes = {
    T: { type: x.dtype },
    Index: { type: 'int32' },
    // Bits stand for axes: begin at the first row, take all columns.
    begin_mask: { int: 0b11 },
    end_mask: { int: 0b10 },
    ellipsis_mask: { int: 0 },
    new_axis_mask: { int: 0 },
    shrink_axis_mask: { int: 0 },
  };
  const inputs = [x, c.ints([0, 0]), c.ints([-rows, 0]), c.ints([1, 1])];
  return c.apply('StridedSlice', inputs, attributes, { dtype: x.dtype, shape: [unknown, x.shape[1]] });
}
