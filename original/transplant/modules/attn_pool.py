"""Pooling of a sequence into one vector by a transformer and a learned token."""

from __future__ import annotations

import tensorflow as tf

__all__ = ["AttentionPooling"]


class AttentionPooling(tf.keras.layers.Layer):
    """Put a learned token before each sequence, run the transformer, and keep the token's output.

    Args:
        transformer: layer with an attribute `d_model`, called as `transformer(x, training=..., mask=...)`.
        keepdims: keep the sequence axis with length 1.
        **kwargs: for `tf.keras.layers.Layer`.
    """

    def __init__(self, transformer: tf.keras.layers.Layer, keepdims: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.transformer = transformer
        self.keepdims = keepdims
        # Quirk Q32 (changed): Keras 3 does not see a bare tf.Variable, so it would be neither trained nor saved.
        self.pool_token_embedding = self.add_weight(
            name="pool_token_embedding",
            shape=(transformer.d_model,),
            initializer=tf.keras.initializers.TruncatedNormal(mean=0.0, stddev=1.0),
            trainable=True,
        )

    def call(self, x, training=None, mask=None):
        """Pool sequences.

        Args:
            x: float tensor (batch, sequence, d_model).
            training: for the transformer.
            mask: (batch, sequence), 1 marks padding; the token is never masked.

        Returns:
            (batch, d_model), or (batch, 1, d_model) with `keepdims`.
        """
        batch_size = tf.shape(x)[0]
        token = tf.cast(tf.convert_to_tensor(self.pool_token_embedding), x.dtype)
        token = tf.tile(token[tf.newaxis, tf.newaxis, :], (batch_size, 1, 1))
        x = tf.concat([token, x], axis=1)
        if mask is not None:
            mask = tf.concat([tf.zeros((batch_size, 1), mask.dtype), mask], axis=1)
        x = self.transformer(x, training=training, mask=mask)
        return x[:, :1] if self.keepdims else x[:, 0]
