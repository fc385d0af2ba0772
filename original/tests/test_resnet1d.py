"""transplant.modules.resnet1d."""

import numpy as np
import numpy_layers as reference
import pytest
import tensorflow as tf

from transplant.modules.resnet1d import BottleneckBlock, ResidualBlock, ResNet, batch_norm, conv1d, relu


def signals(*shape, seed=1):
    return np.random.RandomState(seed).standard_normal(shape).astype("float32")


def built(layer, *shape):
    layer(tf.zeros((1, *shape)))
    return layer


def close(actual, expected, limit=1e-5):
    assert actual.shape == expected.shape
    worst = np.max(np.abs(np.asarray(actual) - expected)) / np.max(np.abs(expected))
    assert worst <= limit, worst


def test_factories():
    norm = batch_norm()
    assert (norm.momentum, norm.epsilon, norm.center, norm.scale) == (0.9, 1e-5, True, True)
    assert isinstance(relu(), tf.keras.layers.ReLU)
    conv = conv1d(4)
    assert (conv.kernel_size, conv.strides, conv.padding, conv.use_bias) == ((3,), (1,), "same", False)


@pytest.mark.parametrize("n", [16, 17])
@pytest.mark.parametrize(("kernel_size", "strides"), [(7, 2), (5, 2), (3, 2), (1, 2), (7, 1), (3, 1)])
def test_conv1d_same_padding(n, kernel_size, strides):
    conv = built(conv1d(4, kernel_size, strides), n, 3)
    (kernel,) = reference.random_weights(conv)
    assert kernel.shape == (kernel_size, 3, 4)
    close(conv(signals(2, n, 3)), reference.conv1d(signals(2, n, 3), kernel, strides))


def test_conv1d_pads_two_left_three_right():
    conv = built(conv1d(1, 7, 2), 8, 1)
    conv.set_weights([np.arange(1.0, 8.0).reshape(7, 1, 1)])
    np.testing.assert_array_equal(conv(tf.ones((1, 8, 1)))[0, :, 0], [25, 28, 21, 10])


def test_conv1d_initial_kernel():
    kernel = built(conv1d(512, 5), 8, 64).get_weights()[0]
    sigma = np.sqrt(1 / (5 * 64)) / 0.87962566103423978
    assert np.abs(kernel).max() <= 2 * sigma
    assert np.abs(kernel).max() > 1.99 * sigma
    np.testing.assert_allclose(kernel.std(), np.sqrt(1 / (5 * 64)), rtol=0.01)


@pytest.mark.parametrize(
    ("channels", "strides", "projection"), [(8, 1, False), (8, 2, True), (6, 1, True), (6, 2, True)]
)
def test_residual_block(channels, strides, projection):
    block = built(ResidualBlock(8, 5, strides), 15, channels)
    assert block.projection is projection
    assert len(block.weights) == (15 if projection else 10)
    weights = reference.random_weights(block)
    x = signals(2, 15, channels)
    close(block(x), reference.residual_block(x, weights, strides))


@pytest.mark.parametrize(
    ("channels", "strides", "projection"), [(16, 1, False), (16, 2, True), (4, 1, True), (4, 2, True)]
)
def test_bottleneck_block(channels, strides, projection):
    block = built(BottleneckBlock(4, 5, strides), 15, channels)
    assert block.projection is projection
    assert len(block.weights) == (20 if projection else 15)
    weights = reference.random_weights(block)
    x = signals(2, 15, channels)
    close(block(x), reference.bottleneck_block(x, weights, strides))


def test_bottleneck_block_expansion():
    assert built(BottleneckBlock(4, 3, expansion=2), 8, 4)(tf.zeros((1, 8, 4))).shape == (1, 8, 8)


def test_resnet_forward():
    """Stem, pool and two stages, with the attributes' order as the order of the weights."""
    net = built(ResNet(num_outputs=None, blocks=(1, 1), filters=(64, 8), kernel_size=(5, 3), include_top=False), 50, 2)
    weights = reference.random_weights(net)
    x = signals(2, 50, 2)
    y = np.maximum(reference.batch_norm(reference.conv1d(x, weights[0], 2), *weights[1:5]), 0)
    y = reference.residual_block(reference.max_pool(y), weights[5:15])
    y = reference.residual_block(y, weights[15:30], strides=2)
    assert len(weights) == 30
    assert y.shape == (2, 7, 8)
    close(net(x), y)


@pytest.mark.parametrize(("num_outputs", "activation"), [(1, "sigmoid"), (3, "softmax")])
def test_resnet_top(num_outputs, activation):
    net = ResNet(num_outputs=num_outputs, blocks=(1,), filters=(64,), kernel_size=(3,))
    x = signals(2, 40, 1)
    assert net(x).shape == (2, num_outputs)
    features = net(x, include_top=False)
    assert features.shape == (2, 10, 64)
    logits = tf.reduce_mean(features, axis=1)
    probabilities = net(x)
    kernel, bias = net.classifier.get_weights()
    np.testing.assert_allclose(probabilities, getattr(tf.nn, activation)(logits @ kernel + bias), rtol=1e-5)


def test_resnet_missing_top():
    net = ResNet(num_outputs=None, blocks=(1,), include_top=False)
    with pytest.raises(AttributeError):
        net(tf.zeros((1, 16, 1)), include_top=True)


def test_resnet_weights_exist_after_the_first_call():
    """Quirk Q52."""
    net = ResNet(num_outputs=None, blocks=(1,), include_top=False)
    assert net.weights == []
    built(net, 16, 1)
    assert len(net.weights) == 15
    assert net.weights[0].shape == (7, 1, 64)


@pytest.mark.parametrize(
    ("blocks", "block_fn", "projecting"),
    [
        ((2, 2, 2, 2), ResidualBlock, [2, 4, 6]),
        ((3, 4, 6, 3), ResidualBlock, [3, 7, 13]),
        ((3, 4, 6, 3), BottleneckBlock, [0, 3, 7, 13]),
    ],
)
def test_resnet_projections(blocks, block_fn, projecting):
    """The first block of a stage projects; in stage 1 only where a bottleneck widens 64 channels to 256."""
    net = ResNet(None, blocks=blocks, kernel_size=(7, 5, 5, 3), block_fn=block_fn, include_top=False)
    net(tf.keras.layers.Input((64, 1)))
    assert [i for i, block in enumerate(net.blocks) if block.projection] == projecting


@pytest.mark.parametrize(("samples", "steps"), [(2048, 64), (16384, 512), (15000, 469)])
def test_resnet_time_axis(samples, steps):
    net = ResNet(None, blocks=(1, 1, 1, 1), include_top=False)
    assert net(tf.keras.layers.Input((samples, 1))).shape == (None, steps, 512)


def test_training_mode_reaches_batch_norm():
    """In training mode of the call context, moments move by 0.1 towards the batch's mean and biased variance."""
    net = ResNet(None, blocks=(1,), include_top=False)
    model = tf.keras.Sequential([net])
    x = signals(4, 16, 1)
    model(x)
    mean, variance = (w.numpy() for w in net.bn1.weights[2:])
    np.testing.assert_array_equal([mean, variance], [np.zeros(64), np.ones(64)])
    y = net.conv1(x).numpy().astype("float64")
    model(x, training=True)
    mean, variance = (w.numpy() for w in net.bn1.weights[2:])
    np.testing.assert_allclose(mean, 0.1 * y.mean((0, 1)), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(variance, 0.9 + 0.1 * y.var((0, 1)), rtol=1e-5)
    assert np.any(net.blocks[0].bn2.weights[2].numpy() != 0)
