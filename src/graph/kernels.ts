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

/** How a convolution and its gradients are computed. */
export interface ConvolutionKernels {
  /**
   * Number format of the kernels: that of the signal; or float32 for a bfloat16 signal, which is converted before, and the result after. oneDNN's
   * kernels for bfloat16 compute the same: they multiply bfloat16, add in float32, and round the sum once.
   */
  readonly format: Precision;
  readonly filterGradient: FilterGradient;
}

/** Chooses the kernels of a convolution. */
export type ChooseKernels = (convolution: Convolution) => ConvolutionKernels;

/** The kernels of the original. */
export const usualKernels: ChooseKernels = ({ dtype }) => ({ format: dtype, filterGradient: 'usual' });
