import { GraphBuilder } from './builder.ts';
import { Context } from './context.ts';
import { unknown } from './executor.ts';
import type { SignatureEndpoints } from './graph_def.ts';
import { type Convolution, type FilterGradient, filterGradients } from './kernels.ts';
import { loadGraph } from './loading.ts';
import { fastestRounds, noise } from './measuring.ts';
import { conv1d, stridedExtent } from './ops/convolution.ts';
import { sumOfRaw } from './ops/elementwise.ts';
import { type ModelHandle, runtime } from './runtime.ts';

/** Floating-point operations per second (GFLOP/s) of the gradient of a convolution's filters, either way. */
export type FilterSpeeds = Readonly<Record<FilterGradient, number>>;

/** Results then differ from the original's in their last bits, so it has to be worth it: chosen from this many times the speed of the usual kernel. */
export const worthwhile = 1.15;

/** Most rounds of a kernel, and the time in milliseconds after which it gets no further one. */
const limits = { rounds: 15, time: 150 };

/** The faster way; the usual one unless the other is `worthwhile`. */
export function fasterFilterGradient({ usual, taps }: FilterSpeeds): FilterGradient {
  return taps >= worthwhile * usual ? 'taps' : 'usual';
}

/** Measures the gradients of the filters of convolutions, each in a fraction of a second. */
export function measureFilterGradients(convolutions: readonly Convolution[]): FilterSpeeds[] {
  if (convolutions.length === 0) return [];
  const builder = new GraphBuilder();
  const signatures = convolutions.map((convolution, i) =>
    filterGradients.map((kind) => addGradient(builder, `${kind}_${i}`, convolution, kind)),
  );
  const model = loadGraph(builder.encode());
  try {
    return convolutions.map((convolution, i) => speedsOf(model, convolution, signatures[i]));
  } finally {
    runtime().deleteSavedModel(model);
  }
}

function addGradient(
  builder: GraphBuilder,
  name: string,
  { samples, inputs, outputs, width, stride, dtype }: Convolution,
  kind: FilterGradient,
): SignatureEndpoints {
  const specs = {
    x: { dtype, shape: [unknown, samples, inputs] },
    dy: { dtype, shape: [unknown, stridedExtent(samples, stride), outputs] },
    // The gradient does not depend on it, so it is never fed.
    kernel: { dtype, shape: [width, inputs, outputs] },
  };
  return builder.signature(name, specs, ({ x, dy, kernel }) => {
    const c = new Context(builder, {
      training: true,
      precision: dtype,
      kernelsOf: () => ({ format: dtype, filterGradient: kind }),
    });
    c.tape.watch(kernel);
    const y = conv1d(c, x, kernel, stride);
    const [gradient] = c.tape.gradients(y, dy, [kernel], (parts) => sumOfRaw(c, parts));
    return { gradient: gradient! };
  });
}

function speedsOf(
  model: ModelHandle,
  convolution: Convolution,
  signatures: readonly SignatureEndpoints[],
): FilterSpeeds {
  const tensorflow = runtime();
  const { batch, samples, inputs, outputs, width, stride, dtype } = convolution;
  const steps = stridedExtent(samples, stride);
  const x = noise(tensorflow, [batch, samples, inputs], dtype);
  const dy = noise(tensorflow, [batch, steps, outputs], dtype);
  try {
    const runs = signatures.map((ends) => () => {
      const feeds = new Map([
        [ends.inputs.x.name, x],
        [ends.inputs.dy.name, dy],
      ]);
      for (const result of tensorflow.runSavedModel(model, feeds, [ends.outputs.gradient.name])) {
        tensorflow.deleteTensor(result);
      }
    });
    // Once before, so that kernels are made.
    for (const run of runs) run();
    const operations = 2 * batch * steps * inputs * outputs * width;
    const [usual, taps] = fastestRounds(runs, limits).map((time) => operations / 1e6 / time);
    return { usual, taps };
  } finally {
    for (const tensor of [x, dy]) tensorflow.deleteTensor(tensor);
  }
}
