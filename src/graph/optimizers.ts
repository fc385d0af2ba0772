import type { Attributes } from './attributes.ts';
import type { Context } from './context.ts';
import type { Tensor } from './executor.ts';
import { constant, zeros } from './initializers.ts';
import { binaryRaw } from './ops/elementwise.ts';
import { castRaw } from './ops/shape.ts';
import type { Variable, VariableType } from './variable.ts';

/** Settings of Adam; the defaults are Keras's. */
export interface AdamOptions {
  readonly learningRate?: number;
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
}

/**
 * Adam (Kingma, Ba 2015) as in Keras 3: `m += (g − m)(1 − β₁)`, `v += (g² − v)(1 − β₂)`, `w −= m·α / (√v + ε)` with
 * `α = lr·√(1 − β₂ᵗ) / (1 − β₁ᵗ)`. Twin of `keras.optimizers.Adam`.
 */
export class Adam {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;

  constructor({ learningRate = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7 }: AdamOptions = {}) {
    this.learningRate = learningRate;
    this.beta1 = beta1;
    this.beta2 = beta2;
    this.epsilon = epsilon;
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
      const inputs = [power1, power2, learningRate, beta1, beta2, epsilon, gradients[i]];
      executor.write('ResourceApplyAdam', [variable, m, v], inputs, attributes);
    }
    executor.write('AssignAddVariableOp', [state.iterations], [one], { dtype: { type: 'int64' } });
  }
}

/** Variables of an optimiser. */
export interface AdamState {
  /** Steps taken so far. */
  readonly iterations: Variable;
  /** First and second moment of each trainable variable. */
  readonly slots: readonly { readonly m: Variable; readonly v: Variable }[];
}
