import { GraphBuilder } from './builder.ts';
import { Context } from './context.ts';
import { type ChooseKernels, type Convolution, type FilterGradient, usualKernels } from './kernels.ts';
import type { Model } from './model.ts';
import { inputSpecs } from './program.ts';

/**
 * A convolution with the speeds of both ways to compute the gradient of its filters (GFLOP/s), and the chosen one. Its `dtype` is the format of its
 * kernels: float32 in a bfloat16 model means that they run between conversions.
 */
export interface MeasuredConvolution extends Convolution {
  readonly usual: number;
  readonly taps: number;
  readonly chosen: FilterGradient;
}

/** The convolutions of a model for batches of this size. Where two differ in the batch alone, as in contrastive predictive coding, that with the larger one. */
export function convolutionsOf(model: Model, batch: number): Convolution[] {
  const found = new Map<string, Convolution>();
  const note: ChooseKernels = (convolution) => {
    const key = withoutBatch(convolution);
    if ((found.get(key)?.batch ?? 0) < convolution.batch) found.set(key, convolution);
    return usualKernels(convolution);
  };
  const builder = new GraphBuilder();
  builder.signature('convolutions', inputSpecs(model, batch), (feeds) => {
    model.logits(new Context(builder, { training: false, precision: model.precision, kernelsOf: note }), feeds);
    return {};
  });
  return [...found.values()];
}

/** Chooses as it was measured; the usual kernels for a convolution that is not among the measured ones. */
export function chooserOf(measured: readonly MeasuredConvolution[]): ChooseKernels {
  const chosen = new Map(measured.map((one) => [withoutBatch(one), one.chosen]));
  return (convolution) => {
    const { dtype } = convolution;
    for (const format of dtype === 'bfloat16' ? ([dtype, 'float32'] as const) : [dtype]) {
      const filterGradient = chosen.get(withoutBatch({ ...convolution, dtype: format }));
      if (filterGradient !== undefined) return { format, filterGradient };
    }
    return usualKernels(convolution);
  };
}

function withoutBatch({ samples, inputs, outputs, width, stride, dtype }: Convolution): string {
  return [samples, inputs, outputs, width, stride, dtype].join();
}
