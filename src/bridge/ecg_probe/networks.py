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
    name: str,
    task: str,
    arch: str,
    stages: int | None,
    shapes: dict[str, list[int]],
    classes: int | None,
    multi_label: bool,
    dtype: str,
) -> dict[str, Any]:
    """A network built and compiled as the original's trainers do it, in `dtype` (float32 or float64).

    `task` is `finetuning` (backbone and head) or one of pretraining's; `shapes` are those of the inputs without the
    batch axis, under `x`, or under `context` and `samples` for cpc.
    """
    import tensorflow as tf
    from finetuning.utils import ecg_feature_extractor
    from pretraining.utils import task_solver

    with _precision(dtype):
        inputs = {key: tf.keras.layers.Input(tuple(shape), dtype=dtype) for key, shape in shapes.items()}
        if task == "finetuning":
            model = ecg_feature_extractor(arch, stages)
            model.add(tf.keras.layers.Dense(classes, activation="sigmoid" if multi_label else "softmax"))
            optimizer = tf.keras.optimizers.Adam()
            if multi_label:
                loss: Any = tf.keras.losses.BinaryCrossentropy()
                metric: Any = tf.keras.metrics.BinaryAccuracy(name="acc")
            else:
                loss = tf.keras.losses.CategoricalCrossentropy()
                metric = tf.keras.metrics.CategoricalAccuracy(name="acc")
        else:
            model = task_solver(task, arch, stages)
            optimizer = tf.keras.optimizers.Adam(beta_1=0.9, beta_2=0.98, epsilon=1e-9)
            loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            metric = tf.keras.metrics.SparseCategoricalAccuracy(name="acc")
        model(inputs.get("x", inputs))
        model.compile(optimizer=optimizer, loss=loss, metrics=[metric])
        model.optimizer.build(model.trainable_variables)
    _networks[name] = model, dtype
    return {
        "parameters": int(model.count_params()),
        "weights": [{"shape": list(w.shape), "trainable": bool(w.trainable)} for w in model.weights],
    }


def _take_inputs(files: dict[str, str]) -> Any:
    """The array of the only input, or arrays by input name."""
    arrays = {key: take(file) for key, file in files.items()}
    return arrays.get("x", arrays)


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


def predict(name: str, folder: str, x: dict[str, str], batch_size: int) -> str:
    """Outputs (probabilities, or logits of a pretraining task) in inference mode."""
    with _network(name) as model:
        return give(f"{folder}/predictions.npy", model.predict(_take_inputs(x), batch_size=batch_size, verbose=0))


def gradients(name: str, folder: str, x: dict[str, str], y: str) -> dict[str, Any]:
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

        loss, outputs, found = step(tf.nest.map_structure(tf.constant, _take_inputs(x)), tf.constant(take(y)))
        model.set_weights(kept)
        return {
            "loss": float(loss.numpy()),
            "outputs": give(f"{folder}/outputs.npy", outputs.numpy()),
            "gradients": give_all(f"{folder}/gradients", [g.numpy() for g in found]),
        }


def activations(name: str, folder: str, x: dict[str, str], training: bool) -> dict[str, str]:
    """Output of every convolution, normalisation and block, and of the pool, by the layer's path in the weight file.

    Not for cpc, which applies its backbone twice.
    """
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

        nested = not hasattr(model.layers[0], "blocks")
        net, pool = model.layers[0].layers[:2] if nested else model.layers[:2]
        prefix = "layers/sequential/layers" if nested else "layers"
        root = f"{prefix}/res_net"
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
        watch(pool, f"{prefix}/global_average_pooling1d")
        try:
            model(tf.constant(_take_inputs(x)), training=training)
        finally:
            for layer, call in restore:
                layer.call = call
        model.set_weights(kept)
        return {
            path: give(f"{folder}/activations/{position}.npy", array)
            for position, (path, array) in enumerate(found.items())
        }


def train_steps(name: str, x: list[dict[str, str]], y: list[str]) -> list[float]:
    """Keras's own training step on each batch in turn; returns the losses."""
    with _network(name) as model:
        losses = []
        for inputs, truth in zip(x, y):
            model.reset_metrics()
            losses.append(float(model.train_on_batch(_take_inputs(inputs), take(truth))[0]))
        return losses
