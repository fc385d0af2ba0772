"""SavedModels of the port in this process: its own graph in a `tf.compat.v1.Session`, and exported models."""

from __future__ import annotations

from typing import Any

from ecg_probe.arrays import give, take

__all__ = ["assign", "call", "close", "load", "read", "run"]

_sessions: dict[str, tuple[Any, Any]] = {}


def load(name: str, path: str) -> list[str]:
    """Loads a SavedModel; returns the names of its signatures."""
    import tensorflow as tf

    graph = tf.Graph()
    session = tf.compat.v1.Session(graph=graph)
    with graph.as_default():
        meta = tf.compat.v1.saved_model.loader.load(session, ["serve"], path)
    _sessions[name] = (session, meta)
    return sorted(meta.signature_def)


def run(name: str, signature: str, feeds: dict[str, str], folder: str) -> dict[str, str]:
    """Runs one signature on arrays of the exchange folder; returns the files of its outputs by name."""
    session, meta = _sessions[name]
    described = meta.signature_def[signature]
    fetched = {key: tensor.name for key, tensor in described.outputs.items()}
    values = session.run(fetched, {described.inputs[key].name: take(file) for key, file in feeds.items()})
    return {key: give(f"{folder}/{position}.npy", value) for position, (key, value) in enumerate(values.items())}


def assign(name: str, values: dict[str, str]) -> None:
    """Gives variables new values, through the signature `assign/<variable>` that each of them has."""
    session, meta = _sessions[name]
    ports = {key: meta.signature_def[f"assign/{key}"] for key in values}
    session.run(
        [port.outputs["done"].name for port in ports.values()],
        {ports[key].inputs["value"].name: take(file) for key, file in values.items()},
    )


def read(name: str, folder: str) -> dict[str, str]:
    """Values of all variables, through their signatures `read/<variable>`."""
    session, meta = _sessions[name]
    prefix = "read/"
    fetched = {
        key.removeprefix(prefix): port.outputs["value"].name
        for key, port in meta.signature_def.items()
        if key.startswith(prefix)
    }
    values = session.run(fetched)
    return {key: give(f"{folder}/{position}.npy", value) for position, (key, value) in enumerate(values.items())}


def call(path: str, feeds: dict[str, str], folder: str) -> dict[str, str]:
    """Loads a SavedModel as its users do and calls `serving_default`; returns the files of its outputs by name."""
    import tensorflow as tf

    # The signature does not keep the model alive.
    model = tf.saved_model.load(path)
    values = model.signatures["serving_default"](**{key: tf.constant(take(file)) for key, file in feeds.items()})
    return {key: give(f"{folder}/{position}.npy", value) for position, (key, value) in enumerate(values.items())}


def close(name: str) -> None:
    """Ends a session."""
    _sessions.pop(name)[0].close()
