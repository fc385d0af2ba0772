"""Reading, preparation and splits of data sets by the original."""

from __future__ import annotations

import functools
import runpy
import sys
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np

from ecg_probe.arrays import give, give_all, take, take_all
from ecg_probe.compat_trainers import bridged

__all__ = [
    "apply",
    "constants",
    "cpsc2018",
    "fit_data",
    "load",
    "optimizer_settings",
    "outcomes",
    "patient_ids",
    "patient_labels",
    "patient_signal",
    "prepare",
    "records",
    "split",
    "split_numbers",
    "wfdb_annotation",
    "wfdb_header",
]


def _plain(name: Any) -> str | int:
    return int(name) if isinstance(name, (int, np.integer)) else str(name)


def _describe(folder: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "x": give(f"{folder}/x.npy", data["x"]),
        "y": give(f"{folder}/y.npy", data["y"]),
        "recordIds": [_plain(name) for name in data["record_ids"]],
        "classes": [str(name) for name in data["classes"]],
    }


def prepare(
    folder: str, collection: str, db_dir: str, options: dict[str, Any], save: str | None = None
) -> dict[str, Any]:
    """`finetuning.datasets.get_<collection>_data`, also written by `save_pkl` if `save` names a file."""
    from finetuning import datasets
    from transplant.utils import save_pkl

    data = getattr(datasets, f"get_{collection}_data")(db_dir, **options)
    if save is not None:
        save_pkl(save, **data)
    return _describe(folder, data)


def wfdb_annotation(path: str, extension: str) -> dict[str, Any]:
    """`wfdb.rdann`, its fields under the names of the port."""
    import wfdb

    found = wfdb.rdann(path, extension)
    numbers = {name: getattr(found, name).tolist() for name in ("sample", "subtype", "chan", "num")}
    return {**numbers, "symbol": list(found.symbol), "auxNote": list(found.aux_note), "fs": found.fs}


def wfdb_header(path: str) -> dict[str, Any]:
    """`wfdb.rdheader`, its fields under the names of the port."""
    import wfdb

    header = wfdb.rdheader(path)
    names = {
        "fileName": "file_name",
        "fmt": "fmt",
        "samplesPerFrame": "samps_per_frame",
        "skew": "skew",
        "byteOffset": "byte_offset",
        "adcGain": "adc_gain",
        "baseline": "baseline",
        "units": "units",
        "adcResolution": "adc_res",
        "adcZero": "adc_zero",
        "initialValue": "init_value",
        "checksum": "checksum",
        "blockSize": "block_size",
        "name": "sig_name",
    }
    return {
        "recordName": header.record_name,
        "fs": header.fs,
        "signalLength": header.sig_len,
        "baseTime": str(header.base_time),
        "baseDate": header.base_date.strftime("%d/%m/%Y"),
        "signals": [{ours: getattr(header, theirs)[i] for ours, theirs in names.items()} for i in range(header.n_sig)],
        "comments": header.comments,
    }


def records(folder: str, collection: str, db_dir: str, options: dict[str, Any]) -> dict[str, Any]:
    """`transplant.datasets.physionet.read_<collection>_data`."""
    from transplant.datasets import physionet

    found, labels = getattr(physionet, f"read_{collection}_data")(db_dir, **options)
    return {
        "signals": give_all(folder, [record.p_signal for record in found]),
        "rates": [float(record.fs) for record in found],
        "names": [_plain(record.record_name) for record in found],
        "index": [_plain(name) for name in labels.index],
        "columns": [str(name) for name in labels.columns],
        "values": give(f"{folder}/values.npy", labels.values),
    }


def outcomes(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Calls of readers of collections: names of records and classes, or the built-in class of what each raised."""
    from finetuning import datasets
    from transplant.datasets import physionet

    found: list[dict[str, Any]] = []
    for call in calls:
        name = call["function"]
        try:
            if name.startswith("read_"):
                _, labels = getattr(physionet, name)(call["db_dir"], **call["options"])
                index, columns = labels.index, labels.columns
            else:
                data = getattr(datasets, name)(call["db_dir"], **call["options"])
                index, columns = data["record_ids"], data["classes"]
            found.append({"index": [_plain(each) for each in index], "columns": [str(each) for each in columns]})
        except Exception as error:  # The class of the exception is the result.
            # Libraries raise subclasses, such as ParserError, which callers catch as ValueError.
            bases = (base.__name__ for base in type(error).__mro__ if base.__module__ == "builtins")
            found.append({"error": next(bases)})
    return found


def apply(folder: str, name: str, arrays: list[str], options: dict[str, Any]) -> list[str]:
    """A function over arrays, by the name of its module and its own."""
    from transplant import utils
    from transplant.datasets import icentia11k, physionet

    given = take_all(arrays)
    if name == "pad_sequences":
        results = [utils.pad_sequences(given, **options)]
    elif name == "running_mean_std":
        results = [np.array(utils.running_mean_std(iter(given), **options), dtype=np.float64)]
    elif name == "is_multiclass":
        results = [np.array([utils.is_multiclass(array) for array in given])]
    elif name == "icentia11k.normalize":
        results = [icentia11k.normalize(array, **options) for array in given]
    elif name in ("physionet.normalize_challenge17", "physionet.normalize_challenge20", "physionet.normalize_ptb_xl"):
        results = [getattr(physionet, name.partition(".")[2])(array, **options) for array in given]
    elif name == "physionet.resample_records":
        rate = options["rate"]
        records = [SimpleNamespace(p_signal=array, fs=rate) for array in given]
        results = physionet.resample_records(records, options["fs"])
    else:
        raise AttributeError(f"{name} is not served")
    return give_all(folder, results)


def constants() -> dict[str, Any]:
    """Numbers and names that the data set modules define."""
    from transplant.datasets import icentia11k, physionet

    def numbers(value: Any) -> list[float]:
        return [float(number) for number in np.ravel(value)]

    sizes = ("ds_segment_size", "ds_frame_size", "ds_patient_ids", "ds_sampling_rate", "ds_mean", "ds_std")
    sets = ("challenge17", "challenge20", "ptb_xl")
    names = ("ds_beat_names", "ds_rhythm_names", "ds_hr_names")
    return {
        "numbers": {
            **{name: numbers(getattr(icentia11k, name)) for name in sizes},
            **{
                f"{name}_{what}": numbers(getattr(physionet, f"{name}_{what}"))
                for name in sets
                for what in ("mean", "std")
            },
        },
        "names": {name: {str(code): text for code, text in getattr(icentia11k, name).items()} for name in names},
    }


def split(folder: str, file: str, test_size: float, seed: int, train: str, test: str, stratify: bool) -> dict[str, Any]:
    """Seeded `train_test_split` of a prepared file, by the rows of `y` if stratified; both parts saved."""
    from finetuning.utils import train_test_split
    from transplant.utils import load_pkl, save_pkl

    data = load_pkl(file)
    np.random.seed(seed)
    parts = train_test_split(data, test_size=test_size, stratify=data["y"] if stratify else None)
    for path, part in zip((train, test), parts):
        save_pkl(path, **part)
    return {name: _describe(f"{folder}/{name}", part) for name, part in zip(("train", "test"), parts)}


def split_numbers(folder: str, count: int, options: dict[str, Any], stratify: str | None) -> list[str]:
    """`finetuning.utils.train_test_split` of numbered records: the numbers of both parts and the next draw."""
    from finetuning.utils import train_test_split

    options = dict(options)
    numbers = np.arange(count)
    data = {"x": numbers, "y": numbers, "record_ids": numbers, "classes": numbers[:1]}
    np.random.seed(options.pop("seed"))
    train, test = train_test_split(data, stratify=None if stratify is None else take(stratify), **options)
    return give_all(folder, [train["x"], test["x"], np.array([np.random.random_sample()])])


def load(folder: str, file: str) -> dict[str, Any]:
    """A prepared file as `transplant.utils.load_pkl` reads it."""
    from transplant.utils import load_pkl

    return _describe(folder, load_pkl(file))


def patient_signal(folder: str, db_dir: str, patient_id: int, unzipped: bool) -> str:
    """`icentia11k.load_signal`."""
    from transplant.datasets import icentia11k

    return give(f"{folder}/signal.npy", icentia11k.load_signal(db_dir, patient_id, unzipped=unzipped))


def patient_labels(folder: str, db_dir: str, patient_id: int, unzipped: bool) -> dict[str, Any]:
    """`icentia11k.load_labels`: positions and codes of the segments in turn, and counts and durations of the codes."""
    from transplant.datasets import icentia11k

    labels = icentia11k.load_labels(db_dir, patient_id, unzipped=unzipped)
    kinds = {"btype": len(icentia11k.ds_beat_names), "rtype": len(icentia11k.ds_rhythm_names)}
    found: dict[str, Any] = {}
    for kind, codes in kinds.items():
        marks = list(labels[kind])
        parts = [np.asarray(part, np.int64) for pair in marks for part in pair]
        counts = icentia11k.count_labels(marks, codes).astype(np.int64)
        durations = icentia11k.calculate_durations(marks, codes).astype(np.int64)
        found[kind] = give_all(f"{folder}/{kind}", [*parts, counts, durations])
    return found


def cpsc2018(folder: str, files: list[str], fs: float | None, pad: int | str | None, normalize: bool) -> dict[str, Any]:
    """Recordings of CPSC 2018 as first published, read by SciPy and transformed as those of Challenge 2020."""
    import scipy.io
    from finetuning import datasets
    from transplant.datasets import physionet

    records = []
    for file in files:
        data = scipy.io.loadmat(file)["ECG"]["data"][0, 0]
        records.append(SimpleNamespace(p_signal=np.ascontiguousarray(data.T, np.float64), fs=500))
    normalizer = functools.partial(physionet.normalize_challenge20, inplace=True) if normalize else None
    return {"x": give(f"{folder}/x.npy", datasets._transform_records(records, fs=fs, pad=pad, normalize=normalizer))}


class _Reached(BaseException):
    """Raised when a trainer reaches `fit`. The trainer's own handlers must not catch it."""


def patient_ids(folder: str, text: str) -> str:
    """`pretraining.trainer.parse_patient_ids`, an addition to upstream."""
    from pretraining.trainer import parse_patient_ids

    return give(f"{folder}/ids.npy", parse_patient_ids(text))


def fit_data(
    folder: str, module: str, argv: list[str], batches: int | None, patient_ids: list[int] | None
) -> dict[str, Any]:
    """Runs `python -m <module> <argv>` up to `Model.fit` and takes what it would train on, unshuffled.

    A network of one layer stands in for the one asked for, which would take seconds to build and never be used.
    """
    handed = handed_to_fit(module, argv, patient_ids)
    taken = handed["train"] if batches is None else handed["train"].take(batches)
    val = handed["val"]
    return {
        "train": _give_batches(f"{folder}/train", taken),
        "val": None if val is None else _give_batches(f"{folder}/val", val),
    }


def optimizer_settings(module: str, argv: list[str]) -> dict[str, float]:
    """Settings of the optimiser of `python -m <module> <argv>`, by their names in Keras."""
    config = handed_to_fit(module, argv)["model"].optimizer.get_config()
    names = ("learning_rate", "beta_1", "beta_2", "epsilon")
    return {name: float(np.float32(config[name])) if name == "learning_rate" else float(config[name]) for name in names}


def handed_to_fit(module: str, argv: list[str], patient_ids: list[int] | None = None) -> dict[str, Any]:
    """What `python -m <module> <argv>` hands to `Model.fit`: training and validation data, callbacks, and the model."""
    import finetuning.utils
    import pretraining.utils
    import tensorflow as tf
    from transplant.datasets import icentia11k

    handed: dict[str, Any] = {}

    def fit(
        _self: Any, x: Any = None, *_args: Any, validation_data: Any = None, callbacks: Any = (), **_kwargs: Any
    ) -> None:
        handed.update(train=x, val=validation_data, callbacks=list(callbacks), model=_self)
        raise _Reached

    interleave = tf.data.Dataset.interleave

    def all_at_once(self: Any, *args: Any, **options: Any) -> Any:
        # Quirk Q45: by itself, TensorFlow starts only as many generators as there are cores.
        return interleave(self, *args, **{**options, "cycle_length": int(self.cardinality())})

    ids = icentia11k.ds_patient_ids if patient_ids is None else np.array(patient_ids)
    with (
        patch.object(tf.keras.Model, "fit", fit),
        patch.object(tf.data.Dataset, "shuffle", lambda self, *_args, **_kwargs: self),
        patch.object(tf.data.Dataset, "interleave", all_at_once),
        patch.object(icentia11k, "ds_patient_ids", ids),
        patch.object(finetuning.utils, "ecg_feature_extractor", lambda *_args, **_kwargs: _stand_in("finetuning")),
        patch.object(pretraining.utils, "task_solver", lambda task, *_args, **_kwargs: _stand_in(task)),
        patch.object(sys, "argv", [module, *argv]),
        bridged(module, argv),
    ):
        try:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        except _Reached:
            pass
        finally:
            tf.keras.backend.clear_session()
    if not handed:
        raise RuntimeError(f"{module} ended without calling fit")
    return handed


def _stand_in(task: str) -> Any:
    import tensorflow as tf

    class Candidates(tf.keras.Model):
        """One number for each candidate, as in contrastive predictive coding."""

        def call(self, x: Any) -> Any:
            return tf.reduce_mean(x["samples"], axis=(2, 3))

    if task == "cpc":
        return Candidates()
    layers = [tf.keras.layers.GlobalAveragePooling1D()]
    return tf.keras.Sequential(layers if task == "finetuning" else [*layers, tf.keras.layers.Dense(6)])


def _give_batches(folder: str, data: Any) -> dict[str, Any]:
    inputs: dict[str, list[np.ndarray]] = {}
    labels: list[np.ndarray] = []
    for x, y in data.as_numpy_iterator():
        for name, part in (x if isinstance(x, dict) else {"x": x}).items():
            inputs.setdefault(name, []).append(part)
        labels.append(y)
    return {
        "inputs": {name: give(f"{folder}/{name}.npy", np.concatenate(parts)) for name, parts in inputs.items()},
        "y": give(f"{folder}/y.npy", np.concatenate(labels)),
    }
