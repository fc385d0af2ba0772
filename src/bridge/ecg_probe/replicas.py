"""The original's MirroredStrategy on several devices: logical CPUs, in a process of its own."""

from __future__ import annotations

from typing import Any

from ecg_probe import children

__all__ = ["train"]


def train(
    network: dict[str, Any], weights: list[str], x: list[dict[str, str]], y: list[str], devices: int, folder: str
) -> list[list[str]]:
    """Trains a network on batches of equal size with Keras's `fit`, as the trainers do, on so many devices.

    Args:
        network: the arguments of `networks.build`.
        weights: what every device begins with, in Keras 3's order.
        x: inputs by name, one entry a batch.
        y: labels, one entry a batch.
        devices: logical CPUs.
        folder: where the arrays go.

    Returns:
        For each device the weights that it holds at the end.
    """
    task = {"network": network, "weights": weights, "x": x, "y": y, "devices": devices, "folder": folder}
    return children.call("ecg_probe.replicas", task)


def _split_cpu(task: dict[str, Any]) -> None:
    import tensorflow as tf

    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * task["devices"])


def _train(task: dict[str, Any]) -> list[list[str]]:
    import numpy as np
    import tensorflow as tf

    from ecg_probe import networks
    from ecg_probe.arrays import give_all, take_all
    from ecg_probe.layers import assign_weights, is_keras_3, ordered_weights

    batches = [(networks.take_inputs(x), y) for x, y in zip(task["x"], take_all(task["y"]), strict=True)]
    samples = tf.data.Dataset.from_tensor_slices(tuple(np.concatenate(part) for part in zip(*batches)))
    devices = range(task["devices"])
    strategy = tf.distribute.MirroredStrategy([f"/cpu:{device}" for device in devices])
    with strategy.scope():
        networks.build("mirrored", **task["network"])
        with networks.opened("mirrored") as model:
            assign_weights(model, take_all(task["weights"]))
            model.run_eagerly = False
            model.fit(samples.batch(len(batches[0][1])), shuffle=False, verbose=0)
            held = [strategy.experimental_local_results(w.value if is_keras_3() else w) for w in ordered_weights(model)]
    folder = task["folder"]
    return [give_all(f"{folder}/{device}", [copies[device].numpy() for copies in held]) for device in devices]


if __name__ == "__main__":
    children.answer(_train, _split_cpu)
