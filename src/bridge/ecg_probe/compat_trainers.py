"""Shims around the trainers, while one runs."""

from __future__ import annotations

import functools
import importlib.util
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from ecg_probe.compat import acted


@contextmanager
def bridged(module: str, argv: Sequence[str]) -> Iterator[None]:
    """Lets a trainer run as a script with these arguments: Q21, Q49."""
    import finetuning.utils
    from transplant.datasets import icentia11k

    with ExitStack() as stack:
        split = _without_strata(finetuning.utils.train_test_split)
        stack.enter_context(patch.object(finetuning.utils, "train_test_split", split))
        patients = _patients(module, argv)
        if patients is not None:
            acted("Q21")
            stack.enter_context(patch.object(icentia11k, "ds_patient_ids", patients))
        yield


def _without_strata(split: Any) -> Any:
    """Q49: upstream treats each distinct row of labels as a class, and the split fails if one occurs only once."""
    from transplant.utils import is_multiclass

    @functools.wraps(split)
    def unstratified(data_set: Any, **options: Any) -> Any:
        if options.get("stratify") is not None and is_multiclass(options["stratify"]):
            acted("Q49")
            options["stratify"] = None
        return split(data_set, **options)

    return unstratified


def _patients(module: str, argv: Sequence[str]) -> np.ndarray | None:
    """Q21: adds `--patients` (`0-19,25`, or a file with such text) to a trainer that lacks this option."""
    if module != "pretraining.trainer" or "--patients" not in argv:
        return None
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None or re.search(r"[\"']--patients[\"']", Path(spec.origin).read_text()):
        return None
    text = argv[list(argv).index("--patients") + 1]
    if not re.fullmatch(r"[0-9,\s-]*", text):
        text = Path(text).read_text()
    ranges = [part.partition("-") for part in text.replace(",", " ").split()]
    return np.unique(np.concatenate([np.arange(int(first), int(last or first) + 1) for first, _, last in ranges]))
