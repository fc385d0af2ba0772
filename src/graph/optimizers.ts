import type { Attributes } from './attributes.ts';
import type { Context } from './context.ts';
import type { Tensor } from './executor.ts';
import { constant, zeros } from './initializers.ts';
import { binaryRaw, sumOfRaw, unaryRaw } from './ops/elementwise.ts';
import { castRaw, sumRaw } from './ops/shape.ts';
import type { Variable, VariableType } from './variable.ts';

/** Settings of Adam; the defaults are Keras's. */
export interface AdamOptions {
  readonly learningRate?: number;
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
  /** Each step first subtracts from every weight its product with this and the learning rate: AdamW (Loshchilov, Hutter 2019). Default: no decay. */
  readonly weightDecay?: number;
  /** Largest Euclidean norm of the gradient of each variable; a longer gradient is scaled down to it. */
  readonly clipnorm?: number;
  /** The same for all gradients taken together; only without `clipnorm`. */
  readonly globalClipnorm?: number;
}

/**
 * Adam (Kingma, Ba 2015) as in Keras 3: `m += (g − m)(1 − β₁)`, `v += (g² − v)(1 − β₂)`, `w −= m·α / (√v + ε)` with
 * `α = lr·√(1 − β₂ᵗ) / (1 − β₁ᵗ)`. Before that, gradients are clipped, and `w −= w·decay·lr`. Twin of `keras.optimizers.Adam` and, with a weight
 * decay, of `keras.optimizers.AdamW`.
 */
export class Adam {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly #weightDecay: number | undefined;
  readonly #clipnorm: number | undefined;
  readonly #globalClipnorm: number | undefined;

  constructor({ learningRate = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7, ...others }: AdamOptions = {}) {
    const { weightDecay, clipnorm, globalClipnorm } = others;
    if (clipnorm !== undefined && globalClipnorm !== undefined) {
      throw new RangeError('Adam: give clipnorm or globalClipnorm, not both');
    }
    this.learningRate = learningRate;
    this.beta1 = beta1;
    this.beta2 = beta2;
    this.epsilon = epsilon;
    this.#weightDecay = weightDecay;
    this.#clipnorm = clipnorm;
    this.#globalClipnorm = globalClipnorm;
  }

  /** State for these trainable variables, named and ordered as in Keras's files: iterations, then m and v of each. */
  state(trainable: readonly Variable[], dtype: VariableType): AdamState {
    const iterations: Variable = {
      name: 'optimizer/vars/0',
      shape: [],
      dtype: 'int64',
      trainable: false,
      initializer: constant(0),
    };
    const slot = (index: number, shape: readonly number[]): Variable => ({
      name: `optimizer/vars/${index}`,
      shape,
      dtype,
      trainable: false,
      initializer: zeros,
    });
    const slots = trainable.map(({ shape }, i) => ({ m: slot(2 + 2 * i, shape), v: slot(3 + 2 * i, shape) }));
    return { iterations, slots };
  }

  /** Applies one step; `gradients` go with `trainable`. */
  update(
    c: Context,
    state: AdamState,
    trainable: readonly Variable[],
    gradients: readonly Tensor[],
    learningRate: Tensor,
  ): void {
    const { executor } = c;
    const { dtype } = learningRate;
    const clipped = this.#clip(c, gradients);
    if (this.#weightDecay !== undefined) decay(c, trainable, this.#weightDecay, learningRate);
    const one = c.scalar(1, 'int64');
    const step = castRaw(c, binaryRaw(c, 'AddV2', executor.read(state.iterations), one), dtype);
    const beta1 = c.scalar(this.beta1, dtype);
    const beta2 = c.scalar(this.beta2, dtype);
    const epsilon = c.scalar(this.epsilon, dtype);
    // Keras rounds the bases of the powers to float32, even in float64.
    const power1 = binaryRaw(c, 'Pow', c.scalar(Math.fround(this.beta1), dtype), step);
    const power2 = binaryRaw(c, 'Pow', c.scalar(Math.fround(this.beta2), dtype), step);
    const attributes: Attributes = { T: { type: dtype }, use_locking: { bool: false }, use_nesterov: { bool: false } };
    for (const [i, variable] of trainable.entries()) {
      const { m, v } = state.slots[i];
      const inputs = [power1, power2, learningRate, beta1, beta2, epsilon, clipped[i]];
      executor.write('ResourceApplyAdam', [variable, m, v], inputs, attributes);
    }
    executor.write('AssignAddVariableOp', [state.iterations], [one], { dtype: { type: 'int64' } });
  }

  #clip(c: Context, gradients: readonly Tensor[]): readonly Tensor[] {
    const [clipnorm, globalClipnorm] = [this.#clipnorm, this.#globalClipnorm];
    if (clipnorm !== undefined) return gradients.map((gradient) => clipByNorm(c, gradient, clipnorm));
    return globalClipnorm === undefined ? gradients : clipByGlobalNorm(c, gradients, globalClipnorm);
  }
}

function squaresOf(c: Context, x: Tensor): Tensor {
  return sumRaw(
    c,
    unaryRaw(c, 'Square', x),
    x.shape.map((_, axis) => axis),
  );
}

/** The gradient times limit / max(its norm, limit). */
function clipByNorm(c: Context, gradient: Tensor, limit: number): Tensor {
  const most = c.scalar(limit, gradient.dtype);
  const norm = unaryRaw(c, 'Sqrt', squaresOf(c, gradient));
  return binaryRaw(c, 'RealDiv', binaryRaw(c, 'Mul', gradient, most), binaryRaw(c, 'Maximum', norm, most));
}

/** All gradients times limit · min(1 / their common norm, 1 / limit); NaN if that norm is not finite. */
function clipByGlobalNorm(c: Context, gradients: readonly Tensor[], limit: number): Tensor[] {
  const { dtype } = gradients[0];
  const squares = gradients.map((gradient) => squaresOf(c, gradient));
  const norm = unaryRaw(c, 'Sqrt', squares.length === 1 ? squares[0] : sumOfRaw(c, squares));
  const [one, most] = [c.scalar(1, dtype), c.scalar(limit, dtype)];
  const factor = binaryRaw(c, 'Minimum', binaryRaw(c, 'RealDiv', one, norm), binaryRaw(c, 'RealDiv', one, most));
  const scale = binaryRaw(c, 'AddV2', binaryRaw(c, 'Mul', most, factor), binaryRaw(c, 'Sub', norm, norm));
  return gradients.map((gradient) => binaryRaw(c, 'Mul', gradient, scale));
}

/** Subtracts from each variable its product with the decay and the learning rate. */
function decay(c: Context, variables: readonly Variable[], weightDecay: number, learningRate: Tensor): void {
  // Keras rounds the decay to float32, even in float64.
  const share = c.scalar(Math.fround(weightDecay), learningRate.dtype);
  for (const variable of variables) {
    const decayed = binaryRaw(c, 'Mul', binaryRaw(c, 'Mul', c.executor.read(variable), share), learningRate);
    c.executor.write('AssignSubVariableOp', [variable], [decayed], { dtype: { type: variable.dtype } });
  }
}

/** Variables of an optimiser. */
export interface AdamState {
  /** Steps taken so far. */
  readonly iterations: Variable;
  /** First and second moment of each trainable variable. */
  readonly slots: readonly { readonly m: Variable; readonly v: Variable }[];
}
