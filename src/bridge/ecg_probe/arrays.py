"""Arrays as `.npy` files in the exchange folder: never pickled, named relative to that folder."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ecg_probe.process import exchange

__all__ = ["copy", "held", "hold"]

_held: list[np.ndarray] = []


def take(name: str) -> np.ndarray:
    """Reads one array."""
    return np.load(exchange() / name, allow_pickle=False)


def give(name: str, array: np.ndarray) -> str:
    """Writes one array; returns its name."""
    path = exchange() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, np.asarray(array, order="C"), allow_pickle=False)  # ascontiguousarray would make a scalar 1-D.
    return name


def take_all(names: Iterable[str]) -> list[np.ndarray]:
    """Reads several arrays."""
    return [take(name) for name in names]


def give_all(folder: str, arrays: Iterable[np.ndarray]) -> list[str]:
    """Writes several arrays as `<folder>/0.npy`, `<folder>/1.npy`, …; returns their names."""
    return [give(f"{folder}/{position}.npy", array) for position, array in enumerate(arrays)]


def copy(folder: str, files: list[str]) -> list[str]:
    """Reads arrays and writes them again, for testing the round trip."""
    return give_all(folder, take_all(files))


def hold(files: list[str]) -> None:
    """Reads arrays and keeps them until the next call: one half of `copy`."""
    _held[:] = take_all(files)


def held(folder: str) -> list[str]:
    """Writes the arrays that `hold` has kept: the other half."""
    return give_all(folder, _held)
