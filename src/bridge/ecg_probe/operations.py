"""Single operations of networks in TensorFlow, each with its gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ecg_probe.arrays import give_all, take_all

__all__ = ["apply"]


def apply(folder: str, calls: list[dict[str, Any]]) -> list[list[str]]:
    """Calls operations: for each its result, made-up weights of its elements, and gradients of their weighted sum.

    The gradients are those by the first `watched` inputs.
    """
    import tensorflow as tf

    operations = _operations()
    found = []
    for position, call in enumerate(calls):
        inputs = [tf.constant(array) for array in take_all(call["inputs"])]
        watched = inputs[: call["watched"]]
        with tf.GradientTape() as tape:
            tape.watch(watched)
            result = operations[call["operation"]](*inputs, **call["options"])
        arrays = [result.numpy()]
        if watched:
            arrays.append(_weights(result.shape, arrays[0].dtype))
            arrays += [one.numpy() for one in tape.gradient(result, watched, tf.constant(arrays[1]))]
        found.append(give_all(f"{folder}/{position}", arrays))
    return found


def _weights(shape: Any, dtype: np.dtype) -> np.ndarray:
    """Any numbers will do if neighbours differ: these are fractional parts of multiples of the golden ratio."""
    places = np.arange(1, np.prod(shape, dtype=int) + 1)
    return (0.6180339887498949 * places % 1 - 0.3).reshape(shape).astype(dtype)


def _operations() -> dict[str, Callable[..., Any]]:
    """What the port's operations are twins of, by name."""
    import tensorflow as tf

    nn, raw = tf.nn, tf.raw_ops

    def used(x: Any, times: int) -> Any:
        result = tf.sigmoid(x)
        for _ in range(times - 1):
            result = nn.relu(x) + result
        return result

    def batch_norm(x: Any, gamma: Any, beta: Any, *moving: Any, epsilon: float) -> Any:
        mean, variance = moving or nn.moments(x, [0, 1])
        return nn.batch_normalization(x, mean, variance, beta, gamma, epsilon)

    def layer_norm(x: Any, gamma: Any, beta: Any, epsilon: float) -> Any:
        mean, variance = nn.moments(x, [-1], keepdims=True)
        return nn.batch_normalization(x, mean, variance, beta, gamma, epsilon)

    def dropout(x: Any, rate: float, seed: int, replica: int) -> Any:
        """Dropout twice, with TensorFlow's draws for the port's seeds."""
        for stream in range(2):
            seeds = tf.constant([0, seed * 65536 + stream + (replica << 56)], tf.int64)
            uniform = raw.StatelessRandomUniform(shape=tf.shape(x), seed=seeds, dtype=tf.float32)
            x = x * (tf.cast(uniform >= rate, x.dtype) * (1 / (1 - rate)))
        return x

    def binary(a: Any, b: Any, op: str) -> Any:
        names = {"RsqrtGrad": ("y", "dy"), "SigmoidGrad": ("y", "dy"), "ReluGrad": ("gradients", "features")}
        first, second = names.get(op, ("x", "y"))
        return getattr(raw, op)(**{first: a, second: b})

    def unary(x: Any, op: str) -> Any:
        return getattr(raw, op)(**{{"Relu": "features", "Softmax": "logits"}.get(op, "x"): x})

    def crossentropy(logits: Any, labels: Any, weights: Any = 1, *, loss: str) -> Any:
        elements = {
            "categorical_crossentropy": nn.softmax_cross_entropy_with_logits,
            "sparse_categorical_crossentropy": nn.sparse_softmax_cross_entropy_with_logits,
            "binary_crossentropy": nn.sigmoid_cross_entropy_with_logits,
        }
        return tf.reduce_mean(weights * elements[loss](labels, logits))

    def correct(outputs: Any, labels: Any, loss: str) -> Any:
        """The sum of the samples' accuracies, from Keras's metric, which gives their mean."""
        metrics = {
            "categorical_crossentropy": tf.keras.metrics.CategoricalAccuracy,
            "sparse_categorical_crossentropy": tf.keras.metrics.SparseCategoricalAccuracy,
            "binary_crossentropy": tf.keras.metrics.BinaryAccuracy,
        }
        metric = metrics[loss]()
        metric.update_state(labels, outputs)
        return tf.convert_to_tensor(metric.result()) * tf.cast(len(outputs), tf.float32)

    return {
        "add": lambda a, b: a + b,
        "used": used,
        "scale": lambda x, factor: x * factor,
        "divide": lambda x, divisor: x / divisor,
        "relu": nn.relu,
        "sigmoid": tf.sigmoid,
        "softmax": nn.softmax,
        "binary": binary,
        "unary": unary,
        "conv1d": lambda x, kernel, stride: nn.conv1d(x, kernel, stride, "SAME"),
        "max_pool1d": lambda x, size, stride: nn.max_pool1d(x, size, stride, "SAME"),
        "global_average_pool1d": lambda x: tf.reduce_mean(x, 1),
        "batch_norm": batch_norm,
        "moments": lambda x, *_: tf.concat(nn.moments(x, [0, 1]), 0),
        "layer_norm": layer_norm,
        "dropout": dropout,
        "dropout_layer": lambda x, rate: tf.keras.layers.Dropout(rate, dtype=x.dtype)(x, training=False),
        "mat_mul": lambda a, b, transposed: tf.matmul(a, b, transpose_b=transposed),
        "dense": lambda x, kernel, bias: tf.tensordot(x, kernel, 1) + bias,
        "cast": lambda x, dtype: tf.cast(tf.cast(x, dtype), x.dtype),
        "reshape": tf.reshape,
        "transpose": lambda x, order: tf.transpose(x, order),
        "slice": lambda x, axis, start, size: tf.split(x, [start, size, -1], axis)[1],
        "concatenate": lambda *parts, axis: tf.concat([*parts, parts[0]], axis),
        "repeat_for_each": lambda vector, like: tf.tile(vector[None, None], [tf.shape(like)[0], 1, 1]),
        "sum": lambda x, axes, kept: tf.reduce_sum(x, axes, keepdims=kept),
        "mean": lambda x, axes, kept: tf.reduce_mean(x, axes, keepdims=kept),
        "count": lambda x, axes: tf.cast(tf.reduce_prod(tf.gather(tf.shape(x), axes)), x.dtype),
        "shape": lambda x: tf.shape(x),
        "crossentropy": crossentropy,
        "correct": correct,
        "arg_max": lambda x: tf.argmax(x, 1),
        "equal": lambda a, b: tf.cast(a == b, tf.float32),
        "greater": lambda x, threshold: tf.cast(x > threshold, tf.float32),
    }
