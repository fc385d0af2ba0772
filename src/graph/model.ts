import type { Context } from './context.ts';
import type { Tensor } from './executor.ts';
import { unknown } from './executor.ts';
import { Layer } from './layer.ts';
import { type Activation, Dense } from './layers.ts';
import { sigmoid } from './ops/elementwise.ts';
import { cast } from './ops/shape.ts';
import { softmax } from './ops/softmax.ts';
import { type Precision, variableType } from './precision.ts';

/** Shapes of a model's named inputs, without the batch axis. */
export type InputShapes = Readonly<Record<string, readonly number[]>>;

/** A model that `compile` takes: named inputs `(batch, …)` to logits `(batch, outputs)`. */
export interface Model extends Pick<Layer, 'variables' | 'trainableVariables' | 'weights' | 'objects' | 'built'> {
  /** Number formats, fixed by `build`. */
  readonly precision: Precision;
  /** Shapes of the inputs, fixed by `build`. */
  readonly inputShapes: InputShapes;
  /** Shape of the outputs with the batch axis (-1), fixed by `build`. */
  readonly outputShape: readonly number[];
  /** The function that turns logits into outputs. */
  readonly activation: Activation;
  /** Logits in the type of the variables. */
  logits(c: Context, inputs: Readonly<Record<string, Tensor>>): Tensor;
}

/** Outputs (probabilities, unless the activation is linear) from logits. */
export function activate(c: Context, activation: Activation, logits: Tensor): Tensor {
  switch (activation) {
    case 'linear':
      return logits;
    case 'softmax':
      return softmax(c, logits);
    case 'sigmoid':
      return sigmoid(c, logits);
  }
}

/** What all models have in common. `Input` and `Shape` are a tensor and its shape, or records of them by name. */
export abstract class BaseModel<Input, Shape> extends Layer<Input, Shape> implements Model {
  #precision: Precision = 'float32';
  #inputShapes: InputShapes = {};
  #outputShape: readonly number[] = [];

  get precision(): Precision {
    return this.#precision;
  }

  get inputShapes(): InputShapes {
    return this.#inputShapes;
  }

  get outputShape(): readonly number[] {
    return this.#outputShape;
  }

  get activation(): Activation {
    return 'linear';
  }

  abstract logits(c: Context, inputs: Readonly<Record<string, Tensor>>): Tensor;

  /** Builds this layer as the root of a model. */
  protected buildRoot(inputShapes: InputShapes, shape: Shape, precision: Precision): this {
    this.#precision = precision;
    this.#inputShapes = inputShapes;
    this.#outputShape = this.buildAt('', shape, variableType(precision));
    return this;
  }
}

/** Layers in sequence, with a single input named `x`. Twin of `keras.Sequential`. */
export class Sequential extends BaseModel<Tensor, readonly number[]> {
  readonly kind: string = 'sequential';
  readonly layers: Layer[];

  constructor(layers: readonly Layer[] = []) {
    super();
    this.layers = [...layers];
  }

  override get activation(): Activation {
    const last = this.layers.at(-1);
    return last instanceof Dense || last instanceof BaseModel ? last.activation : 'linear';
  }

  /** Appends a layer; only before the model is built. */
  add(layer: Layer): this {
    if (this.built) throw new Error('the model is already built: add layers before build');
    this.layers.push(layer);
    return this;
  }

  /** Creates the variables for inputs of this shape (without the batch axis) and fixes the number formats. */
  build(inputShape: readonly number[], precision: Precision = 'float32'): this {
    return this.buildRoot({ x: inputShape }, [unknown, ...inputShape], precision);
  }

  override logits(c: Context, inputs: Readonly<Record<string, Tensor>>): Tensor {
    return cast(c, this.apply(c, inputs.x), variableType(c.precision));
  }

  protected override create(inputShape: readonly number[]): readonly number[] {
    return this.childList('layers', this.layers, inputShape);
  }

  /** tf.keras numbers the members twice: those that have variables, whose number comes first, and all. */
  protected override checkpointNames({ layer }: { layer: Layer<never, never> }): readonly [string, string?] {
    const place = `layer-${this.layers.indexOf(layer)}`;
    if (layer.variables.length === 0) return [place];
    const weighted = this.layers.filter(({ variables }) => variables.length > 0);
    return [`layer_with_weights-${weighted.indexOf(layer)}`, place];
  }

  protected override call(c: Context, x: Tensor): Tensor {
    return this.layers.reduce((value, layer) => layer.apply(c, value), x);
  }
}
