"""Readers of the PhysioNet collections: Challenge 2017, Challenge 2020 (CPSC 2018 part) and PTB-XL."""

import ast
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Optional, Union

import numpy as np
import pandas as pd
import samplerate
import wfdb
from sklearn.preprocessing import MultiLabelBinarizer
from tqdm import tqdm

# in mV, for one lead, or per lead in the order of the files
challenge17_mean = 0.0075
challenge17_std = 0.2373
challenge20_mean = [0.0] * 12
challenge20_std = [0.2137, 0.2356, 0.2205, 0.2086, 0.1962, 0.2139, 0.3359, 0.4167, 0.4489, 0.4828, 0.5230, 0.5614]
ptb_xl_mean = [-0.0018, -0.0013, 0.0005, 0.0015, -0.0011, -0.0004, 0.0002, -0.0009, -0.0015, -0.0018, -0.0012, -0.0012]
ptb_xl_std = [0.1921, 0.1677, 0.1791, 0.1454, 0.1553, 0.1500, 0.2339, 0.3384, 0.3351, 0.3101, 0.2901, 0.2464]

PathName = Union[str, os.PathLike]
Records = list[wfdb.Record]


def read_challenge17_data(db_dir: PathName, verbose: bool = False) -> tuple[Records, pd.DataFrame]:
    """Read Challenge 2017: single lead, 300 Hz.

    Args:
        db_dir: folder with ``RECORDS``, ``REFERENCE.csv`` and the records.
        verbose: show a progress bar.

    Returns:
        Records with ``p_signal`` float64 ``(samples, 1)`` in mV, in the order of ``RECORDS``, those without a label
        left out; and their labels, bool (Quirk Q27), one column per label that occurs, sorted, indexed by
        ``record_name``.

    Raises:
        ValueError: no such folder, or a missing ``RECORDS`` or ``REFERENCE.csv``.
        TypeError: ``db_dir`` is not text or a path.
        KeyError: ``REFERENCE.csv`` has three columns, or ``RECORDS`` two; with still more it is a ValueError.
    """
    folder = _require_dir(db_dir)
    names = pd.read_csv(_require_file(folder, "RECORDS"), names=["record_name"], index_col="record_name", dtype=str)
    reference = pd.read_csv(
        _require_file(folder, "REFERENCE.csv"), names=["record_name", "label"], index_col="record_name", dtype=str
    )
    labelled = names.merge(reference, on="record_name")
    # Quirk Q27: pandas 2 returns booleans; older versions returned bytes of 0 and 1
    labels = pd.get_dummies(labelled["label"])
    return _read_records(folder, labels.index, verbose), labels


def read_challenge20_data(db_dir: PathName, verbose: bool = False) -> tuple[Records, pd.DataFrame]:
    """Read records in the form of Challenge 2020: labels are SNOMED codes in the ``Dx:`` comment of each header.

    Quirk Q28: every record must have exactly one such comment, else labels shift or their number is wrong. If all
    records together have one, it holds for each of them; if they have none, there are no classes.

    Args:
        db_dir: folder whose ``*.mat`` files are the records, read in the order of their names (Quirk Q28: the
            original takes them as the folder lists them).
        verbose: show a progress bar.

    Returns:
        Records with ``p_signal`` float64 ``(samples, leads)`` in mV; and their labels, int64, one column per code that
        occurs, sorted as text, indexed by record name.

    Raises:
        ValueError: no such folder, or another number of ``Dx:`` comments than 0, 1 or that of the records.
        TypeError: ``db_dir`` is not text or a path.
    """
    folder = _require_dir(db_dir)
    names = [file.stem for file in sorted(folder.iterdir()) if file.suffix == ".mat"]
    records = _read_records(folder, names, verbose)
    codes = [_diagnosis_codes(comment) for record in records for comment in record.comments if "Dx:" in comment]
    binarizer = MultiLabelBinarizer()
    columns = binarizer.fit_transform(codes).T
    labels = pd.DataFrame(dict(zip(binarizer.classes_, columns)), index=names)
    return records, labels


def read_ptb_xl_data(
    db_dir: PathName,
    fs: str = "hr",
    category: str = "rhythm",
    remove_empty: bool = True,
    folds: Optional[Sequence[int]] = None,
    verbose: bool = False,
) -> tuple[Records, pd.DataFrame]:
    """Read PTB-XL: twelve leads, 100 or 500 Hz.

    Args:
        db_dir: folder with ``ptbxl_database.csv``, ``scp_statements.csv`` and the records.
        fs: ``'lr'`` (100 Hz) or ``'hr'`` (500 Hz).
        category: column of ``scp_statements.csv`` that marks the classes: ``diagnostic``, ``form`` or ``rhythm``.
        remove_empty: leave out records without any of the classes.
        folds: keep only these ``strat_fold``; all if empty or None. An array of several folds is a ValueError.
        verbose: show a progress bar.

    Returns:
        Records with ``p_signal`` float64 ``(samples, 12)`` in mV and ``record_name`` the integer ECG id; and their
        labels, int32, one column per class in the order of ``scp_statements.csv``, indexed by ``ecg_id``. Quirk Q56:
        a statement of likelihood 0 counts as present.

    Raises:
        ValueError: unknown ``fs``, no such folder, a missing or empty CSV file, no column ``ecg_id``, or no record left
            (unless there is exactly one class).
        AttributeError: no column ``scp_codes``; with ``folds`` no column ``strat_fold``.
        KeyError: no column ``category`` or ``filename_<fs>``.
        TypeError: ``db_dir`` is not text or a path.
    """
    if fs not in ("lr", "hr"):
        raise ValueError(f"fs must be 'lr' (100 Hz) or 'hr' (500 Hz), got {fs!r}")
    folder = _require_dir(db_dir)
    database_file = _require_file(folder, "ptbxl_database.csv")
    statements_file = _require_file(folder, "scp_statements.csv")
    database = pd.read_csv(database_file, index_col="ecg_id")
    if folds:
        database = database[database.strat_fold.isin(folds)]
    statements = pd.read_csv(statements_file, index_col=0)
    classes = statements[statements[category] == 1].index.values
    rows = [[name in present for name in classes] for present in map(ast.literal_eval, database.scp_codes)]
    labels = pd.DataFrame(np.array(rows, dtype=np.int32), index=database.index, columns=classes)
    if remove_empty:
        labels = labels[labels.any(axis=1)]
    column = "filename_" + fs
    files = database.loc[labels.index][[column]]
    records = _read_records(folder, files[column], verbose)
    for record, ecg_id in zip(records, files.index):
        record.record_name = ecg_id
    return records, labels


def resample_records(records: Sequence[wfdb.Record], fs: float, verbose: bool = False) -> list[np.ndarray]:
    """Resample whole signals with libsamplerate's best sinc converter.

    Args:
        records: records with ``p_signal`` ``(samples, leads)``.
        fs: target sampling rate in Hz.
        verbose: show a progress bar.

    Returns:
        Signals, float32 ``(new samples, leads)``. A signal that already has the target rate is returned as it is.
    """
    return [
        record.p_signal if record.fs == fs else samplerate.resample(record.p_signal, fs / record.fs, "sinc_best")
        for record in tqdm(records, desc="resampling", disable=not verbose)
    ]


def normalize_challenge17(array: np.ndarray, inplace: bool = False) -> np.ndarray:
    """Normalise a signal ``(..., 1)`` in mV by mean and standard deviation of Challenge 2017."""
    return _normalize(array, challenge17_mean, challenge17_std, inplace)


def normalize_challenge20(array: np.ndarray, inplace: bool = False) -> np.ndarray:
    """Normalise a signal ``(..., 12)`` in mV by mean and standard deviation per lead of CPSC 2018."""
    return _normalize(array, challenge20_mean, challenge20_std, inplace)


def normalize_ptb_xl(array: np.ndarray, inplace: bool = False) -> np.ndarray:
    """Normalise a signal ``(..., 12)`` in mV by mean and standard deviation per lead of PTB-XL."""
    return _normalize(array, ptb_xl_mean, ptb_xl_std, inplace)


def _normalize(array: np.ndarray, mean: Any, std: Any, inplace: bool = False) -> np.ndarray:
    """Subtract the mean and divide by the standard deviation, numbers or lists of one number per lead.

    For float32 signals, lists give a float64 result; in place, they compute in float64 and round when storing.
    """
    if inplace:
        array -= mean
        array /= std
        return array
    return (array - mean) / std


def _read_records(folder: Path, names: Iterable[str], verbose: bool) -> Records:
    # `/` raises a TypeError for a name that is not text, such as an empty field of a table.
    return [wfdb.rdrecord(str(folder / name)) for name in tqdm(names, desc="reading records", disable=not verbose)]


def _diagnosis_codes(comment: str) -> list[str]:
    _, _, codes = comment.partition("Dx:")
    return [code.strip() for code in codes.split(",")]


def _require_dir(db_dir: PathName) -> Path:
    folder = Path(db_dir)
    if not folder.is_dir():
        raise ValueError(f"{folder} is not a folder")
    return folder


def _require_file(folder: Path, name: str) -> Path:
    file = folder / name
    if not file.is_file():
        raise ValueError(f"{name} is missing in {folder}")
    return file
