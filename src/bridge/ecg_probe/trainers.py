"""The original's command lines, run as the scripts they are."""

from __future__ import annotations

import runpy
import sys

from ecg_probe.shims import initial_weights, sample_order

__all__ = ["run"]


def run(module: str, argv: list[str], weights: list[str] | None = None, order: str | None = None) -> None:
    """`python -m <module> <argv>` in this process, with initial weights and sample order fixed where given."""
    kept = sys.argv
    sys.argv = [module, *argv]
    try:
        with initial_weights(weights), sample_order(order):
            runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        sys.argv = kept
