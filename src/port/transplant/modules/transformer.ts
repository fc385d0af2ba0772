import type { Context } from '../../../graph/context.ts';
import type { Tensor } from '../../../graph/executor.ts';
import { Layer } from '../../../graph/layer.ts';
import { Dense, Dropout, LayerNormalization, ReLU } from '../../../graph/layers.ts';
import { add, addConstant, binaryRaw, divide, scale } from '../../../graph/ops/elementwise.ts';
import { batchMatMul } from '../../../graph/ops/linear.ts';
import { castRaw, reshape, reshapeRaw, transpose } from '../../../graph/ops/shape.ts';
import { softmax } from '../../../graph/ops/softmax.ts';
import { computeType } from '../../../graph/precision.ts';
import { type NdArray, ndarray } from '../../../lib/numpy/ndarray.ts';
import { AssertionError, ValueError } from '../../../lib/python/errors.ts';

/** A sequence `(batch, steps, d_model)` with, optionally, a mask `(batch, steps)` in which 1 marks padding. */
export interface MaskedSequence {
  readonly x: Tensor;
  readonly mask?: Tensor | undefined;
}

/**
 * Sinusoidal position codes, float32 `(size, dModel)`: sines in even columns, cosines in odd ones. Twin of
 * `transplant.modules.transformer.positional_embedding`.
 */
export function positionalEmbedding(size: number, dModel: number): NdArray<'float32'> {
  const codes = Float32Array.from({ length: size * dModel }, (_, k) => {
    const column = k % dModel;
    const angle = Math.floor(k / dModel) / 10000 ** ((2 * Math.floor(column / 2)) / dModel);
    return column % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
  });
  return ndarray('float32', [size, dModel], codes);
}

/** Values, keys and queries `(batch, steps, channels)`; the mask `(batch, 1, 1, keys)` hides keys where it is 1. */
export interface AttentionInput {
  readonly v: Tensor;
  readonly k: Tensor;
  readonly q: Tensor;
  readonly mask?: Tensor | undefined;
}

/** Scaled dot-product attention in several heads. Twin of `transplant.modules.transformer.MultiHeadAttention`. */
export class MultiHeadAttention extends Layer<AttentionInput> {
  readonly kind = 'multi_head_attention';
  readonly dModel: number;
  readonly numHeads: number;
  readonly depth: number;
  readonly #wV: Dense;
  readonly #wK: Dense;
  readonly #wQ: Dense;
  readonly #wO: Dense;

  constructor(dModel: number, numHeads: number) {
    super();
    if (dModel % numHeads !== 0) {
      throw new AssertionError(`dModel must be a multiple of numHeads, got ${dModel} and ${numHeads}`);
    }
    this.dModel = dModel;
    this.numHeads = numHeads;
    this.depth = dModel / numHeads;
    this.#wV = new Dense(dModel);
    this.#wK = new Dense(dModel);
    this.#wQ = new Dense(dModel);
    this.#wO = new Dense(dModel);
  }

  protected override create(inputShape: readonly number[]): readonly number[] {
    const shape = this.child('W_v', this.#wV, inputShape);
    this.child('W_k', this.#wK, inputShape);
    this.child('W_q', this.#wQ, inputShape);
    return this.child('W_o', this.#wO, shape);
  }

  protected override call(c: Context, { v, k, q, mask }: AttentionInput): Tensor {
    const values = this.#splitHeads(c, this.#wV.apply(c, v));
    const keys = this.#splitHeads(c, this.#wK.apply(c, k));
    const queries = this.#splitHeads(c, this.#wQ.apply(c, q));
    // Quirk Q29: the scale is the square root of the full width, not of the width of one head.
    let logits = divide(c, batchMatMul(c, queries, keys, { transposeB: true }), Math.sqrt(this.dModel));
    if (mask !== undefined) {
      // Quirk Q55: the mask is added to the logits, so a fully masked row still attends.
      const penalty = binaryRaw(c, 'Mul', castRaw(c, mask, logits.dtype), c.scalar(-1e9, logits.dtype));
      logits = addConstant(c, logits, penalty);
    }
    const attended = batchMatMul(c, softmax(c, logits), values);
    const joined = transpose(c, attended, [0, 2, 1, 3]);
    return this.#wO.apply(c, reshape(c, joined, [joined.shape[0], joined.shape[1], this.dModel]));
  }

  /** `(batch, steps, d_model)` to `(batch, heads, steps, depth)`. */
  #splitHeads(c: Context, x: Tensor): Tensor {
    const [batch, steps] = x.shape as [number, number];
    return transpose(c, reshape(c, x, [batch, steps, this.numHeads, this.depth]), [0, 2, 1, 3]);
  }
}

/**
 * Self-attention and a two-layer perceptron, each followed by dropout, a shortcut and layer normalisation. Twin of
 * `transplant.modules.transformer.EncoderLayer`.
 */
export class EncoderLayer extends Layer<MaskedSequence> {
  readonly kind = 'encoder_layer';
  readonly #mha: MultiHeadAttention;
  readonly #dropout1: Dropout;
  readonly #layernorm1 = new LayerNormalization();
  readonly #ff1: Dense;
  readonly #relu1 = new ReLU();
  readonly #ff2: Dense;
  readonly #dropout2: Dropout;
  readonly #layernorm2 = new LayerNormalization();

  constructor(dModel: number, numHeads: number, dff: number, dropout = 0.1) {
    super();
    this.#mha = new MultiHeadAttention(dModel, numHeads);
    this.#dropout1 = new Dropout(dropout);
    this.#ff1 = new Dense(dff);
    this.#ff2 = new Dense(dModel);
    this.#dropout2 = new Dropout(dropout);
  }

  protected override create(inputShape: readonly number[]): readonly number[] {
    const attended = this.child('mha', this.#mha, inputShape);
    this.child('dropout1', this.#dropout1, attended);
    this.child('layernorm1', this.#layernorm1, attended);
    const hidden = this.child('ff1', this.#ff1, attended);
    this.child('relu1', this.#relu1, hidden);
    const output = this.child('ff2', this.#ff2, hidden);
    this.child('dropout2', this.#dropout2, output);
    return this.child('layernorm2', this.#layernorm2, output);
  }

  protected override call(c: Context, { x, mask }: MaskedSequence): Tensor {
    const attended = this.#dropout1.apply(c, this.#mha.apply(c, { v: x, k: x, q: x, mask }));
    const middle = this.#layernorm1.apply(c, add(c, x, attended));
    const fed = this.#ff2.apply(c, this.#relu1.apply(c, this.#ff1.apply(c, middle)));
    return this.#layernorm2.apply(c, add(c, middle, this.#dropout2.apply(c, fed)));
  }
}

/** Settings of an encoder; the defaults are the original's. */
export interface EncoderOptions {
  readonly numLayers?: number;
  readonly dModel?: number;
  readonly numHeads?: number;
  readonly dff?: number;
  readonly maxSeqLen?: number;
  readonly dropout?: number;
}

/**
 * Encoder layers on scaled inputs with position codes: `(batch, steps, d_model)` to the same shape, without a final normalisation.
 * Twin of `transplant.modules.transformer.Encoder`.
 */
export class Encoder extends Layer<MaskedSequence> {
  readonly kind = 'encoder';
  readonly dModel: number;
  readonly maxSeqLen: number;
  readonly #dropout: Dropout;
  readonly #layers: readonly EncoderLayer[];

  constructor(options: EncoderOptions = {}) {
    super();
    const { numLayers = 6, dModel = 512, numHeads = 8, dff = 2048, maxSeqLen = 512, dropout = 0.1 } = options;
    this.dModel = dModel;
    this.maxSeqLen = maxSeqLen;
    this.#dropout = new Dropout(dropout);
    this.#layers = Array.from({ length: numLayers }, () => new EncoderLayer(dModel, numHeads, dff, dropout));
  }

  protected override create(inputShape: readonly number[]): readonly number[] {
    const [, steps, width] = inputShape as [number, number, number];
    if (steps > this.maxSeqLen || width !== this.dModel) {
      throw new ValueError(
        `encoder: got sequences (${steps}, ${width}), expected (≤ ${this.maxSeqLen}, ${this.dModel})`,
      );
    }
    this.child('dropout', this.#dropout, inputShape);
    return this.childList('enc_layers', this.#layers, inputShape);
  }

  protected override call(c: Context, { x, mask }: MaskedSequence): Tensor {
    const dtype = computeType(c.precision);
    const [batch, steps] = x.shape as [number, number];
    const spread = mask && reshapeRaw(c, mask, [batch, 1, 1, steps]);
    // Quirk Q55: a pooling token in front is scaled and gets a position code like any other step.
    const scaled = scale(c, x, Math.sqrt(this.dModel));
    const codes = castRaw(c, c.executor.constant(positionalEmbedding(steps, this.dModel)), dtype);
    const coded = this.#dropout.apply(c, addConstant(c, scaled, codes));
    return this.#layers.reduce((value, layer) => layer.apply(c, { x: value, mask: spread }), coded);
  }
}
