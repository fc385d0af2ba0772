import { ndarray } from '../../lib/numpy/ndarray.ts';
import type { Attributes } from '../attributes.ts';
import type { Context } from '../context.ts';
import type { Tensor } from '../executor.ts';
import { binaryRaw } from './elementwise.ts';
import { castRaw, concatRaw, reshapeRaw, shapeOf } from './shape.ts';

/**
 * Sets each element to 0 with probability `rate`, and divides the others by 1 − rate. The draws depend only on the context's seed, the number
 * of the random operation, the replica and the step counter, so a resumed run repeats them. Twin of dropout in Keras, with other draws.
 */
export function dropout(c: Context, x: Tensor, rate: number): Tensor {
  const stream = c.nextRandomStream();
  const counter = c.step === undefined ? c.scalar(0, 'int64') : c.executor.read(c.step);
  const low = reshapeRaw(c, counter, [1]);
  const number = BigInt(c.seed) * 65536n + BigInt(stream) + (BigInt(c.replica) << 56n);
  const high = c.executor.constant(ndarray('int64', [1], BigInt64Array.of(number)));
  const seed = concatRaw(c, [low, high], 0);
  const draw: Attributes = { T: { type: 'int32' }, Tseed: { type: 'int64' }, dtype: { type: 'float32' } };
  const uniform = c.apply('StatelessRandomUniform', [shapeOf(c, x), seed], draw, { dtype: 'float32', shape: x.shape });
  const kept = c.apply(
    'GreaterEqual',
    [uniform, c.scalar(rate, 'float32')],
    { T: { type: 'float32' } },
    {
      dtype: 'bool',
      shape: x.shape,
    },
  );
  const mask = binaryRaw(c, 'Mul', castRaw(c, kept, x.dtype), c.scalar(1 / (1 - rate), x.dtype));
  const y = binaryRaw(c, 'Mul', x, mask);
  c.tape.record(y, [[x, (dy) => binaryRaw(c, 'Mul', dy, mask)]]);
  return y;
}
