"""Shims around weight files, for Keras 3."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import h5py

from ecg_probe.compat import acted

_ENDING = ".weights.h5"
_READABLE = (".h5", ".hdf5", ".keras")


def install() -> None:
    """Q30, Q35, Q37."""
    import tensorflow as tf

    model, checkpoint = tf.keras.Model, tf.keras.callbacks.ModelCheckpoint
    model.save_weights = _saving(model.save_weights)
    model.load_weights = _loading(model.load_weights)
    checkpoint.__init__ = _naming(checkpoint.__init__)


def accepted_name(file: str) -> str:
    """The name under which Keras 3 writes what upstream calls `file`; a template of names stays one.

    `epoch_01/model.weights` becomes `epoch_01_model.weights.h5`, `<name>.adjusted` becomes
    `<stem>.adjusted.weights.h5`, and anything else gets the ending.
    """
    if file.endswith(_ENDING):
        return file
    path = Path(file)
    if path.name.endswith(".adjusted"):
        acted("Q37")
        stem = path.name.removesuffix(".adjusted").removesuffix(".h5").removesuffix(".weights")
        return str(path.with_name(f"{stem}.adjusted{_ENDING}"))
    acted("Q30")
    if path.name == "model.weights" and path.parent.name.startswith("epoch_"):
        return f"{path.parent}_model{_ENDING}"
    return file.removesuffix(".weights") + _ENDING


def _naming(init: Any) -> Any:
    """Q30: the callback's constructor refuses a name without the ending."""

    @functools.wraps(init)
    def named(self: Any, filepath: Any, *args: Any, **kwargs: Any) -> None:
        init(self, accepted_name(str(filepath)) if kwargs.get("save_weights_only") else filepath, *args, **kwargs)

    return named


def _saving(save_weights: Any) -> Any:
    """Q30, Q37."""

    @functools.wraps(save_weights)
    def save(self: Any, filepath: Any, *args: Any, **kwargs: Any) -> None:
        save_weights(self, accepted_name(str(filepath)), *args, **kwargs)

    return save


def _loading(load_weights: Any) -> Any:
    """Q30, Q35, Q37."""

    @functools.wraps(load_weights)
    def load(self: Any, filepath: Any, *args: Any, **kwargs: Any) -> None:
        file = str(filepath)
        if not file.endswith(_READABLE):
            file = accepted_name(file)
        backbone = _backbone_for(self, file)
        if backbone is not None:
            acted("Q35")
        load_weights(backbone or self, file, *args, **kwargs)

    return load


def _backbone_for(model: Any, file: str) -> Any:
    """Q35: the part of a classifier that a backbone file fills; None unless it is one on the other.

    Keras 3 raises where the file lacks the head, after it has loaded all the rest.
    """
    import tensorflow as tf

    layers = model.layers
    is_classifier = (
        isinstance(model, tf.keras.Sequential)
        and len(layers) > 1
        and isinstance(layers[-1], tf.keras.layers.Dense)
        and not isinstance(layers[0], tf.keras.Sequential)
    )
    if not is_classifier or not h5py.is_hdf5(file):
        return None
    with h5py.File(file) as content:
        stored = content.get("layers", {})
        if "res_net" not in stored or "dense" in stored:
            return None
    backbone = tf.keras.Sequential(layers[:-1])
    backbone.build(model.input_shape)
    return backbone
