import type { Context } from '../../../graph/context.ts';
import { type Tensor, unknown } from '../../../graph/executor.ts';
import { Layer } from '../../../graph/layer.ts';
import {
  type Activation,
  BatchNormalization,
  Conv1D,
  Dense,
  GlobalAveragePooling1D,
  MaxPooling1D,
  ReLU,
} from '../../../graph/layers.ts';
import { BaseModel } from '../../../graph/model.ts';
import { add } from '../../../graph/ops/elementwise.ts';
import { cast } from '../../../graph/ops/shape.ts';
import { type Precision, variableType } from '../../../graph/precision.ts';
import { AttributeError } from '../../../lib/python/errors.ts';

/** Batch normalisation with the momentum and epsilon of all networks. Twin of `transplant.modules.resnet1d.batch_norm`. */
export function batchNorm(): BatchNormalization {
  return new BatchNormalization({ momentum: 0.9, epsilon: 1e-5 });
}

/** Twin of `transplant.modules.resnet1d.relu`. */
export function relu(): ReLU {
  return new ReLU();
}

/** Convolution with 'same' padding and no bias. Twin of `transplant.modules.resnet1d.conv1d`. */
export function conv1d(filters: number, kernelSize = 3, strides = 1): Conv1D {
  return new Conv1D(filters, kernelSize, strides);
}

/** A block of a residual network: `(batch, samples, channels)` to `(batch, ⌈samples / strides⌉, width)`. */
export abstract class Block extends Layer {
  /** Channels of the output. */
  abstract readonly width: number;
}

/** Makes one block of a stage. */
export type BlockFn = (filters: number, kernelSize: number, strides: number) => Block;

/** The layers of a main path: each convolution with its normalisation. */
interface Unit {
  readonly conv: Conv1D;
  readonly bn: BatchNormalization;
}

/** What both kinds of block share: a main path of convolutions, a shortcut, projected where shapes differ. */
abstract class ShortcutBlock extends Block {
  readonly width: number;
  readonly strides: number;
  readonly #units: readonly Unit[];
  readonly #relus: readonly ReLU[];
  #projection: Unit | undefined;

  constructor(convolutions: readonly Conv1D[], width: number, strides: number) {
    super();
    this.width = width;
    this.strides = strides;
    this.#units = convolutions.map((conv) => ({ conv, bn: batchNorm() }));
    this.#relus = convolutions.map(relu);
  }

  /** Whether the shortcut is projected to the output's shape. */
  get projection(): boolean {
    return this.#projection !== undefined;
  }

  protected override create(inputShape: readonly number[]): readonly number[] {
    let shape = inputShape;
    for (const [i, { conv, bn }] of this.#units.entries()) {
      shape = this.child(`conv${i + 1}`, conv, shape);
      this.child(`bn${i + 1}`, bn, shape);
      this.child(`relu${i + 1}`, this.#relus[i], shape);
    }
    if (inputShape.at(-1) !== this.width || this.strides > 1) {
      this.#projection = { conv: conv1d(this.width, 1, this.strides), bn: batchNorm() };
      this.child('proj_conv', this.#projection.conv, inputShape);
      this.child('proj_bn', this.#projection.bn, shape);
    }
    return shape;
  }

  protected override call(c: Context, x: Tensor): Tensor {
    const shortcut = this.#projection ? this.#projection.bn.apply(c, this.#projection.conv.apply(c, x)) : x;
    let main = x;
    for (const [i, { conv, bn }] of this.#units.entries()) {
      main = bn.apply(c, conv.apply(c, main));
      if (i < this.#units.length - 1) main = this.#relus[i].apply(c, main);
    }
    return this.#relus.at(-1)!.apply(c, add(c, main, shortcut));
  }
}

/** Two convolutions with a shortcut. Twin of `transplant.modules.resnet1d.ResidualBlock`. */
export class ResidualBlock extends ShortcutBlock {
  readonly kind = 'residual_block';

  constructor(filters: number, kernelSize = 3, strides = 1) {
    super([conv1d(filters, kernelSize, strides), conv1d(filters, kernelSize)], filters, strides);
  }
}

/** Three convolutions, narrow in the middle, with a shortcut. Twin of `transplant.modules.resnet1d.BottleneckBlock`. */
export class BottleneckBlock extends ShortcutBlock {
  readonly kind = 'bottleneck_block';

  constructor(filters: number, kernelSize = 3, strides = 1, expansion = 4) {
    const width = filters * expansion;
    super([conv1d(filters, 1), conv1d(filters, kernelSize, strides), conv1d(width, 1)], width, strides);
  }
}

/** Settings of a ResNet; the defaults are the original's. */
export interface ResNetOptions {
  /** Outputs of the classifier: 1 makes a sigmoid, more a softmax. */
  readonly numOutputs?: number;
  /** Number of blocks of each stage. */
  readonly blocks?: readonly number[];
  readonly filters?: readonly number[];
  readonly kernelSize?: readonly number[];
  readonly blockFn?: BlockFn;
  /** Whether there is a classifier; without it the output is the last block's. */
  readonly includeTop?: boolean;
}

/** Signals, and whether to apply the classifier to them; default what the constructor was told. */
export interface ResNetInput {
  readonly x: Tensor;
  readonly includeTop?: boolean;
}

/**
 * Residual network for signals: `(batch, samples, leads)` to `(batch, numOutputs)`. Without the top, the output is the features over time,
 * `(batch, ⌈samples / 32⌉, width)` with four stages. Twin of `transplant.modules.resnet1d.ResNet`.
 */
export class ResNet extends BaseModel<Tensor | ResNetInput, readonly number[]> {
  readonly kind = 'res_net';
  readonly blocks: readonly Block[];
  readonly includeTop: boolean;
  readonly #conv1 = conv1d(64, 7, 2);
  readonly #bn1 = batchNorm();
  readonly #relu1 = relu();
  readonly #maxpool1 = new MaxPooling1D(3, 2);
  readonly #top: { readonly pool: GlobalAveragePooling1D; readonly classifier: Dense } | undefined;

  constructor(options: ResNetOptions = {}) {
    super();
    const { blocks = [2, 2, 2, 2], filters = [64, 128, 256, 512], kernelSize = [3, 3, 3, 3] } = options;
    const { blockFn = (...settings) => new ResidualBlock(...settings), includeTop = true, numOutputs = 1 } = options;
    this.includeTop = includeTop;
    this.blocks = blocks.flatMap((count, stage) =>
      Array.from({ length: count }, (_, i) => blockFn(filters[stage], kernelSize[stage], stage > 0 && i === 0 ? 2 : 1)),
    );
    if (includeTop) {
      const classifier = new Dense(numOutputs, numOutputs === 1 ? 'sigmoid' : 'softmax');
      this.#top = { pool: new GlobalAveragePooling1D(), classifier };
    }
  }

  override get activation(): Activation {
    return this.#top?.classifier.activation ?? 'linear';
  }

  /** Creates the variables for signals `(samples, leads)` and fixes the number formats. */
  build(inputShape: readonly number[], precision: Precision = 'float32'): this {
    return this.buildRoot({ x: inputShape }, [unknown, ...inputShape], precision);
  }

  override logits(c: Context, inputs: Readonly<Record<string, Tensor>>): Tensor {
    return cast(c, this.apply(c, inputs.x), variableType(c.precision));
  }

  protected override create(inputShape: readonly number[]): readonly number[] {
    let shape = this.child('conv1', this.#conv1, inputShape);
    shape = this.child('bn1', this.#bn1, shape);
    // Keras 3 stores these two under the list `layers`, which it visits before the attributes `maxpool1` and `relu1`.
    shape = this.child('layers/re_lu', this.#relu1, shape, 'relu1');
    shape = this.child('layers/max_pooling1d', this.#maxpool1, shape, 'maxpool1');
    shape = this.childList('blocks', this.blocks, shape);
    if (this.#top === undefined) return shape;
    shape = this.child('global_pool', this.#top.pool, shape);
    return this.child('classifier', this.#top.classifier, shape);
  }

  /** Throws an AttributeError if the top is asked for but was not built. */
  protected override call(c: Context, input: Tensor | ResNetInput): Tensor {
    const { x, includeTop = this.includeTop } = 'owner' in input ? { x: input } : input;
    const stem = this.#maxpool1.apply(c, this.#relu1.apply(c, this.#bn1.apply(c, this.#conv1.apply(c, x))));
    const features = this.blocks.reduce((value, block) => block.apply(c, value), stem);
    if (!includeTop) return features;
    if (this.#top === undefined) throw new AttributeError('this ResNet has no top: construct it with includeTop: true');
    return this.#top.classifier.apply(c, this.#top.pool.apply(c, features));
  }
}
