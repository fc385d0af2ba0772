"""Shims around arrays, files and data sets."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ecg_probe.compat import acted


def install_aliases() -> None:
    """Q6, Q14: restores two names of NumPy that upstream uses and NumPy 2 has removed."""
    for quirk, name, value in (("Q6", "math", math), ("Q14", "Inf", np.inf)):
        if name in vars(np) or name in getattr(np, "__deprecated_attrs__", {}):
            continue
        setattr(np, name, value)
        acted(quirk)


def install() -> None:
    """Q18, Q19, Q26, Q28."""
    from transplant.datasets import icentia11k, physionet

    np.savez = _saving_ragged(np.savez)
    icentia11k.flatten_raw_labels = _in_order_of_codes(icentia11k.flatten_raw_labels)
    icentia11k.uniform_patient_generator = _needing_patients(icentia11k.uniform_patient_generator)
    physionet.read_challenge20_data = _sorted_by_name(physionet.read_challenge20_data)


def _saving_ragged(savez: Any) -> Any:
    """Q18: since 1.24, NumPy refuses to make an array of label lists of different lengths."""

    def arranged(value: Any) -> Any:
        lists = isinstance(value, list) and all(isinstance(pair, (tuple, list)) for pair in value)
        if not lists or len({len(part) for pair in value for part in pair}) <= 1:
            return value
        acted("Q18")
        array = np.empty((len(value), len(value[0])), dtype=object)
        for row, pair in zip(array, value):
            row[:] = pair
        return array

    @functools.wraps(savez)
    def save(file: Any, *args: Any, **arrays: Any) -> None:
        savez(file, *args, **{name: arranged(value) for name, value in arrays.items()})

    return save


def _in_order_of_codes(flatten: Any) -> Any:
    """Q19: upstream's sort is not stable, so the order of marks at one position depends on the processor."""

    @functools.wraps(flatten)
    def flattened(*args: Any, **kwargs: Any) -> dict[str, Any]:
        labels = flatten(*args, **kwargs)
        for kind in ("btype", "rtype"):
            for segment, (positions, codes) in enumerate(labels[kind]):
                order = np.lexsort((codes, positions))
                if not np.array_equal(codes[order], codes):
                    acted("Q19")
                    labels[kind][segment] = (positions[order], codes[order])
        return labels

    return flattened


def _needing_patients(generator: Any) -> Any:
    """Q26: upstream loops forever on an empty list."""
    if "raise" in inspect.getsource(generator):
        return generator  # It may refuse by itself; that cannot be tried, since otherwise it would not return.

    @functools.wraps(generator)
    def patients(db_dir: Any, patient_ids: Any, repeat: bool = True, *args: Any, **kwargs: Any) -> Iterator[Any]:
        if repeat and len(patient_ids) == 0:
            acted("Q26")
            raise ValueError("no patient ids to repeat")
        yield from generator(db_dir, patient_ids, repeat, *args, **kwargs)

    return patients


def _sorted_by_name(read: Any) -> Any:
    """Q28: upstream uses records in the order of the file system, not in that of the names of their files."""

    @functools.wraps(read)
    def records_by_name(*args: Any, **kwargs: Any) -> Any:
        records, labels = read(*args, **kwargs)
        files = [f"{name}.mat" for name in labels.index]
        order = np.argsort(np.asarray(files, dtype=str), kind="stable")
        if np.array_equal(order, np.arange(len(order))):
            return records, labels
        acted("Q28")
        return [records[position] for position in order], labels.iloc[order]

    return records_by_name
