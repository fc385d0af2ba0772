"""Helpers for arrays, prediction tables and pickled data files."""

import gzip
import math
import pickle
from collections.abc import Iterable, Iterator, Sequence
from os import PathLike
from typing import Any, Optional, Union

import numpy as np
import pandas as pd

_CLASS_PREFIX_LENGTH = len("prob_")


def pad_sequences(x: Sequence[np.ndarray], max_len: Optional[int] = None, padding: str = "pre") -> np.ndarray:
    """Pad or cut sequences to one length and stack them.

    Args:
        x: sequences of shapes ``(length_i, ...)``; the first one determines dtype and trailing shape.
        max_len: length of the result; the longest sequence if None.
        padding: ``'pre'`` adds zeros or cuts at the beginning, ``'post'`` at the end.

    Returns:
        Array of shape ``(len(x), max_len, ...)``.

    Raises:
        ValueError: no sequences, unknown ``padding``, or a sequence that does not fit.
    """
    if max_len is None:
        max_len = max(len(sequence) for sequence in x)
    first = x[0]
    padded = np.zeros((len(x), max_len) + first.shape[1:], dtype=first.dtype)
    for row, sequence in zip(padded, x):
        kept = min(max_len, len(sequence))
        if padding == "pre":
            # Quirk Q1: with kept = 0 both slices mean "everything", so an empty sequence raises a ValueError
            row[-kept:] = sequence[-kept:]
        elif padding == "post":
            row[:kept] = sequence[:kept]
        else:
            raise ValueError(f"padding must be 'pre' or 'post', got {padding!r}")
    return padded


def create_predictions_frame(
    y_prob: np.ndarray,
    y_true: Optional[np.ndarray] = None,
    y_pred: Optional[np.ndarray] = None,
    class_names: Optional[Sequence[Any]] = None,
    record_ids: Optional[Sequence[Any]] = None,
) -> pd.DataFrame:
    """Arrange predictions as a table, one record per row.

    Args:
        y_prob: probabilities ``(records, classes)``, or ``(records,)`` of the second of two classes.
        y_true: truth of the same shape, or class indices ``(records,)``.
        y_pred: decisions of the same shape as ``y_prob``.
        class_names: one name per class; ``0 ... classes - 1`` if None.
        record_ids: one id per record.

    Returns:
        Columns ``record_name``, ``true_<class>``, ``prob_<class>``, ``pred_<class>``, as given, in this order.

    Raises:
        ValueError: shapes, class indices or numbers of names disagree.
        IndexError: a ``(1, 1)`` ``y_prob``, or whole class indices of floating point.
    """
    # Quirk Q2: one record with C classes is squeezed to a vector and treated as C records of a binary problem
    y_prob = _as_two_columns(np.squeeze(y_prob))
    num_classes = y_prob.shape[1]
    if class_names is None:
        class_names = range(num_classes)
    elif len(class_names) != num_classes:
        raise ValueError(f"expected {num_classes} class names, one per column of y_prob, got {len(class_names)}")

    # Quirk Q61: if several classes have the same name, the last one fills all their columns
    content: dict[str, np.ndarray] = {}

    def add(prefix: str, values: np.ndarray) -> list[str]:
        if values.shape != y_prob.shape:
            raise ValueError(f"y_{prefix} has shape {values.shape}, expected {y_prob.shape}, the shape of y_prob")
        names = [f"{prefix}_{name}" for name in class_names]
        content.update({name: values[:, index] for index, name in enumerate(names)})
        return names

    columns = add("prob", y_prob)
    if y_pred is not None:
        columns += add("pred", _as_two_columns(np.squeeze(y_pred)))
    if y_true is not None:
        y_true = np.squeeze(y_true)
        if y_true.ndim == 1:
            foreign = np.setdiff1d(y_true, range(num_classes))
            if foreign.size > 0:
                raise ValueError(f"class indices in y_true must be 0 ... {num_classes - 1}, got {foreign}")
            y_true = np.eye(num_classes)[y_true]
        # Quirk Q3: two-dimensional truth keeps its dtype, which determines its text: True, 1 or 1.0
        columns = add("true", y_true) + columns
    frame = pd.DataFrame(content, columns=columns)
    if record_ids is not None:
        frame.insert(0, "record_name", record_ids)
    return frame


def read_predictions(file: Union[str, PathLike]) -> dict[str, Any]:
    """Read a table written by :func:`create_predictions_frame`.

    Args:
        file: CSV file.

    Returns:
        ``classes``, the class names as strings, and ``y_true``, ``y_pred``, ``y_prob`` if the file has them, each of
        shape ``(records, classes)``. Truth is bool, int64 or float64 according to its text.
    """
    frame = pd.read_csv(file)
    # Quirk Q4: every column that starts with "prob" names a class, with or without the underscore
    classes = [column[_CLASS_PREFIX_LENGTH:] for column in frame.columns if column.startswith("prob")]
    predictions: dict[str, Any] = {}
    for prefix in ("true", "pred", "prob"):
        columns = [f"{prefix}_{name}" for name in classes if f"{prefix}_{name}" in frame.columns]
        if columns:
            predictions[f"y_{prefix}"] = frame[columns].values
    predictions["classes"] = classes
    return predictions


def matches_spec(o: Any, spec: Any, ignore_batch_dim: bool = False) -> Optional[bool]:
    """Tell whether shapes and dtypes of arrays match a specification.

    Args:
        o: array, or list, tuple or dict of arrays.
        spec: ``tf.TensorSpec``, or list, tuple or dict of them, nested like ``o``.
        ignore_batch_dim: do not compare the first axis.

    Returns:
        True or False; None for an empty dict (Quirk Q5).

    Raises:
        ValueError: the nesting of ``o`` and ``spec`` differs.
    """
    if isinstance(spec, (list, tuple)):
        if not isinstance(o, (list, tuple)):
            raise ValueError(f"expected a list or tuple of {len(spec)}, got {type(o).__name__}")
        if len(o) != len(spec):
            raise ValueError(f"expected {len(spec)} elements, got {len(o)}")
        return all(matches_spec(part, part_spec, ignore_batch_dim) for part, part_spec in zip(o, spec))
    if isinstance(spec, dict):
        if not isinstance(o, dict):
            raise ValueError(f"expected a dict with the keys {sorted(spec)}, got {type(o).__name__}")
        if o.keys() != spec.keys():
            raise ValueError(f"expected a dict with the keys {sorted(spec)}, got {sorted(o)}")
        # Quirk Q5: only the first key is compared
        for key in spec:
            return matches_spec(o[key], spec[key], ignore_batch_dim)
        return None
    first_axis = 1 if ignore_batch_dim else 0
    return bool(spec.shape[first_axis:] == o.shape[first_axis:] and spec.dtype == o.dtype)


def running_mean_std(iterator: Iterable[np.ndarray], dtype: Any = None) -> tuple[float, float]:
    """Compute mean and population standard deviation over all elements of several arrays.

    Args:
        iterator: arrays of any shapes.
        dtype: dtype of the sums; None adds each array in its own dtype and the arrays in float64. Squares are computed
            in the dtype of the array, so those of small integers and float16 can overflow (Quirk Q6).

    Returns:
        ``(mean, std)``; both NaN if there are no elements.

    Raises:
        ValueError: rounding made the variance negative.
    """
    total = np.zeros((), dtype=dtype)
    total_of_squares = np.zeros((), dtype=dtype)
    count = 0
    for x in iterator:
        total += np.sum(x, dtype=dtype)
        total_of_squares += np.sum(x**2, dtype=dtype)
        count += x.size
    with np.errstate(invalid="ignore"):
        mean = total / count
        variance = total_of_squares / count - mean**2
    # Quirk Q6: the original uses np.math.sqrt, an alias that NumPy 2 removed
    return mean, math.sqrt(variance)


def buffered_generator(generator: Iterator[Any], buffer_size: int) -> Iterator[list[Any]]:
    """Yield the last ``buffer_size`` items, as a new list per item once the first list is full.

    If the source has fewer items, yield one short list.

    Args:
        generator: an iterator. Quirk Q7: a list or range starts over after the first full list.
        buffer_size: items per list. Quirk Q7: with 0, the first list is the whole source.

    Yields:
        Lists of items, oldest first.
    """
    buffer: list[Any] = []
    for item in generator:
        buffer.append(item)
        if len(buffer) == buffer_size:
            break
    yield buffer
    for item in generator:
        buffer = buffer[1:] + [item]
        yield buffer


def load_pkl(file: Union[str, PathLike], compress: bool = True) -> Any:
    """Return the object pickled in a file, which is gzipped if ``compress``, whatever its extension."""
    with _open(file, "rb", compress) as stream:
        return pickle.load(stream)


def save_pkl(file: Union[str, PathLike], compress: bool = True, **kwargs: Any) -> None:
    """Pickle the dict of the keyword arguments (protocol 4), gzipped if ``compress``, whatever the extension."""
    with _open(file, "wb", compress) as stream:
        pickle.dump(kwargs, stream, protocol=4)


def is_multiclass(labels: np.ndarray) -> bool:
    """Tell whether labels are multi-label: ``(samples, classes)`` with a row that does not sum to 1.

    Quirk Q8: despite the name, mutually exclusive classes give False, and a single row without labels gives True.
    """
    return labels.squeeze().ndim == 2 and any(total != 1 for total in labels.sum(axis=1))


def _as_two_columns(values: np.ndarray) -> np.ndarray:
    return np.stack([1 - values, values], axis=1) if values.ndim == 1 else values


def _open(file: Union[str, PathLike], mode: str, compress: bool) -> Any:
    return gzip.open(file, mode) if compress else open(file, mode)
