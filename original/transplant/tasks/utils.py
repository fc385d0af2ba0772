"""Helpers for the tasks."""

from __future__ import annotations

import tensorflow as tf

__all__ = ["embed_frames"]


def embed_frames(x: tf.Tensor, embedding_layer) -> tf.Tensor:
    """Embed each frame of each sequence on its own.

    Args:
        x: (batch, frames, *frame); all but the batch axis must be static.
        embedding_layer: maps (batch * frames, *frame) to (batch * frames, d).

    Returns:
        (batch, frames, d).
    """
    num_frames, *frame_shape = x.shape[1:]
    embedded = embedding_layer(tf.reshape(x, (-1, *frame_shape)))
    return tf.reshape(embedded, (-1, num_frames, embedded.shape[-1]))
