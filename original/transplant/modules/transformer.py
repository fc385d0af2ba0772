"""Transformer encoder (post-norm) over sequences of shape (batch, sequence, d_model)."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

__all__ = ["Encoder", "EncoderLayer", "MultiHeadAttention", "positional_embedding"]


def positional_embedding(size: int, d_model: int) -> tf.Tensor:
    """Return sinusoidal position encodings, float32 (size, d_model).

    Even columns are sines, odd columns cosines of `position / 10000 ** (2 * (column // 2) / d_model)`, computed
    in float64 and cast at the end.
    """
    positions = np.arange(size)[:, np.newaxis]
    columns = np.arange(d_model)[np.newaxis, :]
    angles = positions / np.power(10000, 2 * (columns // 2) / d_model)
    angles[:, 0::2] = np.sin(angles[:, 0::2])
    angles[:, 1::2] = np.cos(angles[:, 1::2])
    return tf.cast(angles, tf.float32)


class MultiHeadAttention(tf.keras.layers.Layer):
    """Scaled dot-product attention in `num_heads` heads of d_model / num_heads channels each."""

    def __init__(self, d_model: int, num_heads: int, **kwargs):
        super().__init__(**kwargs)
        assert d_model % num_heads == 0, f"d_model must be a multiple of num_heads, got {d_model} and {num_heads}"
        self.d_model = d_model
        self.num_heads = num_heads
        self.depth = d_model // num_heads
        self.W_v = tf.keras.layers.Dense(d_model)
        self.W_k = tf.keras.layers.Dense(d_model)
        self.W_q = tf.keras.layers.Dense(d_model)
        self.W_o = tf.keras.layers.Dense(d_model)

    def call(self, v, k, q, mask=None):
        """Attend with queries `q` to values `v` by keys `k`.

        Args:
            v: values (batch, keys, channels).
            k: keys (batch, keys, channels).
            q: queries (batch, queries, channels).
            mask: broadcastable to (batch, heads, queries, keys); 1 hides a key, 0 shows it.

        Returns:
            Output (batch, queries, d_model) and weights (batch, heads, queries, keys).
        """
        v = self.split_heads(self.W_v(v))
        k = self.split_heads(self.W_k(k))
        q = self.split_heads(self.W_q(q))
        x, weights = self.scaled_dot_product_attention(v, k, q, mask=mask)
        return self.W_o(self.concat_heads(x)), weights

    def split_heads(self, x):
        """Reshape (batch, sequence, d_model) to (batch, heads, sequence, depth)."""
        x = tf.reshape(x, (tf.shape(x)[0], -1, self.num_heads, self.depth))
        return tf.transpose(x, (0, 2, 1, 3))

    def concat_heads(self, x):
        """Undo `split_heads`."""
        x = tf.transpose(x, (0, 2, 1, 3))
        return tf.reshape(x, (tf.shape(x)[0], -1, self.d_model))

    def scaled_dot_product_attention(self, v, k, q, mask=None):
        """Attend per head; all of shape (batch, heads, sequence, depth).

        Returns:
            Output (batch, heads, queries, depth) and weights (batch, heads, queries, keys).
        """
        # Quirk Q29: the scale is the square root of the full width, not of the width of one head.
        # Quirk Q59 (changed): casts follow the type of the inputs, so that the layer also works in float64.
        logits = tf.matmul(q, k, transpose_b=True) / tf.sqrt(tf.cast(self.d_model, q.dtype))
        if mask is not None:
            # Quirk Q55: masks are additive, so a fully masked row still attends.
            logits += tf.cast(mask, logits.dtype) * -1e9
        weights = tf.nn.softmax(logits, axis=-1)
        return tf.matmul(weights, v), weights


class EncoderLayer(tf.keras.layers.Layer):
    """Self-attention and a two-layer perceptron, each with dropout, shortcut and layer normalization after it."""

    def __init__(self, d_model: int, num_heads: int, dff: int, dropout: float = 0.1, **kwargs):
        super().__init__(**kwargs)
        self.mha = MultiHeadAttention(d_model, num_heads)
        self.dropout1 = tf.keras.layers.Dropout(dropout)
        self.layernorm1 = tf.keras.layers.LayerNormalization()
        self.ff1 = tf.keras.layers.Dense(dff)
        self.relu1 = tf.keras.layers.ReLU()
        self.ff2 = tf.keras.layers.Dense(d_model)
        self.dropout2 = tf.keras.layers.Dropout(dropout)
        self.layernorm2 = tf.keras.layers.LayerNormalization()

    def call(self, x, training=None, mask=None):
        """Map (batch, sequence, d_model) to the same shape; `mask` as in `MultiHeadAttention`."""
        # Quirk Q31: the mask is passed by keyword, because Keras 3 refuses a positional None.
        attended, _ = self.mha(x, x, x, mask=mask)
        x = self.layernorm1(x + self.dropout1(attended, training=training))
        fed = self.ff2(self.relu1(self.ff1(x)))
        return self.layernorm2(x + self.dropout2(fed, training=training))


class Encoder(tf.keras.layers.Layer):
    """Stack of encoder layers on scaled inputs with position encodings, without a final normalization."""

    def __init__(
        self,
        num_layers: int = 6,
        d_model: int = 512,
        num_heads: int = 8,
        dff: int = 2048,
        max_seq_len: int = 512,
        dropout: float = 0.1,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.d_model = d_model
        self.pos_embedding = positional_embedding(max_seq_len, d_model)
        self.dropout = tf.keras.layers.Dropout(dropout)
        self.enc_layers = [EncoderLayer(d_model, num_heads, dff, dropout) for _ in range(num_layers)]

    def call(self, x, training=None, mask=None):
        """Encode sequences of at most `max_seq_len` steps; a longer one is a shape error.

        Args:
            x: float tensor (batch, sequence, d_model).
            training: whether dropout is on.
            mask: (batch, sequence), 1 marks padding.

        Returns:
            (batch, sequence, d_model).
        """
        if mask is not None:
            mask = mask[:, tf.newaxis, tf.newaxis, :]
        seq_len = tf.shape(x)[1]
        # Quirk Q55: a pool token before the sequence is scaled and encoded like any other step.
        x *= tf.sqrt(tf.cast(self.d_model, x.dtype))
        x += tf.cast(self.pos_embedding[:seq_len], x.dtype)
        x = self.dropout(x, training=training)
        for layer in self.enc_layers:
            x = layer(x, training=training, mask=mask)
        return x
