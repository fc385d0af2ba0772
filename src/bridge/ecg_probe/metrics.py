"""Metrics of the original on its own prediction files."""

from __future__ import annotations

__all__ = ["f1_of_file"]


def f1_of_file(file: str) -> float:
    """`transplant.evaluation.f1` of a prediction CSV, as the reproduction's notebook computes it."""
    from transplant.evaluation import f1
    from transplant.utils import read_predictions

    predictions = read_predictions(file)
    return float(f1(predictions["y_true"], predictions["y_prob"]))
