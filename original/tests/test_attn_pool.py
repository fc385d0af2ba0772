"""transplant.modules.attn_pool."""

import numpy as np
import tensorflow as tf

from transplant.modules.attn_pool import AttentionPooling
from transplant.modules.transformer import Encoder


class Recorder(tf.keras.layers.Layer):
    """Returns sequences unchanged and records its arguments."""

    d_model = 4

    def call(self, x, training=None, mask=None):
        self.seen = x, training, mask
        return x


def test_token_goes_in_front():
    pooling = AttentionPooling(Recorder())
    x = np.random.RandomState(1).standard_normal((3, 5, 4)).astype("float32")
    mask = np.array([[0, 0, 0, 1, 1]] * 3, "float32")
    pooled = pooling(x, training=True, mask=mask)
    seen, training, seen_mask = pooling.transformer.seen
    assert seen.shape == (3, 6, 4)
    np.testing.assert_array_equal(seen[:, 1:], x)
    np.testing.assert_array_equal(seen_mask, [[0, 0, 0, 0, 1, 1]] * 3)
    assert training is True
    np.testing.assert_array_equal(pooled, [pooling.pool_token_embedding.numpy()] * 3)


def test_keepdims():
    x = np.zeros((2, 5, 4), "float32")
    assert AttentionPooling(Recorder())(x).shape == (2, 4)
    assert AttentionPooling(Recorder(), keepdims=True)(x).shape == (2, 1, 4)


def test_mask_hides_padding():
    tf.keras.utils.set_random_seed(1)  # Some initial tokens attend to no padding, with or without a mask.
    pooling = AttentionPooling(Encoder(num_layers=1, d_model=8, num_heads=2, dff=8, dropout=0.0))
    x = np.random.RandomState(1).standard_normal((1, 4, 8)).astype("float32")
    mask = np.array([[0, 0, 1, 1]], "float32")
    pooled = pooling(x, mask=mask)
    np.testing.assert_allclose(pooled, pooling(x[:, :2]), rtol=1e-5, atol=1e-5)
    assert np.max(np.abs(pooled - pooling(x))) > 1e-3


def test_token_is_a_weight():
    """Quirk Q32: trained, counted, and first, before the transformer's weights."""
    pooling = AttentionPooling(Encoder(num_layers=1, d_model=8, num_heads=2, dff=8))
    pooling(np.zeros((1, 3, 8), "float32"))
    assert pooling.trainable_weights[0].shape == (8,)
    assert len(pooling.trainable_weights) == 17
    assert pooling.count_params() == 8 + pooling.transformer.count_params()


def test_initial_token():
    """Truncated normal: mean 0, deviation 1 before the cut, cut at 2."""
    recorder = Recorder()
    recorder.d_model = 20000
    token = AttentionPooling(recorder).pool_token_embedding.numpy()
    assert 1.99 < np.abs(token).max() <= 2
    np.testing.assert_allclose([token.mean(), token.std()], [0, 0.87962566], atol=0.02)
