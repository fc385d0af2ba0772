"""Records which random numbers the original draws, and where, to find the first draw that differs."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ecg_probe.callers import line_of_original

__all__ = ["start", "stop"]

_METHODS = ("choice", "permutation", "rand", "randint", "random", "random_sample", "shuffle")
_kept: dict[str, Any] = {}
_log: list[dict[str, Any]] = []


def start() -> None:
    """Starts recording every draw that the original makes from NumPy's global generator, also through scikit-learn."""
    from sklearn.model_selection import _split

    stop()
    for name in _METHODS:
        _kept[name] = getattr(np.random, name)
        setattr(np.random, name, _noting(name, _kept[name]))
    _kept["check_random_state"] = _split.check_random_state
    _split.check_random_state = lambda seed: _NotedGenerator(_kept["check_random_state"](seed))


def stop() -> list[dict[str, Any]]:
    """Stops recording and returns the draws since `start`: method, result as numbers, place of the call."""
    from sklearn.model_selection import _split

    if _kept:
        _split.check_random_state = _kept.pop("check_random_state")
        for name in list(_kept):
            setattr(np.random, name, _kept.pop(name))
    found = list(_log)
    _log.clear()
    return found


def _noting(name: str, draw: Any) -> Any:
    @functools.wraps(draw)
    def noted(*args: Any, **kwargs: Any) -> Any:
        result = draw(*args, **kwargs)
        place = line_of_original()
        if place:
            numbers = np.asarray(args[0] if name == "shuffle" else result).ravel()
            values = numbers.astype(float).tolist() if numbers.dtype.kind in "biuf" else []
            _log.append({"method": name, "values": values, "place": place})
        return result

    return noted


class _NotedGenerator(np.random.RandomState):
    """A generator that records its draws and shares its state with the one that it replaces."""

    def __init__(self, generator: np.random.RandomState) -> None:
        super().__init__(generator._bit_generator)
        for name in _METHODS:
            setattr(self, name, _noting(name, getattr(generator, name)))
