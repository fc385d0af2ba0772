import type { Attributes } from '../attributes.ts';
import type { Context } from '../context.ts';
import type { Tensor } from '../executor.ts';
import { binaryRaw, unaryRaw } from './elementwise.ts';
import { castRaw, count, sumRaw } from './shape.ts';

/** e^x / Σ e^x over the last axis. Twin of `keras.ops.softmax`. */
export function softmax(c: Context, x: Tensor): Tensor {
  const y = unaryRaw(c, 'Softmax', x);
  c.tape.record(y, [
    [
      x,
      (dy) => {
        const projection = sumRaw(c, binaryRaw(c, 'Mul', dy, y), [x.shape.length - 1], true);
        return binaryRaw(c, 'Mul', binaryRaw(c, 'Sub', dy, projection), y);
      },
    ],
  ]);
  return y;
}

/** Mean over the batch of −Σ y·log softmax(z): logits and labels `(batch, classes)`. Twin of `keras.losses.CategoricalCrossentropy`. */
export function categoricalCrossentropy(c: Context, labels: Tensor, logits: Tensor): Tensor {
  const attributes: Attributes = { T: { type: logits.dtype } };
  return meanOfFused(c, 'SoftmaxCrossEntropyWithLogits', logits, castRaw(c, labels, logits.dtype), attributes);
}

/** The same with integer labels `(batch)`. Twin of `keras.losses.SparseCategoricalCrossentropy(from_logits=True)`. */
export function sparseCategoricalCrossentropy(c: Context, labels: Tensor, logits: Tensor): Tensor {
  const attributes: Attributes = { T: { type: logits.dtype }, Tlabels: { type: labels.dtype } };
  return meanOfFused(c, 'SparseSoftmaxCrossEntropyWithLogits', logits, labels, attributes);
}

function meanOfFused(c: Context, op: string, logits: Tensor, labels: Tensor, attributes: Attributes): Tensor {
  const { dtype, shape } = logits;
  const outputs = [{ dtype, shape: [shape[0]] }, logits];
  const [losses, derivative] = c.executor.op(op, [logits, labels], attributes, outputs) as [Tensor, Tensor];
  const size = count(c, losses, [0], dtype);
  const loss = binaryRaw(c, 'RealDiv', sumRaw(c, losses, [0]), size);
  c.tape.record(loss, [[logits, (dy) => binaryRaw(c, 'Mul', derivative, binaryRaw(c, 'RealDiv', dy, size))]]);
  return loss;
}

/**
 * Mean over classes, then over the batch, of max(z, 0) − z·y + log(1 + e^−|z|): logits and labels `(batch, classes)`. Twin of
 * `keras.losses.BinaryCrossentropy`.
 */
export function binaryCrossentropy(c: Context, labels: Tensor, logits: Tensor): Tensor {
  const { dtype } = logits;
  const classes = logits.shape[1];
  const targets = castRaw(c, labels, dtype);
  const unary = (op: string, x: Tensor): Tensor => c.apply(op, [x], { T: { type: dtype } }, x);
  const positive = unaryRaw(c, 'Relu', logits);
  const linear = binaryRaw(c, 'Sub', positive, binaryRaw(c, 'Mul', logits, targets));
  const elements = binaryRaw(c, 'AddV2', linear, unary('Log1p', unary('Exp', unary('Neg', unary('Abs', logits)))));
  const width = c.scalar(classes, dtype);
  const perSample = binaryRaw(c, 'RealDiv', sumRaw(c, elements, [1]), width);
  const size = count(c, perSample, [0], dtype);
  const loss = binaryRaw(c, 'RealDiv', sumRaw(c, perSample, [0]), size);
  c.tape.record(loss, [
    [
      logits,
      (dy) => {
        const share = binaryRaw(c, 'RealDiv', binaryRaw(c, 'RealDiv', dy, size), width);
        const derivative = binaryRaw(c, 'Sub', unaryRaw(c, 'Sigmoid', logits), targets);
        return binaryRaw(c, 'Mul', derivative, share);
      },
    ],
  ]);
  return loss;
}

/** Class of each row's first maximum: `(batch, classes)` gives int64 `(batch)`. */
export function argMax(c: Context, x: Tensor): Tensor {
  const attributes: Attributes = { T: { type: x.dtype }, Tidx: { type: 'int32' }, output_type: { type: 'int64' } };
  return c.apply('ArgMax', [x, c.scalar(1, 'int32')], attributes, { dtype: 'int64', shape: [x.shape[0]] });
}

/** 1 where the elements are equal, else 0, as float32. */
export function equal(c: Context, a: Tensor, b: Tensor): Tensor {
  const attributes: Attributes = { T: { type: a.dtype }, incompatible_shape_error: { bool: true } };
  return castRaw(c, c.apply('Equal', [a, b], attributes, { dtype: 'bool', shape: a.shape }), 'float32');
}

/** 1 where the elements exceed a threshold, else 0, as float32. */
export function greater(c: Context, x: Tensor, threshold: number): Tensor {
  const inputs = [x, c.scalar(threshold, x.dtype)];
  return castRaw(c, c.apply('Greater', inputs, { T: { type: x.dtype } }, { dtype: 'bool', shape: x.shape }), 'float32');
}
