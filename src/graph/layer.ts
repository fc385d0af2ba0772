import { callerWithin } from '../lib/caller.ts';
import type { Context } from './context.ts';
import type { Tensor } from './executor.ts';
import type { Initializer } from './initializers.ts';
import { castRaw } from './ops/shape.ts';
import type { Variable, VariableType } from './variable.ts';

/**
 * Part of a model: variables, inner layers and what is computed with them. `Input` is a tensor, or a record of tensors.
 *
 * Paths are those of Keras's `.weights.h5` files: a layer at `conv1` of a block at `blocks/residual_block` owns
 * `blocks/residual_block/conv1/vars/0`.
 */
export abstract class Layer<Input = Tensor, Shape = readonly number[]> {
  /** Snake-cased name of the Keras class, from which Keras names the members of lists. */
  abstract readonly kind: string;
  readonly #own: Variable[] = [];
  readonly #children: Layer<never, never>[] = [];
  #path: string | undefined;
  #dtype: VariableType = 'float32';

  /** Path from the root, which is the empty string. Throws an Error before `build`. */
  get path(): string {
    if (this.#path === undefined) throw new Error(`${this.kind} is not built yet: call build(inputShape) on the model`);
    return this.#path;
  }

  get built(): boolean {
    return this.#path !== undefined;
  }

  /** All variables in the order of Keras's `weights`: layer by layer, in the order in which inner layers were built. */
  get variables(): Variable[] {
    return [...this.#own, ...this.#children.flatMap((child) => child.variables)];
  }

  /** Variables that training changes, in the same order. */
  get trainableVariables(): Variable[] {
    return this.variables.filter((variable) => variable.trainable);
  }

  /** Path, shape and kind of every variable, in Keras's weight order. */
  get weights(): { path: string; shape: readonly number[]; trainable: boolean }[] {
    return this.variables.map(({ name, shape, trainable }) => ({ path: name, shape, trainable }));
  }

  /** Paths of this layer and all inner ones: the objects that have a `vars` group in a Keras weight file. */
  get objects(): string[] {
    return [this.path, ...this.#children.flatMap((child) => child.objects)];
  }

  /** Creates the variables for inputs of this shape (batch first, -1) and returns the shape of the output. */
  buildAt(path: string, inputShape: Shape, dtype: VariableType): readonly number[] {
    if (this.#path !== undefined) throw new Error(`${this.kind} at ${this.#path || 'the root'} is already built`);
    this.#path = path;
    this.#dtype = dtype;
    return this.create(inputShape);
  }

  /** Computes the layer's output, under its name, and notes it as an activation. */
  apply(c: Context, input: Input): Tensor {
    const output = c.executor.scope(this.path.slice(this.path.lastIndexOf('/') + 1) || this.kind, () =>
      this.call(c, input),
    );
    let key = this.path;
    for (let use = 2; c.activations.has(key); use++) key = `${this.path}#${use}`;
    c.activations.set(key, output);
    const taught = c.teaching?.outputs.get(key);
    if (taught === undefined) return output;
    c.teaching?.places.set(key, callerWithin(c.teaching.source));
    return castRaw(c, c.executor.constant(taught), output.dtype);
  }

  /** Declares variables and builds inner layers; returns the shape of the output. */
  protected abstract create(inputShape: Shape): readonly number[];

  /** The computation itself. */
  protected abstract call(c: Context, input: Input): Tensor;

  /** Declares the next variable of this layer. */
  protected variable(shape: readonly number[], initializer: Initializer, trainable = true): Variable {
    const name = `${this.#prefix}vars/${this.#own.length}`;
    const variable = { name, shape, dtype: this.#dtype, trainable, initializer };
    this.#own.push(variable);
    return variable;
  }

  /** Builds an inner layer that is the attribute `name` (or list member, e.g. `blocks/residual_block_1`). */
  protected child<S>(name: string, layer: Layer<never, S>, inputShape: S): readonly number[] {
    this.#children.push(layer as Layer<never, never>);
    return layer.buildAt(`${this.#prefix}${name}`, inputShape, this.#dtype);
  }

  get #prefix(): string {
    return this.path === '' ? '' : `${this.path}/`;
  }
}

/** Keras's names of the members of a list of layers: `dense`, `dense_1`, … by class. */
export function memberNames(layers: readonly { readonly kind: string }[]): string[] {
  const counts = new Map<string, number>();
  return layers.map(({ kind }) => {
    const count = counts.get(kind) ?? 0;
    counts.set(kind, count + 1);
    return count === 0 ? kind : `${kind}_${count}`;
  });
}
