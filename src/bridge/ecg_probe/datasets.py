"""Preparation of data sets by the original."""

from __future__ import annotations

from typing import Any

import numpy as np

from ecg_probe.arrays import give

__all__ = ["challenge17", "load", "split"]


def _describe(folder: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "x": give(f"{folder}/x.npy", data["x"]),
        "y": give(f"{folder}/y.npy", data["y"]),
        "recordIds": [str(name) for name in data["record_ids"]],
        "classes": [str(name) for name in data["classes"]],
    }


def challenge17(
    folder: str, db_dir: str, fs: int | None, pad: int | None, normalize: bool, save: str
) -> dict[str, Any]:
    """`finetuning.datasets.get_challenge17_data`, then `transplant.utils.save_pkl` to the file `save`."""
    from finetuning.datasets import get_challenge17_data
    from transplant.utils import save_pkl

    data = get_challenge17_data(db_dir, fs=fs, pad=pad, normalize=normalize)
    save_pkl(save, **data)
    return _describe(folder, data)


def split(folder: str, file: str, test_size: float, seed: int, train: str, test: str) -> dict[str, Any]:
    """The documented recipe: a stratified `train_test_split` of a prepared file, both parts saved."""
    from finetuning.utils import train_test_split
    from transplant.utils import load_pkl, save_pkl

    data = load_pkl(file)
    np.random.seed(seed)
    parts = train_test_split(data, test_size=test_size, stratify=data["y"])
    for path, part in zip((train, test), parts):
        save_pkl(path, **part)
    return {name: _describe(f"{folder}/{name}", part) for name, part in zip(("train", "test"), parts)}


def load(folder: str, file: str) -> dict[str, Any]:
    """A prepared file as `transplant.utils.load_pkl` reads it."""
    from transplant.utils import load_pkl

    return _describe(folder, load_pkl(file))
