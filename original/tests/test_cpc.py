"""transplant.tasks.cpc and transplant.tasks.utils."""

import numpy as np
import tensorflow as tf

from transplant.modules.transformer import Encoder
from transplant.tasks.cpc import CPCSolver
from transplant.tasks.utils import embed_frames


def embedding(width=8):
    return tf.keras.Sequential([tf.keras.layers.Flatten(), tf.keras.layers.Dense(width)])


def test_embed_frames():
    layer = embedding(5)
    x = np.random.RandomState(1).standard_normal((2, 3, 7, 1)).astype("float32")
    embedded = embed_frames(tf.constant(x), layer)
    assert embedded.shape == (2, 3, 5)
    for i in range(2):
        for j in range(3):
            np.testing.assert_allclose(embedded[i, j], layer(x[i, j : j + 1])[0], rtol=1e-5, atol=1e-6)


def test_embed_frames_dynamic_batch():
    layer = embedding(5)
    embed = tf.function(
        lambda x: embed_frames(x, layer), input_signature=[tf.TensorSpec((None, 3, 7, 1))], autograph=False
    )
    assert embed.get_concrete_function().output_shapes.as_list() == [None, 3, 5]
    assert embed(tf.zeros((4, 3, 7, 1))).shape == (4, 3, 5)


def test_cpc_solver():
    """Scores are plain dot products of the pooled context with every candidate."""
    solver = CPCSolver(embedding(), Encoder(num_layers=1, d_model=8, num_heads=2, dff=8, dropout=0.0))
    rng = np.random.RandomState(1)
    x = {
        "context": rng.standard_normal((2, 3, 7, 1)).astype("float32"),
        "samples": rng.standard_normal((2, 4, 7, 1)).astype("float32"),
    }
    scores = solver(x)
    assert scores.shape == (2, 4)
    context = solver.attn_pooling(embed_frames(tf.constant(x["context"]), solver.signal_embedding))
    assert context.shape == (2, 1, 8)
    samples = embed_frames(tf.constant(x["samples"]), solver.signal_embedding)
    expected = np.einsum("bd,bmd->bm", context.numpy()[:, 0], samples.numpy())
    np.testing.assert_allclose(scores, expected, rtol=1e-5, atol=1e-5)


def test_cpc_solver_trains_its_token():
    solver = CPCSolver(embedding(), Encoder(num_layers=1, d_model=8, num_heads=2, dff=8, dropout=0.0))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(solver({"context": tf.ones((1, 3, 7, 1)), "samples": tf.ones((1, 2, 7, 1))}) ** 2)
    (gradient,) = tape.gradient(loss, solver.attn_pooling.trainable_weights[:1])
    assert gradient.shape == (8,)
    assert np.any(gradient.numpy() != 0)
