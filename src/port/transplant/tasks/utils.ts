import type { Context } from '../../../graph/context.ts';
import type { Tensor } from '../../../graph/executor.ts';
import type { Layer } from '../../../graph/layer.ts';
import { product, reshape } from '../../../graph/ops/shape.ts';

/** Embeds each frame on its own: `(batch, frames, …)` to `(batch, frames, width)`. Twin of `transplant.tasks.utils.embed_frames`. */
export function embedFrames(c: Context, x: Tensor, embedding: Layer): Tensor {
  const [batch, frames, ...frame] = x.shape as [number, number, ...number[]];
  const embedded = embedding.apply(c, reshape(c, x, [product([batch, frames]), ...frame]));
  return reshape(c, embedded, [batch, frames, embedded.shape[1]]);
}
