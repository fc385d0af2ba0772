import type { Context } from '../context.ts';
import type { Tensor } from '../executor.ts';

/** Names of TensorFlow operations on two tensors of one type. */
export type Binary =
  | 'AddV2'
  | 'Sub'
  | 'Mul'
  | 'RealDiv'
  | 'Pow'
  | 'Maximum'
  | 'Minimum'
  | 'SquaredDifference'
  | 'RsqrtGrad'
  | 'ReluGrad'
  | 'SigmoidGrad';

/** Names of TensorFlow operations on one tensor. */
export type Unary = 'Sqrt' | 'Rsqrt' | 'Square' | 'Relu' | 'Softmax' | 'Sigmoid' | 'Neg';

/** An operation on two tensors, without a gradient. The result has the shape of the operand with more axes (NumPy's broadcasting). */
export function binaryRaw(c: Context, op: Binary, a: Tensor, b: Tensor): Tensor {
  return c.apply(op, [a, b], { T: { type: a.dtype } }, { dtype: a.dtype, shape: broadcastShape(a, b) });
}

/** An operation on one tensor, without a gradient. */
export function unaryRaw(c: Context, op: Unary, x: Tensor): Tensor {
  return c.apply(op, [x], { T: { type: x.dtype } }, x);
}

function broadcastShape(a: Tensor, b: Tensor): readonly number[] {
  const [long, short] = a.shape.length >= b.shape.length ? [a.shape, b.shape] : [b.shape, a.shape];
  const offset = long.length - short.length;
  return long.map((extent, axis) => (axis >= offset && extent === 1 ? short[axis - offset] : extent));
}

/** Sum of tensors of one shape, without a gradient: how gradients of a tensor that was used more than once are joined. */
export function sumOfRaw(c: Context, parts: readonly Tensor[]): Tensor {
  const first = parts[0];
  if (parts.length === 2) return binaryRaw(c, 'AddV2', first, parts[1]);
  return c.apply('AddN', parts, { N: { int: parts.length }, T: { type: first.dtype } }, first);
}

/** Sum of two tensors of one shape. */
export function add(c: Context, a: Tensor, b: Tensor): Tensor {
  const y = binaryRaw(c, 'AddV2', a, b);
  c.tape.record(y, [
    [a, (dy) => dy],
    [b, (dy) => dy],
  ]);
  return y;
}

/** Sum of a tensor and a constant that is broadcast to its shape. */
export function addConstant(c: Context, x: Tensor, constant: Tensor): Tensor {
  const y = binaryRaw(c, 'AddV2', x, constant);
  c.tape.record(y, [[x, (dy) => dy]]);
  return y;
}

/** Product with a number. */
export function scale(c: Context, x: Tensor, factor: number): Tensor {
  const scalar = c.scalar(factor, x.dtype);
  const y = binaryRaw(c, 'Mul', x, scalar);
  c.tape.record(y, [[x, (dy) => binaryRaw(c, 'Mul', dy, scalar)]]);
  return y;
}

/** Quotient by a number. */
export function divide(c: Context, x: Tensor, divisor: number): Tensor {
  const scalar = c.scalar(divisor, x.dtype);
  const y = binaryRaw(c, 'RealDiv', x, scalar);
  c.tape.record(y, [[x, (dy) => binaryRaw(c, 'RealDiv', dy, scalar)]]);
  return y;
}

/** max(x, 0). Twin of `keras.ops.relu`. */
export function relu(c: Context, x: Tensor): Tensor {
  const y = unaryRaw(c, 'Relu', x);
  // The gradient needs to know only where y > 0, so x can be freed.
  c.tape.record(y, [[x, (dy) => c.apply('ReluGrad', [dy, y], { T: { type: x.dtype } }, x)]]);
  return y;
}

/** 1 / (1 + e^−x). Twin of `keras.ops.sigmoid`. */
export function sigmoid(c: Context, x: Tensor): Tensor {
  const y = unaryRaw(c, 'Sigmoid', x);
  c.tape.record(y, [[x, (dy) => c.apply('SigmoidGrad', [y, dy], { T: { type: x.dtype } }, x)]]);
  return y;
}
