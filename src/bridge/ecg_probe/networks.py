"""Networks of the original, compiled as its trainers compile them, and single steps of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ecg_probe.arrays import give, give_all, take, take_all

__all__ = ["activations", "build", "gradients", "predict", "read", "train_steps", "write"]

_networks: dict[str, tuple[Any, str]] = {}


@contextmanager
def _precision(dtype: str) -> Iterator[None]:
    """Keras's default float type while a network of that type is built or traced."""
    import tensorflow as tf

    before = tf.keras.backend.floatx()

    def switch(to: str) -> None:
        # Layers take their type from the global policy, losses and metrics from floatx.
        tf.keras.backend.set_floatx(to)
        tf.keras.mixed_precision.set_global_policy(to)

    switch(dtype)
    try:
        yield
    finally:
        switch(before)


@contextmanager
def _network(name: str) -> Iterator[Any]:
    model, dtype = _networks[name]
    with _precision(dtype):
        yield model


def build(
    name: str, arch: str, classes: int, channels: int, samples: int, multi_label: bool, dtype: str
) -> dict[str, Any]:
    """Backbone and head as `finetuning.trainer` makes and compiles them, in `dtype` (float32 or float64)."""
    import tensorflow as tf
    from finetuning.utils import ecg_feature_extractor

    with _precision(dtype):
        model = ecg_feature_extractor(arch)
        model.add(tf.keras.layers.Dense(classes, activation="sigmoid" if multi_label else "softmax"))
        model(tf.keras.layers.Input((samples, channels), dtype=dtype))
        if multi_label:
            loss: Any = tf.keras.losses.BinaryCrossentropy()
            metric: Any = tf.keras.metrics.BinaryAccuracy(name="acc")
        else:
            loss = tf.keras.losses.CategoricalCrossentropy()
            metric = tf.keras.metrics.CategoricalAccuracy(name="acc")
        model.compile(optimizer=tf.keras.optimizers.Adam(), loss=loss, metrics=[metric])
        model.optimizer.build(model.trainable_variables)
    _networks[name] = model, dtype
    return {
        "parameters": int(model.count_params()),
        "weights": [{"shape": list(w.shape), "trainable": bool(w.trainable)} for w in model.weights],
    }


def write(name: str, weights: list[str], moments: list[str] | None = None, iterations: int = 0) -> None:
    """Sets all weights and Adam's state: `moments` are m, v alternating per trainable weight; zeros without them."""
    with _network(name) as model:
        model.set_weights(take_all(weights))
        slots = model.optimizer.variables[2:]
        model.optimizer.iterations.assign(iterations)
        for position, slot in enumerate(slots):
            slot.assign(take(moments[position]) if moments else np.zeros(slot.shape))


def read(name: str, folder: str) -> dict[str, Any]:
    """Weights and Adam's state."""
    with _network(name) as model:
        return {
            "weights": give_all(f"{folder}/weights", model.get_weights()),
            "moments": give_all(f"{folder}/moments", [v.numpy() for v in model.optimizer.variables[2:]]),
            "iterations": int(model.optimizer.iterations.numpy()),
        }


def predict(name: str, folder: str, x: str, batch_size: int) -> str:
    """Probabilities in inference mode."""
    with _network(name) as model:
        return give(f"{folder}/predictions.npy", model.predict(take(x), batch_size=batch_size, verbose=0))


def gradients(name: str, folder: str, x: str, y: str) -> dict[str, Any]:
    """Loss and gradients of a training-mode pass on one batch; the weights are left as they were."""
    import tensorflow as tf

    with _network(name) as model:
        kept = model.get_weights()

        @tf.function
        def step(inputs: Any, truth: Any) -> Any:
            with tf.GradientTape() as tape:
                outputs = model(inputs, training=True)
                loss = model.compute_loss(x=inputs, y=truth, y_pred=outputs)
            return loss, outputs, tape.gradient(loss, model.trainable_variables)

        loss, outputs, found = step(tf.constant(take(x)), tf.constant(take(y)))
        model.set_weights(kept)
        return {
            "loss": float(loss.numpy()),
            "outputs": give(f"{folder}/outputs.npy", outputs.numpy()),
            "gradients": give_all(f"{folder}/gradients", [g.numpy() for g in found]),
        }


def activations(name: str, folder: str, x: str, training: bool) -> dict[str, str]:
    """Output of every convolution, normalisation and block, and of the pool, by the layer's path in the weight file."""
    import tensorflow as tf

    with _network(name) as model:
        kept = model.get_weights()
        found: dict[str, np.ndarray] = {}
        restore = []

        def watch(layer: Any, path: str) -> None:
            call = layer.call

            def watched(*args: Any, **kwargs: Any) -> Any:
                output = call(*args, **kwargs)
                found[path] = output.numpy()
                return output

            layer.call = watched
            restore.append((layer, call))

        net, pool = model.layers[:2]
        root = "layers/res_net"
        watch(net, root)
        watch(net.conv1, f"{root}/conv1")
        watch(net.bn1, f"{root}/bn1")
        for position, block in enumerate(net.blocks):
            kind = "bottleneck_block" if hasattr(block, "conv3") else "residual_block"
            place = f"{root}/blocks/{kind}" + (f"_{position}" if position else "")
            watch(block, place)
            for part in ("conv1", "bn1", "conv2", "bn2", "conv3", "bn3", "proj_conv", "proj_bn"):
                if hasattr(block, part):
                    watch(getattr(block, part), f"{place}/{part}")
        watch(pool, "layers/global_average_pooling1d")
        try:
            model(tf.constant(take(x)), training=training)
        finally:
            for layer, call in restore:
                layer.call = call
        model.set_weights(kept)
        return {
            path: give(f"{folder}/activations/{position}.npy", array)
            for position, (path, array) in enumerate(found.items())
        }


def train_steps(name: str, x: list[str], y: list[str]) -> list[float]:
    """Keras's own training step on each batch in turn; returns the losses."""
    with _network(name) as model:
        losses = []
        for inputs, truth in zip(x, y):
            model.reset_metrics()
            losses.append(float(model.train_on_batch(take(inputs), take(truth))[0]))
        return losses
