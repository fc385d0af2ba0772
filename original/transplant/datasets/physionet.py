"""Readers of the PhysioNet collections: Challenge 2017, Challenge 2020 (CPSC 2018 part) and PTB-XL."""

import ast
import os
from collections.abc import Sequence
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
    """
    _require_dir(db_dir)
    names = pd.read_csv(_require_file(db_dir, "RECORDS"), names=["record_name"], dtype=str)
    reference = pd.read_csv(_require_file(db_dir, "REFERENCE.csv"), names=["record_name", "label"], dtype=str)
    labelled = names.merge(reference, on="record_name", how="inner").set_index("record_name")
    # Quirk Q27: pandas 2 returns booleans; older versions returned bytes of 0 and 1
    labels = pd.get_dummies(labelled["label"])
    return _read_records(db_dir, labels.index, verbose), labels


def read_challenge20_data(db_dir: PathName, verbose: bool = False) -> tuple[Records, pd.DataFrame]:
    """Read records in the form of Challenge 2020: labels are SNOMED codes in the ``Dx:`` comment of each header.

    Quirk Q28: every record must have exactly one such comment, else labels shift or their number is wrong.

    Args:
        db_dir: folder whose ``*.mat`` files are the records, read in the order of their names (Quirk Q28: the
            original takes them as the folder lists them).
        verbose: show a progress bar.

    Returns:
        Records with ``p_signal`` float64 ``(samples, leads)`` in mV; and their labels, int64, one column per code that
        occurs, sorted as text, indexed by record name.

    Raises:
        ValueError: no such folder, or not one ``Dx:`` comment per record.
    """
    _require_dir(db_dir)
    names = [stem for stem, extension in map(os.path.splitext, sorted(os.listdir(db_dir))) if extension == ".mat"]
    records = _read_records(db_dir, names, verbose)
    codes = [_diagnosis_codes(comment) for record in records for comment in record.comments if "Dx:" in comment]
    binarizer = MultiLabelBinarizer()
    labels = pd.DataFrame(binarizer.fit_transform(codes), index=names, columns=binarizer.classes_)
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
        folds: keep only these ``strat_fold``; all if empty or None.
        verbose: show a progress bar.

    Returns:
        Records with ``p_signal`` float64 ``(samples, 12)`` in mV and ``record_name`` the integer ECG id; and their
        labels, int32, one column per class in the order of ``scp_statements.csv``, indexed by ``ecg_id``. Quirk Q56:
        a statement of likelihood 0 counts as present.

    Raises:
        ValueError: unknown ``fs``, no such folder, or a missing CSV file.
    """
    if fs not in ("lr", "hr"):
        raise ValueError(f"fs must be 'lr' (100 Hz) or 'hr' (500 Hz), got {fs!r}")
    _require_dir(db_dir)
    database = pd.read_csv(_require_file(db_dir, "ptbxl_database.csv"), index_col="ecg_id")
    statements = pd.read_csv(_require_file(db_dir, "scp_statements.csv"), index_col=0)
    if folds is not None and len(folds) > 0:
        database = database[database["strat_fold"].isin(folds)]
    classes = statements.index[statements[category] == 1]
    matrix = np.zeros((len(database), len(classes)), dtype=np.int32)
    for row, text in enumerate(database["scp_codes"]):
        matrix[row] = classes.isin(ast.literal_eval(text).keys())
    labels = pd.DataFrame(matrix, index=database.index, columns=classes.values)
    if remove_empty:
        labels = labels[labels.any(axis=1)]
    records = _read_records(db_dir, database.loc[labels.index, f"filename_{fs}"], verbose)
    for record, ecg_id in zip(records, labels.index):
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


def _read_records(db_dir: PathName, names: Sequence[str], verbose: bool) -> Records:
    return [
        wfdb.rdrecord(os.path.join(db_dir, name)) for name in tqdm(names, desc="reading records", disable=not verbose)
    ]


def _diagnosis_codes(comment: str) -> list[str]:
    _, _, codes = comment.partition("Dx:")
    return [code.strip() for code in codes.split(",")]


def _require_dir(db_dir: PathName) -> None:
    if not os.path.isdir(db_dir):
        raise ValueError(f"{db_dir} is not a folder")


def _require_file(db_dir: PathName, name: str) -> str:
    file = os.path.join(db_dir, name)
    if not os.path.isfile(file):
        raise ValueError(f"{name} is missing in {db_dir}")
    return file
