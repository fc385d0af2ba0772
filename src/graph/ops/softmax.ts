import type { Attributes } from '../attributes.ts';
import type { Context } from '../context.ts';
import { type Tensor, unknown } from '../executor.ts';
import { binaryRaw, unaryRaw } from './elementwise.ts';
import { castRaw, count, reshapeRaw, sumRaw } from './shape.ts';

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

/**
 * Mean over the batch of −Σ y·log softmax(z), times the weight `(batch)` of each sample: logits and labels `(batch, classes)`. Twin of
 * `keras.losses.CategoricalCrossentropy`.
 */
export function categoricalCrossentropy(c: Context, labels: Tensor, logits: Tensor, weights?: Tensor): Tensor {
  const attributes: Attributes = { T: { type: logits.dtype } };
  const targets = castRaw(c, labels, logits.dtype);
  return meanOfFused(c, 'SoftmaxCrossEntropyWithLogits', { logits, labels: targets, weights }, attributes);
}

/** The same with integer labels `(batch)`. Twin of `keras.losses.SparseCategoricalCrossentropy(from_logits=True)`. */
export function sparseCategoricalCrossentropy(c: Context, labels: Tensor, logits: Tensor, weights?: Tensor): Tensor {
  const attributes: Attributes = { T: { type: logits.dtype }, Tlabels: { type: labels.dtype } };
  return meanOfFused(c, 'SparseSoftmaxCrossEntropyWithLogits', { logits, labels, weights }, attributes);
}

function meanOfFused(
  c: Context,
  op: string,
  { logits, labels, weights }: { readonly logits: Tensor; readonly labels: Tensor; readonly weights?: Tensor },
  attributes: Attributes,
): Tensor {
  const { dtype, shape } = logits;
  const outputs = [{ dtype, shape: [shape[0]] }, logits];
  const [plain, derivative] = c.executor.op(op, [logits, labels], attributes, outputs) as [Tensor, Tensor];
  const losses = weights ? binaryRaw(c, 'Mul', plain, weights) : plain;
  const size = count(c, losses, [0], dtype);
  const loss = binaryRaw(c, 'RealDiv', sumRaw(c, losses, [0]), size);
  c.tape.record(loss, [
    [
      logits,
      (dy) => {
        const share = binaryRaw(c, 'RealDiv', dy, size);
        if (weights === undefined) return binaryRaw(c, 'Mul', derivative, share);
        return binaryRaw(c, 'Mul', derivative, reshapeRaw(c, binaryRaw(c, 'Mul', weights, share), [unknown, 1]));
      },
    ],
  ]);
  return loss;
}

/**
 * Mean over classes, then over the batch, of max(z, 0) − z·y + log(1 + e^−|z|), times the weight of each element: logits, labels and weights
 * `(batch, classes)`. Twin of `keras.losses.BinaryCrossentropy`, which takes such weights for outputs `(batch, classes, 1)`.
 */
export function binaryCrossentropy(c: Context, labels: Tensor, logits: Tensor, weights?: Tensor): Tensor {
  const { dtype } = logits;
  const classes = logits.shape[1];
  const targets = castRaw(c, labels, dtype);
  const unary = (op: string, x: Tensor): Tensor => c.apply(op, [x], { T: { type: dtype } }, x);
  const positive = unaryRaw(c, 'Relu', logits);
  const linear = binaryRaw(c, 'Sub', positive, binaryRaw(c, 'Mul', logits, targets));
  const elements = binaryRaw(c, 'AddV2', linear, unary('Log1p', unary('Exp', unary('Neg', unary('Abs', logits)))));
  const width = c.scalar(classes, dtype);
  const weighted = weights ? binaryRaw(c, 'Mul', elements, weights) : elements;
  const perSample = binaryRaw(c, 'RealDiv', sumRaw(c, weighted, [1]), width);
  const size = count(c, perSample, [0], dtype);
  const loss = binaryRaw(c, 'RealDiv', sumRaw(c, perSample, [0]), size);
  c.tape.record(loss, [
    [
      logits,
      (dy) => {
        const share = binaryRaw(c, 'RealDiv', binaryRaw(c, 'RealDiv', dy, size), width);
        const derivative = binaryRaw(c, 'Sub', unaryRaw(c, 'Sigmoid', logits), targets);
        return binaryRaw(c, 'Mul', weights ? binaryRaw(c, 'Mul', derivative, weights) : derivative, share);
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
