"""Contrastive predictive coding."""

from __future__ import annotations

import tensorflow as tf

from ..modules.attn_pool import AttentionPooling
from .utils import embed_frames

__all__ = ["CPCSolver"]


class CPCSolver(tf.keras.Model):
    """Score candidate frames by how well they continue a context of frames.

    Args:
        signal_embedding: backbone, (batch, samples, 1) to (batch, d_model).
        transformer: encoder of the context, with an attribute `d_model`.
        **kwargs: for `tf.keras.Model`.
    """

    def __init__(self, signal_embedding, transformer, **kwargs):
        super().__init__(**kwargs)
        self.signal_embedding = signal_embedding
        self.attn_pooling = AttentionPooling(transformer, keepdims=True)

    def call(self, x, training=None, **kwargs):
        """Return logits (batch, candidates): dot products of candidates with the pooled context, unscaled.

        Args:
            x: dict with 'context' (batch, n, frame_size, 1) and 'samples' (batch, candidates, frame_size, 1).
            training: for the pooling; batch normalization reads the mode from Keras's call context.
            **kwargs: unused.
        """
        context = embed_frames(x["context"], self.signal_embedding)
        context = self.attn_pooling(context, training=training)
        samples = embed_frames(x["samples"], self.signal_embedding)
        return tf.squeeze(tf.matmul(context, samples, transpose_b=True), axis=1)
