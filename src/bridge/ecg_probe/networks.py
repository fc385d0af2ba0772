"""Networks of the original, compiled as its trainers compile them, and single steps of them."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any
from unittest.mock import patch

import numpy as np

from ecg_probe.arrays import give, give_all, take, take_all
from ecg_probe.layers import assign_weights, is_keras_3, ordered_weights, watched
from ecg_probe.not_runnable import NotApplicable
from ecg_probe.training_options import cosine_decay

__all__ = [
    "activations",
    "build",
    "dispose",
    "freeze",
    "gradients",
    "input_gradients",
    "integrated_gradients",
    "load_weights",
    "places",
    "predict",
    "read",
    "save_weights",
    "train_steps",
    "write",
]

_networks: dict[str, tuple[Any, str]] = {}


@contextmanager
def _precision(dtype: str) -> Iterator[None]:
    """Keras's default types while a network in that precision is built or traced."""
    import tensorflow as tf

    before = tf.keras.backend.floatx()

    def switch(to: str) -> None:
        # Layers take their type from the global policy, losses and metrics from floatx.
        tf.keras.backend.set_floatx("float32" if to.startswith("mixed") else to)
        tf.keras.mixed_precision.set_global_policy(to)

    switch(dtype)
    try:
        with _wide_averages(dtype):
            yield
    finally:
        switch(before)


def _wide_averages(dtype: str) -> AbstractContextManager[Any]:
    """In float64, keeps the factor 1 - momentum of tf_keras in float64. By itself it rounds it to float32."""
    import tensorflow as tf

    if is_keras_3() or dtype != "float64":
        return nullcontext()
    layer = tf.keras.layers.BatchNormalization
    average = layer._assign_moving_average

    def wide(self: Any, variable: Any, value: Any, momentum: Any, inputs_size: Any) -> Any:
        return average(self, variable, value, tf.constant(momentum, variable.dtype), inputs_size)

    return patch.object(layer, "_assign_moving_average", wide)


def _built_in_one_pass() -> AbstractContextManager[Any]:
    """Spares layers of Keras 3 the additional call in which a layer without a `build` method finds its parts.

    Layers within layers within layers run many times in it. A single call makes the same weights in the same order.
    """
    if not is_keras_3():
        return nullcontext()
    from keras.src.layers import layer

    return patch.object(layer, "might_have_unbuilt_state", lambda _: False)


@contextmanager
def opened(name: str) -> Iterator[Any]:
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
    seed: int | None,
    compiled: bool = True,
    adam: dict[str, float] | None = None,
    schedule: dict[str, Any] | None = None,
    element_weights: bool = False,
    own_top: bool = False,
    traced: bool = False,
) -> dict[str, Any]:
    """A network built and compiled as the original's trainers do it, in `dtype`.

    `task` is `finetuning` (backbone and head) or one of pretraining's; `shapes` are those of the inputs without the
    batch axis, under `x`, or under `context` and `samples` for cpc; `dtype` is float32, float64 or mixed_bfloat16;
    `seed` fixes the initial weights. Unlike there, steps run eagerly, unless `traced`: `train_on_batch` would trace a
    graph for each.
    `adam` are further arguments of Adam, `schedule` those of `cosine_decay`. With `element_weights`, sample weights go
    with each class of each record. `own_top` asks for a whole `ResNet` with its own defaults and top.
    """
    import tensorflow as tf
    from finetuning.utils import ecg_feature_extractor
    from pretraining.utils import task_solver
    from transplant.modules.resnet1d import ResNet

    if seed is not None:
        tf.keras.utils.set_random_seed(seed)
    with _precision(dtype):
        input_type = "float32" if dtype.startswith("mixed") else dtype
        further: dict[str, Any] = {**(adam or {})}
        if schedule:
            further["learning_rate"] = cosine_decay(input_type, **schedule)
        inputs = {key: tf.keras.layers.Input(tuple(shape), dtype=input_type) for key, shape in shapes.items()}
        if task == "finetuning":
            if own_top:
                model = tf.keras.Sequential([ResNet(num_outputs=classes)])
            else:
                model = ecg_feature_extractor(arch, stages)
                model.add(tf.keras.layers.Dense(classes, activation="sigmoid" if multi_label else "softmax"))
            optimizer = tf.keras.optimizers.Adam(**further)
            if multi_label:
                loss: Any = _element_losses() if element_weights else tf.keras.losses.BinaryCrossentropy()
                metric: Any = tf.keras.metrics.BinaryAccuracy(name="acc")
            else:
                loss = tf.keras.losses.CategoricalCrossentropy()
                metric = tf.keras.metrics.CategoricalAccuracy(name="acc")
        else:
            model = task_solver(task, arch, stages)
            optimizer = tf.keras.optimizers.Adam(beta_1=0.9, beta_2=0.98, epsilon=1e-9, **further)
            loss = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            metric = tf.keras.metrics.SparseCategoricalAccuracy(name="acc")
        with _built_in_one_pass():
            model(inputs.get("x", inputs))
        if compiled:
            model.compile(optimizer=optimizer, loss=loss, metrics=[metric], run_eagerly=not traced)
            model.optimizer.build(_trainable(model))
    _networks[name] = model, dtype
    return {
        "parameters": int(model.count_params()),
        "weights": [{"shape": list(w.shape), "trainable": bool(w.trainable)} for w in ordered_weights(model)],
    }


def _element_losses() -> Any:
    """Keras's binary crossentropy of outputs `(batch, classes, 1)`, for which it takes weights `(batch, classes)`."""
    import tensorflow as tf

    class ElementLosses(tf.keras.losses.Loss):
        def call(self, y_true: Any, y_pred: Any) -> Any:
            logits = y_pred._keras_logits  # The loss itself would take them, but does not find them behind a new axis.
            return tf.keras.losses.binary_crossentropy(y_true[..., None], logits[..., None], from_logits=True)

    return ElementLosses()


def freeze(name: str, frozen: bool) -> None:
    """Freezes or thaws all layers of a classifier but its head, and compiles it anew, as Keras's guides show it."""
    with opened(name) as model:
        for layer in model.layers[:-1]:
            layer.trainable = not frozen
        optimizer = type(model.optimizer).from_config(model.optimizer.get_config())
        model.compile(optimizer=optimizer, loss=model.loss, metrics=["acc"], run_eagerly=True)


def dispose(name: str) -> None:
    """Drops a network, so that its memory can be reused."""
    import tensorflow as tf

    del _networks[name]
    if not _networks:
        tf.keras.backend.clear_session()
    gc.collect()


def _trainable(model: Any) -> list[Any]:
    return [weight for weight in ordered_weights(model) if weight.trainable]


def _values(model: Any) -> list[np.ndarray]:
    return [weight.numpy() for weight in ordered_weights(model)]


def _slots(adam: Any) -> list[Any]:
    """The moments m, v of each trainable weight in turn; before them, Keras 3 has two variables and tf_keras one."""
    return [slot for pair in zip(adam._momentums, adam._velocities, strict=True) for slot in pair]


def take_inputs(files: dict[str, str]) -> Any:
    """The array of the only input, or arrays by input name."""
    arrays = {key: take(file) for key, file in files.items()}
    return arrays.get("x", arrays)


def write(name: str, weights: list[str], moments: list[str] | None = None, iterations: int = 0) -> None:
    """Sets all weights and Adam's state: `moments` are m, v alternating per trainable weight; zeros without them."""
    with opened(name) as model:
        assign_weights(model, take_all(weights))
        model.optimizer.iterations.assign(iterations)
        for position, slot in enumerate(_slots(model.optimizer)):
            slot.assign(take(moments[position]) if moments else np.zeros(slot.shape))


def read(name: str, folder: str) -> dict[str, Any]:
    """Weights and Adam's state."""
    with opened(name) as model:
        return {
            "weights": give_all(f"{folder}/weights", _values(model)),
            "moments": give_all(f"{folder}/moments", [slot.numpy() for slot in _slots(model.optimizer)]),
            "iterations": int(model.optimizer.iterations.numpy()),
        }


def save_weights(name: str, path: str) -> None:
    """`model.save_weights`: weights and Adam's state in a `.weights.h5` file, as Keras 3 writes it."""
    _demand_keras_3()
    with opened(name) as model:
        model.save_weights(path)


def load_weights(name: str, path: str) -> None:
    """`model.load_weights` of a `.weights.h5` file, as Keras 3 reads it."""
    _demand_keras_3()
    with opened(name) as model:
        model.load_weights(path)


def load_checkpoint(name: str, prefix: str) -> list[np.ndarray]:
    """Loads a TensorFlow checkpoint on tf_keras, every variable of the model and of the file; returns the weights."""
    with opened(name) as model:
        model.load_weights(prefix).assert_existing_objects_matched().assert_consumed()
        return _values(model)


def save_checkpoint(name: str, prefix: str, draw: Callable[[Any], np.ndarray]) -> list[np.ndarray]:
    """Writes drawn values as a TensorFlow checkpoint on tf_keras, without an optimiser; returns them."""
    with opened(name) as model:
        assign_weights(model, [draw(weight.shape) for weight in ordered_weights(model)])
        model.save_weights(prefix)
        return _values(model)


def _demand_keras_3() -> None:
    if not is_keras_3():
        raise NotApplicable(
            "this original runs on tf_keras, whose .weights.h5 files have another layout than Keras 3's"
        )


def predict(name: str, folder: str, x: dict[str, str], batch_size: int) -> str:
    """Outputs (probabilities, or logits of a pretraining task) in inference mode."""
    with opened(name) as model:
        outputs = model.predict(take_inputs(x), batch_size=batch_size, verbose=0)
        return give(f"{folder}/predictions.npy", np.asarray(outputs, _output_type(name)))


def _output_type(name: str) -> str:
    # There is no .npy type for half-precision outputs; float32 represents all of their values.
    return "float64" if _networks[name][1] == "float64" else "float32"


def gradients(name: str, folder: str, x: dict[str, str], y: str) -> dict[str, Any]:
    """Loss and gradients of a training-mode pass on one batch; the weights are left as they were."""
    import tensorflow as tf

    with opened(name) as model:
        kept = _values(model)
        inputs = tf.nest.map_structure(tf.constant, take_inputs(x))
        with tf.GradientTape() as tape:
            outputs = model(inputs, training=True)
            loss = model.compute_loss(x=inputs, y=tf.constant(take(y)), y_pred=outputs)
        found = tape.gradient(loss, _trainable(model))
        assign_weights(model, kept)
        return {
            "loss": float(loss.numpy()),
            "outputs": give(f"{folder}/outputs.npy", outputs.numpy()),
            "gradients": give_all(f"{folder}/gradients", [g.numpy() for g in found]),
        }


def input_gradients(name: str, folder: str, x: dict[str, str], weights: str) -> dict[str, Any]:
    """Outputs in inference mode, and by input name the gradient of their sum, weighted by `weights`."""
    import tensorflow as tf

    with opened(name) as model:
        inputs = tf.nest.map_structure(tf.constant, take_inputs(x))
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = model(inputs, training=False)
        found = tape.gradient(outputs, inputs, output_gradients=tf.constant(take(weights)))
        by_name = found if isinstance(found, dict) else {"x": found}
        return {
            "outputs": give(f"{folder}/outputs.npy", outputs.numpy()),
            "gradients": {key: give(f"{folder}/{key}.npy", value.numpy()) for key, value in by_name.items()},
        }


def integrated_gradients(name: str, folder: str, x: dict[str, str], targets: list[int], steps: int) -> str:
    """Integrated gradients (Sundararajan et al. 2017) of one output per record, from a baseline of zeros, in float64.

    The integral is the mean over the middles of `steps` equal parts of the path.
    """
    import tensorflow as tf

    with opened(name) as model:
        signals = take_inputs(x)
        total = np.zeros(signals.shape)
        for step in range(steps):
            place = (step + 0.5) / steps
            points = tf.constant((place * signals.astype(np.float64)).astype(signals.dtype))
            with tf.GradientTape() as tape:
                tape.watch(points)
                chosen = tf.gather(model(points, training=False), targets, axis=1, batch_dims=1)
            total += tape.gradient(chosen, points).numpy()
        return give(f"{folder}/attributions.npy", signals * (total / steps))


def activations(name: str, folder: str, x: dict[str, str], training: bool) -> dict[str, str]:
    """Output of every layer, by the layer's path in Keras 3's weight file; the weights are left as they were.

    A layer that is applied several times has `#2`, `#3`, … behind its path from the second time on.
    """
    import tensorflow as tf

    with opened(name) as model:
        kept = _values(model)
        with watched(model) as found:
            model(tf.nest.map_structure(tf.constant, take_inputs(x)), training=training)
        assign_weights(model, kept)
        return {
            path: give(f"{folder}/activations/{position}.npy", array)
            for position, (path, array) in enumerate(found.items())
        }


def places(name: str, x: dict[str, str], training: bool) -> dict[str, str]:
    """For every layer, by path, the line of the original at which it is applied, and its class."""
    import tensorflow as tf

    found: dict[str, str] = {}
    with opened(name) as model:
        kept = _values(model)
        with watched(model, found):
            model(tf.nest.map_structure(tf.constant, take_inputs(x)), training=training)
        assign_weights(model, kept)
    return found


def train_steps(
    name: str,
    x: list[dict[str, str]],
    y: list[str],
    sample_weight: list[str] | None = None,
    class_weight: list[float] | None = None,
) -> list[float]:
    """Keras's own training step on each batch in turn; returns the losses.

    Args:
        name: the network.
        x: inputs of each batch, by name.
        y: labels of each batch.
        sample_weight: weights of the losses of each batch.
        class_weight: instead, a weight of each class.
    """
    with opened(name) as model:
        if not model.run_eagerly:
            if sample_weight or class_weight:
                raise ValueError("a traced network takes no weights of losses")
            return _traced_steps(model, [(take_inputs(inputs), take(truth)) for inputs, truth in zip(x, y)])
        losses = []
        for batch, (inputs, truth) in enumerate(zip(x, y)):
            model.reset_metrics()
            weights: dict[str, Any] = {}
            if sample_weight:
                weights["sample_weight"] = take(sample_weight[batch])
            if class_weight:
                weights["class_weight"] = dict(enumerate(class_weight))
            losses.append(float(model.train_on_batch(take_inputs(inputs), take(truth), **weights)[0]))
        return losses


def _traced_steps(model: Any, batches: list[tuple[Any, Any]]) -> list[float]:
    """The same by `fit`, which traces one graph for batches of one shape."""
    import tensorflow as tf

    losses: list[float] = []
    stacked = tf.nest.map_structure(lambda *arrays: np.stack(arrays), *batches)
    # The loss of a step is otherwise the mean since the epoch began.
    callback = tf.keras.callbacks.LambdaCallback(
        on_train_batch_begin=lambda batch, logs=None: model.reset_metrics(),
        on_train_batch_end=lambda batch, logs=None: losses.append(float(logs["loss"])),
    )
    model.fit(tf.data.Dataset.from_tensor_slices(stacked), callbacks=[callback], shuffle=False, verbose=0)
    return losses
