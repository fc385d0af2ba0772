"""Metrics of the original."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ecg_probe.arrays import take

__all__ = ["evaluate", "f1_of_file", "roc_curve"]


def _numbers(result: Any) -> list[float]:
    """All numbers of a result, one after the other."""
    if isinstance(result, dict):
        return [number for name in sorted(result) for number in _numbers(result[name])]
    if isinstance(result, (tuple, list, np.ndarray)):
        return [number for part in result for number in _numbers(part)]
    return [float(result)]


def evaluate(truth: str, scores: str, calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Calls of functions of `transplant.evaluation`: the numbers of each, or the class of what it raised."""
    from transplant import evaluation

    y_true, y_prob = take(truth), take(scores)
    results: list[dict[str, Any]] = []
    for call in calls:
        options = {
            key: np.array(value, dtype=np.float64) if isinstance(value, list) else value
            for key, value in call["options"].items()
        }
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                results.append({"values": _numbers(getattr(evaluation, call["name"])(y_true, y_prob, **options))})
            except Exception as error:  # Which one it is, is the result.
                results.append({"error": type(error).__name__})
    return results


def f1_of_file(file: str) -> float:
    """`transplant.evaluation.f1` of a prediction CSV, as the reproduction's notebook computes it."""
    from transplant.evaluation import f1
    from transplant.utils import read_predictions

    predictions = read_predictions(file)
    return float(f1(predictions["y_true"], predictions["y_prob"]))


def roc_curve(truth: str, scores: str) -> dict[str, list[float]]:
    """Rates of false and true positives by scikit-learn."""
    from sklearn.metrics import roc_curve as curve

    x, y, _ = curve(take(truth), take(scores))
    return {"x": x.tolist(), "y": y.tolist()}
