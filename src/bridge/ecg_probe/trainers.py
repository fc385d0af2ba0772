"""The original's command lines, run as the scripts they are (Q40: upstream's functions need its module's globals)."""

from __future__ import annotations

import runpy
import sys

from ecg_probe.compat_trainers import bridged
from ecg_probe.shims import initial_weights, sample_order

__all__ = ["run"]


def run(
    module: str,
    argv: list[str],
    weights: list[str] | None = None,
    order: str | None = None,
    seed: int | None = None,
) -> None:
    """`python -m <module> <argv>` in this process, with initial weights and sample order fixed where given.

    `seed` is TensorFlow's: it fixes what the original draws there (the order of pretraining frames, dropout).
    """
    import tensorflow as tf

    if seed is not None:
        tf.random.set_seed(seed)
    kept = sys.argv
    sys.argv = [module, *argv]
    try:
        with initial_weights(weights), sample_order(order), bridged(module, argv):
            runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        sys.argv = kept
        tf.keras.backend.clear_session()  # Keeps memory flat over many jobs.
