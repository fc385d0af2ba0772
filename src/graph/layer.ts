import { callerWithin } from '../lib/caller.ts';
import type { Context } from './context.ts';
import type { Tensor } from './executor.ts';

import { castRaw } from './ops/shape.ts';
import type { Initializer, Variable, VariableType } from './variable.ts';

/** A weight of a model: where the two file formats keep it, and its shape. */
export interface WeightSpec {
  /** Path in a Keras 3 `.weights.h5` file, e.g. `layers/res_net/conv1/vars/0`. */
  readonly path: string;
  /** Path in the object graph of a TensorFlow checkpoint, e.g. `layer_with_weights-0/conv1/kernel`. */
  readonly checkpointPath: string;
  readonly shape: readonly number[];
  /** False for the moving statistics of batch normalisation. */
  readonly trainable: boolean;
}

/** A layer or model: Keras 3 stores a `vars` group for each, a TensorFlow checkpoint a node of its object graph. */
export interface ObjectSpec {
  /** Path in a `.weights.h5` file; the model itself is the empty string. */
  readonly path: string;
  /** Path in the object graph of a checkpoint. */
  readonly checkpointPath: string;
  /** A second path to the same object (`layer-0` beside `layer_with_weights-0`). */
  readonly checkpointAlias?: string;
}

/** An inner layer under the names that its parent gives it. */
interface Child {
  readonly layer: Layer<never, never>;
  /** Name in a `.weights.h5` file. */
  readonly name: string;
  /** Name of the attribute in the Python class, which a TensorFlow checkpoint records. */
  readonly attribute: string;
}

/**
 * A part of a model: its variables, its inner layers and its computation. `Input` is a tensor, or a record of tensors.
 *
 * Paths are those of Keras's `.weights.h5` files: a layer at `conv1` of a block at `blocks/residual_block` owns
 * `blocks/residual_block/conv1/vars/0`. Variables and inner layers also state the attribute names of the Python class, from which
 * TensorFlow checkpoints take their paths.
 */
export abstract class Layer<Input = Tensor, Shape = readonly number[]> {
  /** Name of the Keras class in snake case: Keras names the members of lists after it. */
  abstract readonly kind: string;
  readonly #own: { readonly attribute: string; readonly variable: Variable }[] = [];
  readonly #children: Child[] = [];
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
    return [...this.#own.map(({ variable }) => variable), ...this.#children.flatMap(({ layer }) => layer.variables)];
  }

  /** The variables that training changes, in the same order. */
  get trainableVariables(): Variable[] {
    return this.variables.filter((variable) => variable.trainable);
  }

  /** Every variable with its places in weight files, in the order of Keras's `weights`. */
  get weights(): WeightSpec[] {
    return this.#parts('').flatMap(({ layer, object }) =>
      layer.#own.map(({ attribute, variable: { name, shape, trainable } }) => ({
        path: name,
        checkpointPath: join(object.checkpointPath, attribute),
        shape,
        trainable,
      })),
    );
  }

  /** This layer and all inner ones, with their places in weight files; each layer comes before its inner ones. */
  get objects(): ObjectSpec[] {
    return this.#parts('').map(({ object }) => object);
  }

  /** Creates the variables for inputs of this shape (batch first, -1) and returns the shape of the output. */
  buildAt(path: string, inputShape: Shape, dtype: VariableType): readonly number[] {
    if (this.#path !== undefined) throw new Error(`${this.kind} at ${this.#path || 'the root'} is already built`);
    this.#path = path;
    this.#dtype = dtype;
    return this.create(inputShape);
  }

  /** Computes the layer's output, in a scope of its name, and records it as an activation. */
  apply(c: Context, input: Input): Tensor {
    const output = c.executor.scope(this.path.slice(this.path.lastIndexOf('/') + 1) || this.kind, () =>
      this.call(c, input),
    );
    let key = this.path;
    for (let use = 2; c.activations.has(key); use++) key = `${this.path}#${use}`;
    c.activations.set(key, output);
    const forced = c.teacherForcing?.outputs.get(key);
    if (forced === undefined) return output;
    c.teacherForcing?.places.set(key, callerWithin(c.teacherForcing.source));
    return castRaw(c, c.executor.constant(forced), output.dtype);
  }

  /** Declares variables and builds inner layers; returns the shape of the output. */
  protected abstract create(inputShape: Shape): readonly number[];

  /** The computation itself. */
  protected abstract call(c: Context, input: Input): Tensor;

  /** Declares the next variable of this layer; `attribute` is the name of the attribute in the Python class. */
  protected variable(
    attribute: string,
    shape: readonly number[],
    initializer: Initializer,
    trainable = true,
  ): Variable {
    const name = join(this.path, `vars/${this.#own.length}`);
    const variable = { name, shape, dtype: this.#dtype, trainable, initializer };
    this.#own.push({ attribute, variable });
    return variable;
  }

  /**
   * Builds an inner layer. `name` is Keras 3's name for it in a `.weights.h5` file. Where the attribute of the Python class has another
   * name, `attribute` is that: Keras 3 names the members of a list by their class (`blocks/residual_block_1` for `blocks/1`).
   */
  protected child<S>(name: string, layer: Layer<never, S>, inputShape: S, attribute = name): readonly number[] {
    this.#children.push({ layer: layer as Layer<never, never>, name, attribute });
    return layer.buildAt(join(this.path, name), inputShape, this.#dtype);
  }

  /** Builds the layers of a list attribute one after another; each takes the output of the one before. */
  protected childList(name: string, layers: readonly Layer<never>[], inputShape: readonly number[]): readonly number[] {
    const names = memberNames(layers);
    return layers.reduce(
      (shape, layer, i) => this.child(`${name}/${names[i]}`, layer, shape, `${name}/${i}`),
      inputShape,
    );
  }

  /** Names of an inner layer in the object graph of a checkpoint; the first is the one that variables are stored under. */
  protected checkpointNames({ attribute }: Child): readonly [name: string, alias?: string] {
    return [attribute];
  }

  /** This layer and all inner ones with their places in weight files. */
  #parts(checkpointPath: string, checkpointAlias?: string): { layer: Layer<never, never>; object: ObjectSpec }[] {
    const object = { path: this.path, checkpointPath, ...(checkpointAlias !== undefined && { checkpointAlias }) };
    const inner = this.#children.flatMap((child) => {
      const [name, alias] = this.checkpointNames(child);
      return child.layer.#parts(join(checkpointPath, name), alias && join(checkpointPath, alias));
    });
    return [{ layer: this as Layer<never, never>, object }, ...inner];
  }
}

function join(parent: string, name: string): string {
  return parent === '' ? name : `${parent}/${name}`;
}

/** Keras's names for the members of a list of layers: by class, `dense`, `dense_1`, and so on. */
function memberNames(layers: readonly { readonly kind: string }[]): string[] {
  const counts = new Map<string, number>();
  return layers.map(({ kind }) => {
    const count = counts.get(kind) ?? 0;
    counts.set(kind, count + 1);
    return count === 0 ? kind : `${kind}_${count}`;
  });
}
