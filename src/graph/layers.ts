import type { Context } from './context.ts';
import type { Tensor } from './executor.ts';
import { glorotUniform, ones, varianceScaling, zeros } from './initializers.ts';
import { Layer } from './layer.ts';
import { conv1d, stridedExtent } from './ops/convolution.ts';
import { binaryRaw, relu } from './ops/elementwise.ts';
import { dense } from './ops/linear.ts';
import { batchNorm, layerNorm } from './ops/normalization.ts';
import { globalAveragePool1d, maxPool1d } from './ops/pooling.ts';
import { dropout } from './ops/random.ts';
import { cast } from './ops/shape.ts';
import { computeType } from './precision.ts';
import type { Variable } from './variable.ts';

/** Value of a parameter in the type of activations. */
function parameter(c: Context, variable: Variable): Tensor {
  return cast(c, c.value(variable), computeType(c.precision));
}

/** Convolution along time, 'same' padding, no bias, `VarianceScaling` kernel. Twin of the `keras.layers.Conv1D` of the original. */
export class Conv1D extends Layer {
  readonly kind = 'conv1d';
  readonly filters: number;
  readonly kernelSize: number;
  readonly strides: number;
  #kernel!: Variable;

  constructor(filters: number, kernelSize = 3, strides = 1) {
    super();
    this.filters = filters;
    this.kernelSize = kernelSize;
    this.strides = strides;
  }

  protected override create([batch, samples, channels]: readonly number[]): readonly number[] {
    this.#kernel = this.variable('kernel', [this.kernelSize, channels, this.filters], varianceScaling);
    return [batch, stridedExtent(samples, this.strides), this.filters];
  }

  protected override call(c: Context, x: Tensor): Tensor {
    return conv1d(c, cast(c, x, computeType(c.precision)), parameter(c, this.#kernel), this.strides);
  }
}

/** Settings of batch normalisation; the defaults are Keras's. */
export interface BatchNormalizationOptions {
  readonly momentum?: number;
  readonly epsilon?: number;
}

/** Batch normalisation over batch and time, with moving averages of mean and biased variance. Twin of `keras.layers.BatchNormalization`. */
export class BatchNormalization extends Layer {
  readonly kind = 'batch_normalization';
  readonly momentum: number;
  readonly epsilon: number;
  #gamma!: Variable;
  #beta!: Variable;
  #movingMean!: Variable;
  #movingVariance!: Variable;

  constructor({ momentum = 0.99, epsilon = 1e-3 }: BatchNormalizationOptions = {}) {
    super();
    this.momentum = momentum;
    this.epsilon = epsilon;
  }

  protected override create(shape: readonly number[]): readonly number[] {
    const channels = [shape.at(-1)!];
    this.#gamma = this.variable('gamma', channels, ones);
    this.#beta = this.variable('beta', channels, zeros);
    this.#movingMean = this.variable('moving_mean', channels, zeros, false);
    this.#movingVariance = this.variable('moving_variance', channels, ones, false);
    return shape;
  }

  protected override call(c: Context, x: Tensor): Tensor {
    const gamma = c.value(this.#gamma);
    const beta = c.value(this.#beta);
    const moving =
      c.training && !c.frozen?.has(this.#gamma)
        ? undefined
        : { mean: c.value(this.#movingMean), variance: c.value(this.#movingVariance) };
    const { y, moments } = batchNorm(c, x, { gamma, beta, moving }, this.epsilon);
    if (moments !== undefined && c.updatesStatistics) {
      this.#average(c, this.#movingMean, moments.mean);
      this.#average(c, this.#movingVariance, moments.variance);
    }
    return y;
  }

  #average(c: Context, variable: Variable, batch: Tensor): void {
    // Read again: a layer that is applied twice in a step updates its averages twice.
    const moving = c.executor.read(variable);
    const kept = binaryRaw(c, 'Mul', moving, c.scalar(this.momentum, moving.dtype));
    const added = binaryRaw(c, 'Mul', batch, c.scalar(1 - this.momentum, moving.dtype));
    c.executor.write('AssignVariableOp', [variable], [binaryRaw(c, 'AddV2', kept, added)], {
      dtype: { type: variable.dtype },
    });
  }
}

/** max(x, 0). Twin of `keras.layers.ReLU`. */
export class ReLU extends Layer {
  readonly kind = 're_lu';

  protected override create(shape: readonly number[]): readonly number[] {
    return shape;
  }

  protected override call(c: Context, x: Tensor): Tensor {
    return relu(c, x);
  }
}

/** Maximum over windows of time, 'same' padding. Twin of `keras.layers.MaxPooling1D(padding='same')`. */
export class MaxPooling1D extends Layer {
  readonly kind = 'max_pooling1d';
  readonly poolSize: number;
  readonly strides: number;

  constructor(poolSize: number, strides: number) {
    super();
    this.poolSize = poolSize;
    this.strides = strides;
  }

  protected override create([batch, samples, channels]: readonly number[]): readonly number[] {
    return [batch, stridedExtent(samples, this.strides), channels];
  }

  protected override call(c: Context, x: Tensor): Tensor {
    return maxPool1d(c, x, this.poolSize, this.strides);
  }
}

/** Mean over time. Twin of `keras.layers.GlobalAveragePooling1D`. */
export class GlobalAveragePooling1D extends Layer {
  readonly kind = 'global_average_pooling1d';

  protected override create([batch, , channels]: readonly number[]): readonly number[] {
    return [batch, channels];
  }

  protected override call(c: Context, x: Tensor): Tensor {
    return globalAveragePool1d(c, x);
  }
}

/** What a model's last layer applies to its logits. */
export type Activation = 'linear' | 'softmax' | 'sigmoid';

/** x·kernel + bias. The activation is applied by the model, since losses are computed from logits. Twin of `keras.layers.Dense`. */
export class Dense extends Layer {
  readonly kind = 'dense';
  readonly units: number;
  readonly activation: Activation;
  #kernel!: Variable;
  #bias!: Variable;

  constructor(units: number, activation: Activation = 'linear') {
    super();
    this.units = units;
    this.activation = activation;
  }

  protected override create(shape: readonly number[]): readonly number[] {
    this.#kernel = this.variable('kernel', [shape.at(-1)!, this.units], glorotUniform);
    this.#bias = this.variable('bias', [this.units], zeros);
    return [...shape.slice(0, -1), this.units];
  }

  /** The logits. */
  protected override call(c: Context, x: Tensor): Tensor {
    return dense(c, cast(c, x, computeType(c.precision)), parameter(c, this.#kernel), parameter(c, this.#bias));
  }
}

/** Normalisation of the last axis. Twin of `keras.layers.LayerNormalization`. */
export class LayerNormalization extends Layer {
  readonly kind = 'layer_normalization';
  readonly epsilon: number;
  #gamma!: Variable;
  #beta!: Variable;

  constructor(epsilon = 1e-3) {
    super();
    this.epsilon = epsilon;
  }

  protected override create(shape: readonly number[]): readonly number[] {
    this.#gamma = this.variable('gamma', [shape.at(-1)!], ones);
    this.#beta = this.variable('beta', [shape.at(-1)!], zeros);
    return shape;
  }

  protected override call(c: Context, x: Tensor): Tensor {
    return layerNorm(c, x, c.value(this.#gamma), c.value(this.#beta), this.epsilon);
  }
}

/** Zeroes a share of the elements in training mode and scales the rest. Twin of `keras.layers.Dropout`. */
export class Dropout extends Layer {
  readonly kind = 'dropout';
  readonly rate: number;

  constructor(rate: number) {
    super();
    if (!(rate >= 0 && rate < 1)) throw new RangeError(`dropout rate: got ${rate}, expected a number in [0, 1)`);
    this.rate = rate;
  }

  protected override create(shape: readonly number[]): readonly number[] {
    return shape;
  }

  protected override call(c: Context, x: Tensor): Tensor {
    return c.training && this.rate > 0 ? dropout(c, x, this.rate) : x;
  }
}
