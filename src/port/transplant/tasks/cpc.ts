import type { Context } from '../../../graph/context.ts';
import { type Tensor, unknown } from '../../../graph/executor.ts';
import type { Layer } from '../../../graph/layer.ts';
import { BaseModel } from '../../../graph/model.ts';
import { batchMatMul } from '../../../graph/ops/linear.ts';
import { cast, reshape } from '../../../graph/ops/shape.ts';
import { type Precision, variableType } from '../../../graph/precision.ts';
import { AttentionPooling, type Transformer } from '../modules/attn_pool.ts';
import { embedFrames } from './utils.ts';

/** Shapes of a CPC model's inputs without the batch axis: `(frames, samples, leads)` each. */
export interface CPCShapes {
  readonly context: readonly number[];
  readonly samples: readonly number[];
}

/** The inputs: context frames and candidate frames. */
interface CPCInput {
  readonly context: Tensor;
  readonly samples: Tensor;
}

/**
 * Contrastive predictive coding: scores candidate frames by how well they continue a context of frames. Logits `(batch, candidates)` are
 * dot products of the embedded candidates with the pooled context, unscaled. Twin of `transplant.tasks.cpc.CPCSolver`.
 */
export class CPCSolver extends BaseModel<CPCInput, CPCShapes> {
  readonly kind = 'cpc_solver';
  readonly signalEmbedding: Layer;
  readonly attnPooling: AttentionPooling;

  constructor(signalEmbedding: Layer, transformer: Transformer) {
    super();
    this.signalEmbedding = signalEmbedding;
    this.attnPooling = new AttentionPooling(transformer, true);
  }

  /** Creates the variables and fixes the number formats. */
  build({ context, samples }: CPCShapes, precision: Precision = 'float32'): this {
    return this.buildRoot({ context, samples }, { context, samples }, precision);
  }

  override logits(c: Context, inputs: Readonly<Record<string, Tensor>>): Tensor {
    const { context, samples } = inputs;
    return cast(c, this.apply(c, { context: context, samples: samples }), variableType(c.precision));
  }

  protected override create({ context, samples }: CPCShapes): readonly number[] {
    // Keras 3 stores the embedding under the list `layers`, which it visits before the attribute `signal_embedding`.
    const frame = [unknown, ...context.slice(1)];
    const width = this.child('layers/sequential', this.signalEmbedding, frame, 'signal_embedding').at(-1)!;
    this.child('attn_pooling', this.attnPooling, [unknown, context[0], width]);
    return [unknown, samples[0]];
  }

  protected override call(c: Context, { context, samples }: CPCInput): Tensor {
    const embeddedContext = embedFrames(c, context, this.signalEmbedding);
    const pooled = this.attnPooling.apply(c, { x: embeddedContext });
    const candidates = embedFrames(c, samples, this.signalEmbedding);
    const scores = batchMatMul(c, pooled, candidates, { transposeB: true });
    return reshape(c, scores, [scores.shape[0], scores.shape[2]]);
  }
}
