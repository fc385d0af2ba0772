import type { Precision } from './precision.ts';

/**
 * How the gradient of a convolution's filters is computed: `usual` by TensorFlow's `Conv2DBackpropFilter`, as in Keras; `taps` as one matrix product for
 * each tap of the filters. Both add the same products in another order.
 */
export const filterGradients = ['usual', 'taps'] as const;
export type FilterGradient = (typeof filterGradients)[number];

/** What a job can be given: the usual kernels, or for each convolution the faster one on its machine. */
export const kernelChoices = ['usual', 'auto'] as const;
export type KernelChoice = (typeof kernelChoices)[number];

/** A convolution as its kernels see it: `(batch, samples, inputs)` to `(batch, ⌈samples / stride⌉, outputs)`. */
export interface Convolution {
  /** -1 while a graph for all batch sizes is built. */
  readonly batch: number;
  readonly samples: number;
  readonly inputs: number;
  readonly outputs: number;
  /** Taps of the filters. */
  readonly width: number;
  readonly stride: number;
  readonly dtype: Precision;
}

/** Chooses how the gradient of a convolution's filters is computed. */
export type ChooseFilterGradient = (convolution: Convolution) => FilterGradient;
