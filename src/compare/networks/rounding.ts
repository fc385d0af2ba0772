import { Generator } from '../../graph/random.ts';
import { type Inputs, inputsByName } from '../../lib/keras/inputs.ts';
import { bytesOf, fromBytes, type NdArray, ndarray } from '../../lib/numpy/ndarray.ts';
import type { NetworkSide } from './sides.ts';

/**
 * A network that gets the records of each batch in reverse and returns its results in the original order. Only the order of summation
 * changes, so the difference from the network itself is rounding noise.
 */
export function reversed(side: NetworkSide): NetworkSide {
  const turn = (x: Inputs): Inputs => mapInputs(x, (array) => reverse(array, array.shape[0]));
  return {
    read: () => side.read(),
    write: (state) => side.write(state),
    activations: async (x, training) => {
      const records = Object.values(inputsByName(x))[0].shape[0];
      const found = await side.activations(turn(x), training);
      // In contrastive predictive coding the backbone gets the frames of all records along one axis.
      return new Map([...found].map(([name, array]) => [name, reverse(array, records)]));
    },
    predict: async (x) => {
      const outputs = await side.predict(turn(x));
      return reverse(outputs, outputs.shape[0]);
    },
    gradients: (x, y) => side.gradients(turn(x), reverse(y, y.shape[0])),
    inputGradients: async (x, weights) => {
      const { outputs, gradients } = await side.inputGradients(turn(x), reverse(weights, weights.shape[0]));
      const turned = [...gradients].map(([name, array]) => [name, reverse(array, array.shape[0])] as const);
      return { outputs: reverse(outputs, outputs.shape[0]), gradients: new Map(turned) };
    },
    trainSteps: (batches) => side.trainSteps(batches.map(({ x, y }) => ({ x: turn(x), y: reverse(y, y.shape[0]) }))),
  };
}

/** Float64 arrays with every element moved by one unit in the last place, up or down at random. */
export function inLastPlace(arrays: readonly NdArray[], seed: number): NdArray[] {
  const draws = new Generator(seed, 'last place');
  const moved = (value: number): number => value * (1 + (draws.bits() & 1 ? 1 : -1) * 2 ** -52);
  return arrays.map(({ shape, data }) => ndarray('float64', shape, Float64Array.from(data as Float64Array, moved)));
}

/** The inputs with `change` applied to each array. */
export function mapInputs(x: Inputs, change: (array: NdArray) => NdArray): Inputs {
  const inputs = inputsByName(x);
  if (inputs === x) return Object.fromEntries(Object.entries(inputs).map(([key, array]) => [key, change(array)]));
  return change(inputs.x);
}

/** The array with its `parts` equal blocks in reverse order. */
function reverse(array: NdArray, parts: number): NdArray {
  const bytes = bytesOf(array);
  const size = bytes.length / parts;
  const turned = new Uint8Array(bytes.length);
  for (let part = 0; part < parts; part++) {
    turned.set(bytes.subarray(part * size, (part + 1) * size), bytes.length - (part + 1) * size);
  }
  return fromBytes(array.dtype, array.shape, turned);
}
