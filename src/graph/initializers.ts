import { type NdArray, ndarray, sizeOf } from '../lib/numpy/ndarray.ts';
import { Generator } from './random.ts';
import type { Initializer, VariableSpec } from './variable.ts';

/** All elements equal. */
export function constant(value: number): Initializer {
  return (variable) => fill(variable, () => value);
}

/** Twin of `keras.initializers.Zeros`. */
export const zeros: Initializer = constant(0);

/** Twin of `keras.initializers.Ones`. */
export const ones: Initializer = constant(1);

/** Law of `keras.initializers.TruncatedNormal`: normal with this σ, cut at ±2σ. */
export function truncatedNormal(stddev: number): Initializer {
  return (variable, seed) => {
    const generator = new Generator(seed, variable.name);
    return fill(variable, () => stddev * generator.truncatedNormal());
  };
}

// Standard deviation of a standard normal variable cut at ±2.
const truncatedStddev = 0.87962566103423978;

/** Law of `keras.initializers.VarianceScaling()`: scale 1, fan-in, truncated normal; kernels `(width, in, out)` or `(in, out)`. */
export const varianceScaling: Initializer = (variable, seed) => {
  const { fanIn } = fans(variable.shape);
  return truncatedNormal(Math.sqrt(1 / Math.max(1, fanIn)) / truncatedStddev)(variable, seed);
};

/** Law of `keras.initializers.GlorotUniform`: uniform on ±√(6 / (fan-in + fan-out)). */
export const glorotUniform: Initializer = (variable, seed) => {
  const { fanIn, fanOut } = fans(variable.shape);
  const limit = Math.sqrt(6 / (fanIn + fanOut));
  const generator = new Generator(seed, variable.name);
  return fill(variable, () => limit * (2 * generator.uniform() - 1));
};

/** Inputs and outputs of one unit: the last two axes, times the extent of the axes before them. */
function fans(shape: readonly number[]): { fanIn: number; fanOut: number } {
  const receptiveField = sizeOf(shape.slice(0, -2));
  return { fanIn: receptiveField * shape.at(-2)!, fanOut: receptiveField * shape.at(-1)! };
}

function fill({ shape, dtype }: VariableSpec, draw: () => number): NdArray {
  const size = sizeOf(shape);
  switch (dtype) {
    case 'float32':
      return ndarray(dtype, shape, filled(new Float32Array(size), draw));
    case 'float64':
      return ndarray(dtype, shape, filled(new Float64Array(size), draw));
    case 'int64':
      return ndarray(
        dtype,
        shape,
        BigInt64Array.from({ length: size }, () => BigInt(draw())),
      );
  }
}

/** `from` of a typed array with a function takes several times as long, and networks have millions of elements. */
function filled<T extends Float32Array | Float64Array>(data: T, draw: () => number): T {
  for (let i = 0; i < data.length; i++) data[i] = draw();
  return data;
}
