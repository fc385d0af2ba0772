import type { Context } from '../../../graph/context.ts';
import type { Tensor } from '../../../graph/executor.ts';
import { truncatedNormal } from '../../../graph/initializers.ts';
import { Layer } from '../../../graph/layer.ts';
import {
  cast,
  concatenate,
  concatRaw,
  repeatForEach,
  reshape,
  reshapeRaw,
  slice,
  sliceRaw,
} from '../../../graph/ops/shape.ts';
import type { Variable } from '../../../graph/variable.ts';
import type { MaskedSequence } from './transformer.ts';

/** What encodes the sequence with the token in front of it. */
export interface Transformer extends Layer<MaskedSequence> {
  readonly dModel: number;
}

/**
 * Puts a learned token in front of each sequence, runs the transformer and keeps the token's output: `(batch, steps, d_model)` to
 * `(batch, d_model)`, or `(batch, 1, d_model)` with `keepdims`. Twin of `transplant.modules.attn_pool.AttentionPooling`.
 */
export class AttentionPooling extends Layer<MaskedSequence> {
  readonly kind = 'attention_pooling';
  readonly transformer: Transformer;
  readonly keepdims: boolean;
  #token!: Variable;

  constructor(transformer: Transformer, keepdims = false) {
    super();
    this.transformer = transformer;
    this.keepdims = keepdims;
  }

  protected override create([batch, steps, width]: readonly number[]): readonly number[] {
    // Quirk Q32 (changed): the token is a weight of the layer, because Keras 3 neither trains nor saves a bare variable.
    this.#token = this.variable('pool_token_embedding', [this.transformer.dModel], truncatedNormal(1));
    this.child('transformer', this.transformer, [batch, steps + 1, width]);
    return this.keepdims ? [batch, 1, width] : [batch, width];
  }

  protected override call(c: Context, { x, mask }: MaskedSequence): Tensor {
    const token = repeatForEach(c, cast(c, c.value(this.#token), x.dtype), x);
    const extended = concatenate(c, [token, x], 1);
    const encoded = this.transformer.apply(c, { x: extended, mask: mask && unmaskToken(c, mask) });
    const pooled = slice(c, encoded, 1, 0, 1);
    return this.keepdims ? pooled : reshape(c, pooled, [x.shape[0], x.shape[2]]);
  }
}

/** A mask `(batch, steps)` with a 0 in front of each row. */
function unmaskToken(c: Context, mask: Tensor): Tensor {
  const first = sliceRaw(c, mask, 1, 0, 1);
  const zero = c.apply('ZerosLike', [first], { T: { type: mask.dtype } }, first);
  return concatRaw(c, [reshapeRaw(c, zero, [mask.shape[0], 1]), mask], 1);
}
