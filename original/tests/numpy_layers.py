"""Layers in NumPy (float64), written from their formulas, to compare the TensorFlow layers with."""

import numpy as np


def conv1d(x, kernel, strides=1):
    """Convolve (batch, n, in) with (width, in, out): 'same' padding; an odd padding has the extra cell on the right."""
    width, n = kernel.shape[0], x.shape[1]
    out = -(-n // strides)
    padding = max((out - 1) * strides + width - n, 0)
    x = np.pad(x, ((0, 0), (padding // 2, padding - padding // 2), (0, 0)))
    return np.stack(
        [np.einsum("bwi,wio->bo", x[:, t * strides : t * strides + width], kernel) for t in range(out)], axis=1
    )


def max_pool(x, size=3, strides=2):
    """Pool (batch, n, channels): 'same' padding, padded cells ignored."""
    n = x.shape[1]
    out = -(-n // strides)
    left = max((out - 1) * strides + size - n, 0) // 2
    windows = [(max(t * strides - left, 0), min(t * strides - left + size, n)) for t in range(out)]
    return np.stack([x[:, first:last].max(axis=1) for first, last in windows], axis=1)


def batch_norm(x, gamma, beta, mean, variance):
    """Normalize channels with the given moments: epsilon 1e-5."""
    return (x - mean) / np.sqrt(variance + 1e-5) * gamma + beta


def layer_norm(x, gamma, beta):
    """Normalize the last axis: epsilon 1e-3, biased variance."""
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-3) * gamma + beta


def softmax(x):
    """Softmax over the last axis."""
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def residual_block(x, weights, strides=1):
    """Residual block on the weight list of `ResidualBlock` (conv1, bn1, conv2, bn2[, proj_conv, proj_bn])."""
    shortcut = batch_norm(conv1d(x, weights[10], strides), *weights[11:15]) if len(weights) > 10 else x
    y = np.maximum(batch_norm(conv1d(x, weights[0], strides), *weights[1:5]), 0)
    y = batch_norm(conv1d(y, weights[5]), *weights[6:10])
    return np.maximum(y + shortcut, 0)


def bottleneck_block(x, weights, strides=1):
    """Bottleneck block on the weight list of `BottleneckBlock`."""
    shortcut = batch_norm(conv1d(x, weights[15], strides), *weights[16:20]) if len(weights) > 15 else x
    y = np.maximum(batch_norm(conv1d(x, weights[0]), *weights[1:5]), 0)
    y = np.maximum(batch_norm(conv1d(y, weights[5], strides), *weights[6:10]), 0)
    y = batch_norm(conv1d(y, weights[10]), *weights[11:15])
    return np.maximum(y + shortcut, 0)


def attention(v, k, q, weights, num_heads, mask=None):
    """Multi-head attention on the weight list of `MultiHeadAttention` (kernel and bias of W_v, W_k, W_q, W_o)."""
    d_model = weights[0].shape[1]

    def heads(x, kernel, bias):
        return (x @ kernel + bias).reshape(*x.shape[:2], num_heads, -1).transpose(0, 2, 1, 3)

    v, k, q = heads(v, *weights[0:2]), heads(k, *weights[2:4]), heads(q, *weights[4:6])
    logits = q @ k.transpose(0, 1, 3, 2) / np.sqrt(d_model)
    if mask is not None:
        logits = logits + mask * -1e9
    attended = (softmax(logits) @ v).transpose(0, 2, 1, 3)
    return attended.reshape(*attended.shape[:2], d_model) @ weights[6] + weights[7], softmax(logits)


def encoder_layer(x, weights, num_heads, mask=None):
    """Encoder layer on the weight list of `EncoderLayer` (mha, layernorm1, ff1, ff2, layernorm2), without dropout."""
    attended, _ = attention(x, x, x, weights[:8], num_heads, mask)
    x = layer_norm(x + attended, *weights[8:10])
    fed = np.maximum(x @ weights[10] + weights[11], 0) @ weights[12] + weights[13]
    return layer_norm(x + fed, *weights[14:16])


def random_weights(layer, seed=0):
    """Give a built layer random weights (variances positive); return them as float64."""
    rng = np.random.RandomState(seed)
    weights = []
    for variable in layer.weights:
        shape = tuple(variable.shape)
        if len(shape) == 1:
            weights.append(rng.uniform(0.5, 1.5, shape))
        else:
            weights.append(rng.standard_normal(shape) / np.sqrt(np.prod(shape[:-1])))
    layer.set_weights(weights)
    return [w.astype("float32").astype("float64") for w in weights]
