import type { Attributes } from '../attributes.ts';
import type { Context } from '../context.ts';
import type { ElementType } from '../element_type.ts';
import { type Tensor, unknown } from '../executor.ts';

/** Shape of a tensor as an int32 vector: a constant where every extent is known. */
export function shapeOf(c: Context, x: Tensor): Tensor {
  if (!x.shape.includes(unknown)) return c.ints(x.shape);
  const attributes: Attributes = { T: { type: x.dtype }, out_type: { type: 'int32' } };
  return c.apply('Shape', [x], attributes, { dtype: 'int32', shape: [x.shape.length] });
}

/** Product of extents, unknown if any is. */
export function product(extents: readonly number[]): number {
  return extents.includes(unknown) ? unknown : extents.reduce((size, extent) => size * extent, 1);
}

/** Number of elements along the given axes, as a scalar of type `dtype`. */
export function count(c: Context, x: Tensor, axes: readonly number[], dtype: ElementType): Tensor {
  const known = product(axes.map((axis) => x.shape[axis]));
  if (known !== unknown) return c.scalar(known, dtype);
  const shape = shapeOf(c, x);
  const gather: Attributes = { Tparams: { type: 'int32' }, Tindices: { type: 'int32' }, Taxis: { type: 'int32' } };
  const extents = c.apply('GatherV2', [shape, c.ints(axes), c.scalar(0, 'int32')], gather, {
    dtype: 'int32',
    shape: [axes.length],
  });
  const reduce: Attributes = { T: { type: 'int32' }, Tidx: { type: 'int32' }, keep_dims: { bool: false } };
  const size = c.apply('Prod', [extents, c.ints([0])], reduce, { dtype: 'int32', shape: [] });
  return castRaw(c, size, dtype);
}

/** Conversion to another type, without a gradient. */
export function castRaw(c: Context, x: Tensor, dtype: ElementType): Tensor {
  if (x.dtype === dtype) return x;
  const attributes: Attributes = { SrcT: { type: x.dtype }, DstT: { type: dtype }, Truncate: { bool: false } };
  return c.apply('Cast', [x], attributes, { dtype, shape: x.shape });
}

/** The same elements in another shape, without a gradient; at most one extent may be unknown. */
export function reshapeRaw(c: Context, x: Tensor, shape: readonly number[]): Tensor {
  if (shape.filter((extent) => extent === unknown).length > 1) {
    throw new RangeError(`cannot reshape to (${shape.join(', ')}): more than one unknown extent`);
  }
  const attributes: Attributes = { T: { type: x.dtype }, Tshape: { type: 'int32' } };
  return c.apply('Reshape', [x, c.ints(shape)], attributes, { dtype: x.dtype, shape });
}

/** Conversion to another type. Twin of `keras.ops.cast`. */
export function cast(c: Context, x: Tensor, dtype: ElementType): Tensor {
  if (x.dtype === dtype) return x;
  const y = castRaw(c, x, dtype);
  c.tape.record(y, [[x, (dy) => castRaw(c, dy, x.dtype)]]);
  return y;
}

/** The same elements in another shape. Twin of `keras.ops.reshape`. */
export function reshape(c: Context, x: Tensor, shape: readonly number[]): Tensor {
  const y = reshapeRaw(c, x, shape);
  c.tape.record(y, [[x, (dy) => reshapeRaw(c, dy, x.shape)]]);
  return y;
}

function transposeRaw(c: Context, x: Tensor, order: readonly number[]): Tensor {
  const attributes: Attributes = { T: { type: x.dtype }, Tperm: { type: 'int32' } };
  const shape = order.map((axis) => x.shape[axis]);
  return c.apply('Transpose', [x, c.ints(order)], attributes, { dtype: x.dtype, shape });
}

/** Axes in another order. Twin of `keras.ops.transpose`. */
export function transpose(c: Context, x: Tensor, order: readonly number[]): Tensor {
  const y = transposeRaw(c, x, order);
  const inverse = order.map((_, axis) => order.indexOf(axis));
  c.tape.record(y, [[x, (dy) => transposeRaw(c, dy, inverse)]]);
  return y;
}

/** Elements along one axis, without a gradient. */
export function sliceRaw(c: Context, x: Tensor, axis: number, start: number, size: number): Tensor {
  const begin = x.shape.map((_, i) => (i === axis ? start : 0));
  const sizes = x.shape.map((_, i) => (i === axis ? size : -1));
  const attributes: Attributes = { T: { type: x.dtype }, Index: { type: 'int32' } };
  const shape = x.shape.map((extent, i) => (i === axis ? size : extent));
  return c.apply('Slice', [x, c.ints(begin), c.ints(sizes)], attributes, { dtype: x.dtype, shape });
}

/** Elements `start … start + size − 1` along one axis, which must have a known extent. */
export function slice(c: Context, x: Tensor, axis: number, start: number, size: number): Tensor {
  const y = sliceRaw(c, x, axis, start, size);
  c.tape.record(y, [[x, (dy) => padRaw(c, dy, axis, start, x.shape[axis] - start - size)]]);
  return y;
}

/** Zeros before and after the elements along one axis, which must have a known extent, without a gradient. */
export function padRaw(c: Context, x: Tensor, axis: number, before: number, after: number): Tensor {
  if (before === 0 && after === 0) return x;
  const paddings = x.shape.flatMap((_, i) => (i === axis ? [before, after] : [0, 0]));
  const matrix = reshapeRaw(c, c.ints(paddings), [x.shape.length, 2]);
  const attributes: Attributes = { T: { type: x.dtype }, Tpaddings: { type: 'int32' } };
  const shape = x.shape.map((extent, i) => (i === axis ? before + extent + after : extent));
  return c.apply('Pad', [x, matrix], attributes, { dtype: x.dtype, shape });
}

/** Tensors of one shape stacked along a new first axis, without a gradient. */
export function packRaw(c: Context, parts: readonly Tensor[]): Tensor {
  const { dtype, shape } = parts[0];
  const attributes: Attributes = { N: { int: parts.length }, T: { type: dtype }, axis: { int: 0 } };
  return c.apply('Pack', parts, attributes, { dtype, shape: [parts.length, ...shape] });
}

/** Tensors joined along an axis, without a gradient. */
export function concatRaw(c: Context, parts: readonly Tensor[], axis: number): Tensor {
  const { dtype, shape } = parts[0];
  const extents = parts.map((part) => part.shape[axis]);
  const extent = extents.includes(unknown) ? unknown : extents.reduce((total, length) => total + length, 0);
  const attributes: Attributes = { N: { int: parts.length }, T: { type: dtype }, Tidx: { type: 'int32' } };
  const output = { dtype, shape: shape.map((length, i) => (i === axis ? extent : length)) };
  return c.apply('ConcatV2', [...parts, c.scalar(axis, 'int32')], attributes, output);
}

/** Tensors joined along an axis on which all have known extents. Twin of `keras.ops.concatenate`. */
export function concatenate(c: Context, parts: readonly Tensor[], axis: number): Tensor {
  const y = concatRaw(c, parts, axis);
  let start = 0;
  const inputs = parts.map((part) => {
    const from = start;
    start += part.shape[axis];
    return [part, (dy: Tensor) => sliceRaw(c, dy, axis, from, part.shape[axis])] as const;
  });
  c.tape.record(y, inputs);
  return y;
}

/** A vector `(width)` repeated for every row of `like`: `(rows, 1, width)`. */
export function repeatForEach(c: Context, vector: Tensor, like: Tensor): Tensor {
  const width = vector.shape[0];
  const dtype = vector.dtype;
  const rows = sliceRaw(c, shapeOf(c, like), 0, 0, 1);
  const target = concatRaw(c, [rows, c.ints([1, width])], 0);
  const attributes: Attributes = { T: { type: dtype }, Tidx: { type: 'int32' } };
  const shape = [like.shape[0], 1, width];
  const y = c.apply('BroadcastTo', [reshapeRaw(c, vector, [1, 1, width]), target], attributes, { dtype, shape });
  c.tape.record(y, [[vector, (dy) => sumRaw(c, dy, [0, 1])]]);
  return y;
}

/** Sum over axes, without a gradient. */
export function sumRaw(c: Context, x: Tensor, axes: readonly number[], keepAxes = false): Tensor {
  return reduceRaw(c, 'Sum', x, axes, keepAxes);
}

/** Mean over axes, without a gradient. */
export function meanRaw(c: Context, x: Tensor, axes: readonly number[], keepAxes = false): Tensor {
  return reduceRaw(c, 'Mean', x, axes, keepAxes);
}

function reduceRaw(c: Context, op: 'Sum' | 'Mean', x: Tensor, axes: readonly number[], keepAxes: boolean): Tensor {
  const attributes: Attributes = { T: { type: x.dtype }, Tidx: { type: 'int32' }, keep_dims: { bool: keepAxes } };
  const shape = keepAxes
    ? x.shape.map((extent, axis) => (axes.includes(axis) ? 1 : extent))
    : x.shape.filter((_, axis) => !axes.includes(axis));
  return c.apply(op, [x, c.ints(axes)], attributes, { dtype: x.dtype, shape });
}
