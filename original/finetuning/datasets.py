"""Data sets for finetuning: whole records, normalised, resampled, padded."""

import functools
from collections.abc import Sequence
from os import PathLike
from typing import Any, Callable, Optional, Union

import numpy as np
import pandas as pd
import wfdb

from transplant.datasets import physionet
from transplant.utils import pad_sequences

PathName = Union[str, PathLike]
DataSet = dict[str, Any]


def get_challenge17_data(
    db_dir: PathName,
    fs: Optional[float] = None,
    pad: Optional[Union[int, str]] = None,
    normalize: bool = False,
    verbose: bool = False,
) -> DataSet:
    """Prepare Challenge 2017: one lead, 300 Hz, four exclusive classes.

    Args:
        db_dir: folder of the collection.
        fs: sampling rate to resample to, in Hz; as recorded if None.
        pad: samples to pad (in front) or cut to, ``'max'`` for the longest record; None requires equal lengths.
        normalize: apply mean and standard deviation of the collection, before anything else.
        verbose: show progress bars.

    Returns:
        ``x`` of shape ``(records, samples, leads)``, float32 if the first record was resampled, else float64 (Quirk
        Q34); ``y`` ``(records, classes)``, bool; ``record_ids``; ``classes``.

    Raises:
        ValueError: the collection cannot be read, or lengths differ without ``pad`` (Quirk Q34).
    """
    records, labels = physionet.read_challenge17_data(db_dir, verbose=verbose)
    normalize_fn = _in_place(physionet.normalize_challenge17) if normalize else None
    return _prepare_data(records, labels, normalize_fn, fs, pad, verbose)


def get_challenge20_data(
    db_dir: PathName,
    fs: Optional[float] = None,
    pad: Optional[Union[int, str]] = None,
    normalize: bool = False,
    verbose: bool = False,
) -> DataSet:
    """Prepare the CPSC 2018 part of Challenge 2020: twelve leads, 500 Hz, multi-label, ``y`` int64.

    See :func:`get_challenge17_data` for arguments, result and errors.
    """
    records, labels = physionet.read_challenge20_data(db_dir, verbose=verbose)
    normalize_fn = _in_place(physionet.normalize_challenge20) if normalize else None
    return _prepare_data(records, labels, normalize_fn, fs, pad, verbose)


def get_ptb_xl_data(
    db_dir: PathName,
    fs: Optional[float] = None,
    pad: Optional[Union[int, str]] = None,
    normalize: bool = False,
    category: str = "rhythm",
    folds: Optional[Sequence[int]] = None,
    verbose: bool = False,
) -> DataSet:
    """Prepare PTB-XL at 500 Hz without unlabelled records: twelve leads, multi-label, ``y`` int32.

    See :func:`get_challenge17_data` for arguments, result and errors, and
    :func:`transplant.datasets.physionet.read_ptb_xl_data` for ``category`` and ``folds``.
    """
    records, labels = physionet.read_ptb_xl_data(
        db_dir, fs="hr", category=category, remove_empty=True, folds=folds, verbose=verbose
    )
    normalize_fn = _in_place(physionet.normalize_ptb_xl) if normalize else None
    return _prepare_data(records, labels, normalize_fn, fs, pad, verbose)


def _in_place(normalize: Callable[..., np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    """Quirk Q33: resampling reads p_signal again, so normalisation must change the records in place."""
    return functools.partial(normalize, inplace=True)


def _prepare_data(
    records: Sequence[wfdb.Record],
    labels: pd.DataFrame,
    normalize_fn: Optional[Callable[[np.ndarray], np.ndarray]] = None,
    fs: Optional[float] = None,
    pad: Optional[Union[int, str]] = None,
    verbose: bool = False,
) -> DataSet:
    return {
        "x": _transform_records(records, fs=fs, pad=pad, normalize=normalize_fn, verbose=verbose),
        "y": labels.values,
        "record_ids": labels.index.values,
        "classes": labels.columns.values,
    }


def _transform_records(
    records: Sequence[wfdb.Record],
    fs: Optional[float] = None,
    pad: Optional[Union[int, str]] = None,
    normalize: Optional[Callable[[np.ndarray], np.ndarray]] = None,
    verbose: bool = False,
) -> np.ndarray:
    # Quirk Q33: with `fs`, the result of `normalize` is lost, unless it changes the records in place.
    if normalize:
        signals = [normalize(record.p_signal) for record in records]
    else:
        signals = [record.p_signal for record in records]
    if fs:
        signals = physionet.resample_records(records, fs, verbose=verbose)
    if pad:
        signals = pad_sequences(signals, max_len=None if pad == "max" else pad, padding="pre")
    return np.asarray(signals)
