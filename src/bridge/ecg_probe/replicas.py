"""The original's MirroredStrategy on several devices: logical CPUs, in a process of its own."""

from __future__ import annotations

from typing import Any

from ecg_probe import children

__all__ = ["train"]


def train(
    network: dict[str, Any],
    weights: list[str],
    fits: list[dict[str, Any]],
    validation: dict[str, Any] | None,
    devices: int,
    legacy: bool,
    folder: str,
) -> dict[str, Any]:
    """Trains a network with Keras's `fit`, as the trainers do, on so many devices.

    Args:
        network: the arguments of `networks.build`.
        weights: what every device begins with, in Keras 3's order.
        fits: `x`, `y`, `batch_size` and perhaps `sample_weight` of each call of `fit`; the samples keep their order.
        validation: `x` and `y` to validate on after each `fit`, and to predict at the end.
        devices: logical CPUs.
        legacy: take tf_keras, whatever Keras this process has.
        folder: where the arrays go.

    Returns:
        `steps`: after each step the weights that each device holds (`devices`), and what the model and its optimiser
        give from outside (`saved`, as `networks.read`); `fits`: the last figures of each `fit`; `predictions`.
    """
    task = {
        **{"network": network, "weights": weights, "fits": fits, "validation": validation},
        **{"devices": devices, "folder": folder},
    }
    # With oneDNN, an empty part of a batch ends the process.
    variables = {"TF_ENABLE_ONEDNN_OPTS": "0", **({"TF_USE_LEGACY_KERAS": "1"} if legacy else {})}
    return children.call("ecg_probe.replicas", task, variables)


def _split_cpu(task: dict[str, Any]) -> None:
    import tensorflow as tf

    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * task["devices"])


def _train(task: dict[str, Any]) -> dict[str, Any]:
    import numpy as np
    import tensorflow as tf

    from ecg_probe import networks
    from ecg_probe.arrays import give, give_all, take, take_all
    from ecg_probe.layers import assign_weights, is_keras_3, ordered_weights

    devices, folder = range(task["devices"]), task["folder"]
    strategy = tf.distribute.MirroredStrategy([f"/cpu:{device}" for device in devices])
    steps: list[dict[str, Any]] = []

    def batches(samples: dict[str, Any], batch_size: int) -> Any:
        arrays = tuple(take(samples[name]) for name in ("x", "y", "sample_weight") if name in samples)
        return tf.data.Dataset.from_tensor_slices(arrays).batch(batch_size)

    def held(device: int) -> list[Any]:
        copies = [weight.value if is_keras_3() else weight for weight in ordered_weights(model)]
        return [strategy.experimental_local_results(weight)[device].numpy() for weight in copies]

    def note() -> None:
        place = f"{folder}/{len(steps)}"
        of_devices = [give_all(f"{place}/{device}", held(device)) for device in devices]
        steps.append({"devices": of_devices, "saved": networks.read("mirrored", f"{place}/saved")})

    with strategy.scope():
        networks.build("mirrored", **task["network"])
        with networks.opened("mirrored") as model:
            assign_weights(model, take_all(task["weights"]))
            model.run_eagerly = False
            figures, validation = [], task["validation"]
            for fit in task["fits"]:
                size = fit["batch_size"]
                history = model.fit(
                    batches(fit, size),
                    validation_data=batches(validation, size) if validation else None,
                    callbacks=[tf.keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs=None: note())],
                    shuffle=False,
                    verbose=0,
                ).history
                figures.append({name: float(values[-1]) for name, values in history.items()})
            predictions = None
            if validation:
                outputs = np.asarray(model.predict(batches(validation, size), verbose=0))
                predictions = give(f"{folder}/predictions.npy", outputs)
    return {"steps": steps, "fits": figures, "predictions": predictions}


if __name__ == "__main__":
    children.answer(_train, _split_cpu)
