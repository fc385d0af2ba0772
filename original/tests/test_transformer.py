"""transplant.modules.transformer."""

import numpy as np
import numpy_layers as reference
import pytest
import tensorflow as tf

from transplant.modules.transformer import Encoder, EncoderLayer, MultiHeadAttention, positional_embedding


def sequences(*shape, seed=1):
    return np.random.RandomState(seed).standard_normal(shape).astype("float32")


def test_positional_embedding():
    table = positional_embedding(600, 4)
    assert (table.shape, table.dtype) == ((600, 4), tf.float32)
    np.testing.assert_array_equal(table[0], [0, 1, 0, 1])
    np.testing.assert_allclose(table[1], [0.84147096, 0.5403023, 0.00999983, 0.99995], rtol=1e-6)
    # computed in float64: at these positions, float32 angles would be wrong by 1e-5
    np.testing.assert_array_equal(table[599, :2], np.array([np.sin(599.0), np.cos(599.0)], "float32"))


def test_multi_head_attention():
    mha = MultiHeadAttention(8, 2)
    v, k, q = sequences(2, 5, 6), sequences(2, 5, 7, seed=2), sequences(2, 3, 8, seed=3)
    mha(v, k, q)
    weights = reference.random_weights(mha)
    assert [w.shape for w in weights] == [(6, 8), (8,), (7, 8), (8,), (8, 8), (8,), (8, 8), (8,)]
    output, attention = mha(v, k, q)
    expected_output, expected_attention = reference.attention(v, k, q, weights, 2)
    np.testing.assert_allclose(output, expected_output, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(attention, expected_attention, rtol=1e-4)
    assert attention.shape == (2, 2, 3, 5)


def test_multi_head_attention_scale():
    """Quirk Q29: one over the root of d_model, not of the width of a head."""
    mha = MultiHeadAttention(16, 4)
    x = tf.ones((1, 4, 1, 4))
    keys = tf.constant([[2.0] * 4, [0.0] * 4])[tf.newaxis, tf.newaxis] * tf.ones((1, 4, 1, 1))
    _, attention = mha.scaled_dot_product_attention(keys, keys, x)
    np.testing.assert_allclose(attention[0, 0, 0], reference.softmax(np.array([8 / 4, 0])), rtol=1e-6)


def test_multi_head_attention_mask():
    mha = MultiHeadAttention(8, 2)
    x = sequences(1, 4, 8)
    mask = np.array([0, 0, 1, 0], "float32").reshape(1, 1, 1, 4)
    _, attention = mha(x, x, x, mask=mask)
    np.testing.assert_array_equal(attention[..., 2], 0)
    np.testing.assert_allclose(tf.reduce_sum(attention, -1), 1, rtol=1e-6)


def test_multi_head_attention_split_and_concat():
    mha = MultiHeadAttention(6, 3)
    x = sequences(2, 5, 6)
    heads = mha.split_heads(x)
    assert heads.shape == (2, 3, 5, 2)
    np.testing.assert_array_equal(heads[1, 2, 4], x[1, 4, 4:])
    np.testing.assert_array_equal(mha.concat_heads(heads), x)


def test_multi_head_attention_indivisible():
    with pytest.raises(AssertionError):
        MultiHeadAttention(10, 4)


@pytest.mark.parametrize("masked", [False, True])
def test_encoder_layer(masked):
    """Also quirk Q31: a missing mask is not an error."""
    layer = EncoderLayer(8, 2, 12)
    x = sequences(2, 5, 8)
    layer(x)
    weights = reference.random_weights(layer)
    assert [w.shape for w in weights[8:]] == [(8,), (8,), (8, 12), (12,), (12, 8), (8,), (8,), (8,)]
    mask = np.array([0, 0, 0, 1, 1]).reshape(1, 1, 1, 5) if masked else None
    expected = reference.encoder_layer(x, weights, 2, mask)
    np.testing.assert_allclose(layer(x, mask=mask), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("masked", [False, True])
def test_encoder(masked):
    encoder = Encoder(num_layers=2, d_model=8, num_heads=2, dff=12, max_seq_len=6, dropout=0.5)
    x = sequences(2, 5, 8)
    encoder(x)
    weights = reference.random_weights(encoder)
    mask = np.array([[0, 0, 0, 0, 1], [0, 0, 1, 1, 1]], "float32") if masked else None
    y = x * np.sqrt(8) + positional_embedding(6, 8).numpy()[:5]
    for layer in range(2):
        attention_mask = None if mask is None else mask[:, np.newaxis, np.newaxis]
        y = reference.encoder_layer(y, weights[16 * layer : 16 * layer + 16], 2, attention_mask)
    np.testing.assert_allclose(encoder(x, mask=mask), y, rtol=1e-4, atol=1e-4)


def test_encoder_dropout_only_in_training():
    encoder = Encoder(num_layers=1, d_model=8, num_heads=2, dff=12, dropout=0.5)
    x = sequences(1, 5, 8)
    np.testing.assert_array_equal(encoder(x), encoder(x, training=False))
    assert np.any(encoder(x, training=True).numpy() != encoder(x).numpy())


def test_encoder_too_long():
    encoder = Encoder(num_layers=1, d_model=8, num_heads=2, dff=12, max_seq_len=4)
    encoder(sequences(1, 4, 8))
    with pytest.raises(tf.errors.InvalidArgumentError):
        encoder(sequences(1, 5, 8))


def test_encoder_defaults():
    encoder = Encoder()
    assert len(encoder.enc_layers) == 6
    assert encoder.pos_embedding.shape == (512, 512)
    layer = encoder.enc_layers[0]
    assert (layer.mha.num_heads, layer.ff1.units, layer.dropout1.rate) == (8, 2048, 0.1)
