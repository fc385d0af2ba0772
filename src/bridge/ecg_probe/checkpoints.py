"""TensorFlow checkpoints: networks of the original on tf_keras, in a process of its own.

A process has one Keras. The bridge's may run Keras 3, whose `save_weights` writes no checkpoints.
"""

from __future__ import annotations

from typing import Any

from ecg_probe import children

__all__ = ["exchange"]


def exchange(networks: list[dict[str, Any]], folder: str) -> list[dict[str, list[str]]]:
    """Makes tf_keras load a checkpoint into each network and save another one with other values.

    A network has the arguments of `networks.build`, and `written` and `wanted`, the prefixes of the two checkpoints.
    Returns for each the arrays that it held after loading (`loaded`) and after saving (`saved`), in Keras 3's order.
    """
    task = {"networks": networks, "folder": folder}
    return children.call("ecg_probe.checkpoints", task, {"TF_USE_LEGACY_KERAS": "1"})


def _exchange(number: int, network: dict[str, Any], folder: str) -> dict[str, list[str]]:
    import numpy as np

    from ecg_probe import networks
    from ecg_probe.arrays import give_all

    written, wanted = network.pop("written"), network.pop("wanted")
    name = str(number)
    networks.build(name, **network, compiled=False)  # Otherwise the checkpoint would contain the optimiser too.
    try:
        loaded = give_all(f"{folder}/{number}/loaded", networks.load_checkpoint(name, written))
        draws = np.random.default_rng(number)
        saved = networks.save_checkpoint(name, wanted, lambda shape: draws.standard_normal(shape))
        return {"loaded": loaded, "saved": give_all(f"{folder}/{number}/saved", saved)}
    finally:
        networks.dispose(name)


def _exchange_all(task: dict[str, Any]) -> list[dict[str, list[str]]]:
    return [_exchange(number, network, task["folder"]) for number, network in enumerate(task["networks"])]


if __name__ == "__main__":
    children.answer(_exchange_all)
