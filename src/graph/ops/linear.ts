import type { Attributes } from '../attributes.ts';
import type { Context } from '../context.ts';
import type { Tensor } from '../executor.ts';
import { product, reshape } from './shape.ts';

/** Matrix product of `(rows, in)` and `(in, out)`. */
export function matMul(c: Context, a: Tensor, b: Tensor): Tensor {
  const y = productRaw(c, a, b);
  c.tape.record(y, [
    [a, (dy) => productRaw(c, dy, b, { transposeB: true })],
    [b, (dy) => productRaw(c, a, dy, { transposeA: true })],
  ]);
  return y;
}

/** Matrix product of two matrices, each of which may be transposed first, without a gradient. */
export function productRaw(c: Context, a: Tensor, b: Tensor, { transposeA = false, transposeB = false } = {}): Tensor {
  const attributes = { T: { type: a.dtype }, transpose_a: { bool: transposeA }, transpose_b: { bool: transposeB } };
  const shape = [a.shape[transposeA ? 1 : 0], b.shape[transposeB ? 0 : 1]];
  return c.apply('MatMul', [a, b], attributes, { dtype: a.dtype, shape });
}

/**
 * Matrix products of the last two axes: `(…, n, k)` and `(…, k, m)` give `(…, n, m)`; `transposeB` takes `(…, m, k)` instead. The
 * leading axes must agree.
 */
export function batchMatMul(c: Context, a: Tensor, b: Tensor, { transposeB = false } = {}): Tensor {
  const multiply = (p: Tensor, q: Tensor, adjointP: boolean, adjointQ: boolean, shape: readonly number[]): Tensor => {
    const attributes = { T: { type: a.dtype }, adj_x: { bool: adjointP }, adj_y: { bool: adjointQ } };
    return c.apply('BatchMatMulV2', [p, q], attributes, { dtype: a.dtype, shape });
  };
  const columns = b.shape.at(transposeB ? -2 : -1)!;
  const y = multiply(a, b, false, transposeB, [...a.shape.slice(0, -1), columns]);
  c.tape.record(y, [
    [a, (dy) => multiply(dy, b, false, !transposeB, a.shape)],
    [b, (dy) => (transposeB ? multiply(dy, a, true, false, b.shape) : multiply(a, dy, true, false, b.shape))],
  ]);
  return y;
}

/** x `(…, width)` plus a vector `(width)`. */
export function biasAdd(c: Context, x: Tensor, bias: Tensor): Tensor {
  const attributes: Attributes = { T: { type: x.dtype }, data_format: { string: 'NHWC' } };
  const y = c.apply('BiasAdd', [x, bias], attributes, x);
  c.tape.record(y, [
    [x, (dy) => dy],
    [bias, (dy) => c.apply('BiasAddGrad', [dy], attributes, bias)],
  ]);
  return y;
}

/** x `(…, in)` times kernel `(in, out)` plus bias `(out)`. Twin of what `keras.layers.Dense` computes. */
export function dense(c: Context, x: Tensor, kernel: Tensor, bias: Tensor): Tensor {
  const [inputs, outputs] = kernel.shape as [number, number];
  if (x.shape.length === 2) return biasAdd(c, matMul(c, x, kernel), bias);
  const leading = x.shape.slice(0, -1);
  const flat = reshape(c, x, [product(leading), inputs]);
  return reshape(c, biasAdd(c, matMul(c, flat, kernel), bias), [...leading, outputs]);
}
