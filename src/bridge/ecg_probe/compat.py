"""What an unmodified upstream cannot do on TensorFlow 2.16, Keras 3.3 and NumPy 1.26, bridged from outside.

Each shim belongs to a quirk of docs/divergences.md and steps in only where the checkout would stop, hang or lose
results: whatever works by itself is left as it is. `shims` tells which have stepped in.
"""

from __future__ import annotations

import os
from typing import Any

__all__ = ["install", "shims"]

_TITLES = {
    "Q6": "np.math where NumPy has dropped it",
    "Q14": "np.Inf where NumPy has dropped it",
    "Q18": "label lists of unequal lengths are saved as object arrays",
    "Q19": "marks at equal positions in the order of their codes",
    "Q21": "--patients restricts the patients of a folder",
    "Q26": "no patients to repeat: ValueError instead of an endless loop",
    "Q28": "Challenge 2020 records sorted by name",
    "Q30": "weight files under names that Keras 3 accepts",
    "Q31": "what is no tensor goes to a layer by keyword",
    "Q32": "the pool token is a weight that Keras trains and saves, in the type of its layer",
    "Q35": "backbone weights are loaded into the backbone",
    "Q37": "adjusted weights under a name that Keras 3 accepts",
    "Q49": "multi-label data are split without strata",
    "Q59": "what the transformer casts to float32 goes on to the type of the network",
}
_times: dict[str, int] = {}


def acted(quirk: str) -> None:
    """Records that a shim was used."""
    _times[quirk] = _times.get(quirk, 0) + 1


def shims() -> list[dict[str, Any]]:
    """The shims that were used so far, and how often."""
    order = list(_TITLES)
    return [
        {"quirk": quirk, "title": _TITLES[quirk], "times": times}
        for quirk, times in sorted(_times.items(), key=lambda item: order.index(item[0]))
    ]


def install() -> None:
    """Installs the shims around the packages of the original, which must be importable."""
    import tensorflow as tf

    from ecg_probe import compat_data, compat_networks, compat_weights
    from ecg_probe.layers import is_keras_3

    if os.environ.get("TF_DETERMINISTIC_OPS") == "1":
        tf.random.set_seed(1)  # Deterministic operations cannot draw without a seed.
    compat_data.install_aliases()
    compat_data.install()
    if is_keras_3():
        compat_networks.install()
        compat_weights.install()
    else:
        compat_networks.install_legacy()
        _spare_tf_keras()


def _spare_tf_keras() -> None:
    """Stops AutoGraph, which skips only Keras by name, from rewriting tf_keras: 20 s per model for nothing."""
    from tensorflow.python.autograph.core import config

    config.CONVERSION_RULES = (config.DoNotConvert("tf_keras"), *config.CONVERSION_RULES)
