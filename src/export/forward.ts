import { asType } from '../graph/arrays.ts';
import type { Attributes } from '../graph/attributes.ts';
import { Context } from '../graph/context.ts';
import { type Executor, type Tensor, type TensorSpec, unknown } from '../graph/executor.ts';
import { FrozenExecutor } from '../graph/frozen.ts';
import { activate } from '../graph/model.ts';
import { binaryRaw } from '../graph/ops/elementwise.ts';
import { castRaw, reshapeRaw } from '../graph/ops/shape.ts';
import { type Precision, variableType } from '../graph/precision.ts';
import { ndarray } from '../lib/numpy/ndarray.ts';
import type { TrainedClassifier } from './job.ts';

/** Names of an exported model's input and output. */
export const inputName = 'recording';
export const outputName = 'probabilities';

/** The input `(batch, time, leads)`, float32. Without padding, recordings must be as long as those of the training. */
export function inputSpec({ model, preprocessing }: Pick<TrainedClassifier, 'model' | 'preprocessing'>): TensorSpec {
  const time = preprocessing.padding === null ? model.samples : unknown;
  return { dtype: 'float32', shape: [unknown, time, model.leads] };
}

/**
 * Probabilities `(batch, classes)`, float32, of recordings at the model's sampling rate and in its unit: normalises, pads with zeros in front or
 * cuts the start off, and applies the network in inference mode.
 */
export function probabilities(
  executor: Executor,
  job: TrainedClassifier,
  precision: Precision,
  recording: Tensor,
): Tensor {
  const network = job.build(precision);
  const types = new Map(network.variables.map(({ name, dtype }) => [name, dtype]));
  const values = new Map([...job.weights].map(([name, value]) => [name, asType(value, types.get(name)!)]));
  const c = new Context(new FrozenExecutor(executor, values), { training: false, precision });
  const type = variableType(precision);
  const normalized = c.executor.scope('normalization', () => normalize(c, castRaw(c, recording, type), job));
  const x = c.executor.scope('padding', () => pad(c, normalized, job));
  const outputs = activate(c, network.activation, network.logits(c, { x }));
  return castRaw(c, outputs, 'float32');
}

function normalize(c: Context, x: Tensor, { preprocessing }: TrainedClassifier): Tensor {
  if (preprocessing.normalization === null) return x;
  const vector = (value: number | readonly number[]): Tensor => {
    const data = typeof value === 'number' ? [value] : value;
    const numbers = ndarray('float64', [data.length], Float64Array.from(data));
    return c.executor.constant(asType(numbers, x.dtype as 'float32' | 'float64'));
  };
  const { mean, std } = preprocessing.normalization;
  return binaryRaw(c, 'RealDiv', binaryRaw(c, 'Sub', x, vector(mean)), vector(std));
}

/** The last samples of the recording behind as many zeros. */
function pad(c: Context, x: Tensor, { model, preprocessing }: TrainedClassifier): Tensor {
  if (preprocessing.padding === null) return x;
  const { samples } = model;
  const [batch, , leads] = x.shape as [number, number, number];
  const amounts = reshapeRaw(c, c.ints([0, 0, samples, 0, 0, 0]), [3, 2]);
  const longer = c.apply('Pad', [x, amounts], { T: { type: x.dtype }, Tpaddings: { type: 'int32' } }, x);
  // Bits of the masks: the slice covers the axes 0 and 2 whole, and axis 1 to its end.
  const attributes: Attributes = {
    T: { type: x.dtype },
    Index: { type: 'int32' },
    begin_mask: { int: 0b101 },
    end_mask: { int: 0b111 },
    ellipsis_mask: { int: 0 },
    new_axis_mask: { int: 0 },
    shrink_axis_mask: { int: 0 },
  };
  const bounds = [c.ints([0, -samples, 0]), c.ints([0, 0, 0]), c.ints([1, 1, 1])];
  return c.apply('StridedSlice', [longer, ...bounds], attributes, { dtype: x.dtype, shape: [batch, samples, leads] });
}
