"""Runs the original's programs as scripts (Q40: upstream's functions need the globals of the script)."""

from __future__ import annotations

import runpy
import sys

from ecg_probe.compat_trainers import bridged
from ecg_probe.shims import frame_draws, initial_weights, sample_order

__all__ = ["run"]


def run(
    module: str,
    argv: list[str],
    weights: list[str] | None = None,
    order: str | None = None,
    seed: int | None = None,
) -> None:
    """`python -m <module> <argv>` in this process, with initial weights and sample order fixed where given.

    `seed` fixes what else the original draws during training: the frames of pretraining, their order, and dropout.
    """
    import tensorflow as tf

    if seed is not None:
        tf.keras.utils.set_random_seed(seed)  # Of Python, for Keras 3's dropout, of NumPy, and of TensorFlow.
    kept = sys.argv
    sys.argv = [module, *argv]
    try:
        with initial_weights(weights), frame_draws(seed), sample_order(order), bridged(module, argv):
            runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        sys.argv = kept
        tf.keras.backend.clear_session()  # Otherwise memory would grow over many jobs.
