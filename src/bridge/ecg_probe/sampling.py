"""Random draws, frames and labels of the original, from NumPy's global generator."""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np

from ecg_probe.arrays import give, give_all, take

__all__ = ["batches", "draws", "frames", "labels", "patients", "raw_frames"]


def _state(folder: str) -> list[str]:
    _, key, position, has_gauss, cached_gaussian = np.random.get_state()
    gaussian = np.array([has_gauss, cached_gaussian], np.float64)
    return give_all(f"{folder}/state", [key.astype(np.uint32), np.array([position], np.int64), gaussian])


def _draw(method: str, **arguments: Any) -> np.ndarray:
    if method == "shuffle":
        numbers = np.arange(arguments["n"])
        np.random.shuffle(numbers)
        return numbers
    if method == "permutation":
        return np.random.permutation(arguments["n"])
    if method == "choice":
        return np.random.choice(arguments.pop("n"), **arguments)
    return getattr(np.random, method)(**arguments)


def draws(folder: str, seed: int | list[int], plan: list[dict[str, Any]]) -> dict[str, Any]:
    """Calls of `numpy.random` after `seed`, one after the other."""
    np.random.seed(seed)
    return {"results": give_all(folder, [_draw(**draw) for draw in plan]), "state": _state(folder)}


def _give_items(folder: str, items: list[Any]) -> dict[str, Any]:
    labelled = isinstance(items[0], tuple)
    inputs: dict[str, list[np.ndarray]] = {}
    for item in items:
        x = item[0] if labelled else item
        for name, part in (x if isinstance(x, dict) else {"x": x}).items():
            inputs.setdefault(name, []).append(part)
    return {
        "inputs": {name: give(f"{folder}/{name}.npy", np.stack(parts)) for name, parts in inputs.items()},
        "y": give(f"{folder}/y.npy", np.array([y for _, y in items], np.int64)) if labelled else None,
        "state": _state(folder),
    }


def _split_options(task: str, options: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """The positional arguments after the frame size, and the rest."""
    rest = dict(options)
    return [rest.pop(name) for name in ("context_size", "ns") if task == "cpc"], rest


def frames(
    folder: str,
    task: str,
    db_dir: str,
    patient_ids: list[int],
    frame_size: int,
    options: dict[str, Any],
    seed: int,
    count: int,
) -> dict[str, Any]:
    """Items of `pretraining.datasets.<task>_generator`."""
    from pretraining import datasets

    extra, rest = _split_options(task, options)
    np.random.seed(seed)
    items = getattr(datasets, f"{task}_generator")(db_dir, patient_ids, frame_size, *extra, **rest)
    return _give_items(folder, list(islice(items, count)))


def raw_frames(
    folder: str,
    generator: str,
    db_dir: str,
    patient_ids: list[int],
    unzipped: bool,
    options: dict[str, Any],
    seed: int,
    count: int,
    buffer: int | None,
) -> dict[str, Any]:
    """Items of `icentia11k.<generator>` over one pass of the patients in their order."""
    from transplant.datasets import icentia11k
    from transplant.utils import buffered_generator

    np.random.seed(seed)
    patients_in_order = icentia11k.uniform_patient_generator(
        db_dir, patient_ids, repeat=False, shuffle=False, unzipped=unzipped
    )
    source = patients_in_order if buffer is None else buffered_generator(patients_in_order, buffer)
    return _give_items(folder, list(islice(getattr(icentia11k, generator)(source, **options), count)))


def batches(
    folder: str,
    task: str,
    db_dir: str,
    patient_ids: list[int],
    frame_size: int,
    options: dict[str, Any],
    seed: int,
    batches: int,
    batch_size: int,
) -> dict[str, Any]:
    """Batches of `pretraining.datasets.<task>_dataset`, joined."""
    from pretraining import datasets

    extra, rest = _split_options(task, options)
    np.random.seed(seed)
    data = getattr(datasets, f"{task}_dataset")(db_dir, patient_ids, frame_size, *extra, **rest)
    inputs: dict[str, list[np.ndarray]] = {}
    codes: list[np.ndarray] = []
    for x, y in data.batch(batch_size).take(batches).as_numpy_iterator():
        for name, part in (x if isinstance(x, dict) else {"x": x}).items():
            inputs.setdefault(name, []).append(part)
        codes.append(y)
    return {
        "inputs": {name: give(f"{folder}/{name}.npy", np.concatenate(parts)) for name, parts in inputs.items()},
        "y": give(f"{folder}/y.npy", np.concatenate(codes)),
    }


def patients(
    folder: str,
    generator: str,
    db_dir: str,
    patient_ids: list[int],
    options: dict[str, Any],
    seed: int,
    count: int,
) -> dict[str, Any]:
    """Ids in the order of `icentia11k.<generator>_patient_generator`."""
    from transplant.datasets import icentia11k

    np.random.seed(seed)
    items = getattr(icentia11k, f"{generator}_patient_generator")(db_dir, patient_ids, **options)
    ids = [int(patient_id) for patient_id, _ in islice(items, count)]
    return {"ids": give(f"{folder}/ids.npy", np.array(ids, np.int64)), "state": _state(folder)}


def labels(folder: str, positions: str, codes: str, frames: str) -> dict[str, str]:
    """Labels of frames by the original's rules, over one set of marks."""
    from transplant.datasets import icentia11k as ic

    marks, kinds = take(positions), take(codes)
    found: dict[str, list[Any]] = {}
    for start, end in take(frames):
        durations, rhythms = ic.get_rhythm_durations(marks, kinds, start, end)
        ends, beats = ic.get_complete_beats(marks, kinds, start, end)
        for name, value in {
            "rhythm": [ic.get_rhythm_label(durations, rhythms)],
            "beat": [ic.get_beat_label(beats)],
            "heart_rate": [ic.get_heart_rate_label(ends, 250)],
            "durations": durations,
            "rhythms": rhythms,
            "ends": ends,
            "beats": beats,
        }.items():
            found.setdefault(name, []).append(np.asarray(value, np.int64))
    return {name: give(f"{folder}/{name}.npy", np.concatenate(parts)) for name, parts in found.items()}
