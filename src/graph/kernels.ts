import type { ElementType } from './element_type.ts';

/**
 * How the gradient of a convolution's filters is computed: `usual` by TensorFlow's `Conv2DBackpropFilter`, as in Keras; `taps` as one matrix product for
 * each tap of the filters. Both add the same products in another order.
 */
export type FilterGradient = 'usual' | 'taps';

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
  readonly dtype: ElementType;
}

/** Chooses how the gradient of a convolution's filters is computed. */
export type ChooseFilterGradient = (convolution: Convolution) => FilterGradient;
