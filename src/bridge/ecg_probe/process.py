"""The process itself: which original it serves, and what it runs on."""

from __future__ import annotations

import gc
import os
import platform
import sys
from pathlib import Path
from typing import Any

from ecg_probe import checkout, guard

__all__ = ["echo", "facts", "open", "pid"]

_exchange: Path | None = None
# The variables of GPU parity mode, see gpu.ts.
_PARITY = ("NVIDIA_TF32_OVERRIDE", "TF_DETERMINISTIC_OPS", "TF_FORCE_GPU_ALLOW_GROWTH")


def open(original: str, exchange: str) -> None:
    """Makes the packages of the original importable and stores the folder for arrays."""
    global _exchange
    if not (Path(original) / "transplant").is_dir():
        raise FileNotFoundError(f"{original} holds no package 'transplant'")
    guard.install()
    checkout.install(original)
    _exchange = Path(exchange)


def exchange() -> Path:
    """Returns the folder for arrays."""
    if _exchange is None:
        raise RuntimeError("the session is not open")
    return _exchange


def echo(value: Any) -> Any:
    """Returns its argument, for testing the round trip."""
    return value


def pid() -> int:
    """Process id of the Python side."""
    return os.getpid()


def _keras_version(tf: Any) -> str:
    if hasattr(tf.keras, "__version__"):
        return tf.keras.__version__
    import tf_keras  # With TF_USE_LEGACY_KERAS=1, tf.keras does not report its version.

    return tf_keras.__version__


def facts() -> dict[str, Any]:
    """Versions and libraries of this process. Imports the libraries."""
    import h5py
    import numpy as np
    import pandas as pd
    import samplerate
    import sklearn
    import tensorflow as tf
    import wfdb

    tf.constant(0.0)
    if gc.get_freeze_count() == 0:
        # Every collection would go through what the libraries have made, for 0.4 s.
        gc.collect()
        gc.freeze()
    mapped = sorted(
        {
            line.split(maxsplit=5)[5].strip()
            for line in Path("/proc/self/maps").read_text().splitlines()
            if "libtensorflow_cc" in line
        }
        if Path("/proc/self/maps").exists()
        else []
    )
    return {
        "python": platform.python_version(),
        "executable": sys.executable,
        "tensorflow": tf.__version__,
        "keras": _keras_version(tf),
        "numpy": np.__version__,
        "pandas": pd.__version__,
        "sklearn": sklearn.__version__,
        "wfdb": wfdb.__version__,
        "samplerate": samplerate.__version__,
        "h5py": h5py.__version__,
        "library": mapped,
        "onednn": os.environ.get("TF_ENABLE_ONEDNN_OPTS", "1") != "0",
        "parity": {name: os.environ[name] for name in _PARITY if name in os.environ},
        "gpus": [device.name for device in tf.config.list_physical_devices("GPU")],
    }
