"""Entry point of the Python side of the bridge: `request` runs a served call and answers in JSON.

What this process prints goes to the file named by `ECG_BRIDGE_LOG`. It ends as soon as its parent is gone.
"""

from __future__ import annotations

import atexit
import ctypes
import importlib
import json
import math
import os
import shutil
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

_log = os.open(os.environ["ECG_BRIDGE_LOG"], os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
os.dup2(_log, 1)
os.dup2(_log, 2)
for _name in ("SIGINT", "SIGHUP"):  # The parent handles Ctrl-C and a closed terminal.
    if hasattr(signal, _name):
        signal.signal(getattr(signal, _name), signal.SIG_IGN)


_exchange = Path(os.environ["ECG_BRIDGE_LOG"]).parent


def _clean() -> None:
    shutil.rmtree(_exchange, ignore_errors=True)


def _end(*_: Any) -> None:
    _clean()
    os._exit(1)


def _watch_parent(parent: int) -> None:
    """Ends the process once its parent has ended, even if the main thread is busy."""
    while os.getppid() == parent:
        time.sleep(0.5)
    _end()


atexit.register(_clean)  # pythonia's loop ends when its channel closes.
threading.Thread(target=_watch_parent, args=(os.getppid(),), daemon=True).start()
signal.signal(signal.SIGTERM, _end)


def _end_with_parent(how: int) -> None:
    """Lets the kernel signal the end of the parent: faster than the watcher, which forked processes do not have."""
    if sys.platform == "linux":
        _libc.prctl(1, how)


def _after_fork() -> None:
    signal.signal(
        signal.SIGTERM, signal.SIG_DFL
    )  # A pool ends its workers with SIGTERM; they must not remove the folder.
    _end_with_parent(signal.SIGKILL)


_libc = ctypes.CDLL(None) if sys.platform != "win32" else None
_end_with_parent(signal.SIGTERM)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _encode(value: Any) -> Any:
    """Replaces non-finite floats by marks that the other side reads back. Refuses arrays."""
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"}
    if isinstance(value, dict):
        return {str(key): _encode(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_encode(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"{type(value).__name__} may not cross as text")


def _decode(item: dict[str, Any]) -> Any:
    return float(item["$float"]) if set(item) == {"$float"} else item


def request(name: str, args: str) -> str:
    """Runs `ecg_probe.<module>.<function>` (`name` is "module.function" or a function of `ecg_probe.process`)."""
    try:
        module, _, function = name.rpartition(".")
        served = importlib.import_module(f"ecg_probe.{module or 'process'}")
        if function not in served.__all__:
            raise AttributeError(f"{name} is not served")
        return json.dumps({"ok": _encode(getattr(served, function)(**json.loads(args, object_hook=_decode)))})
    except BaseException as error:
        return json.dumps({"error": _describe(error)})


def _describe(error: BaseException) -> dict[str, str]:
    from ecg_probe.not_runnable import lacking

    raised = error
    try:
        raised = lacking(error) or error
        detail = str(raised)
    except Exception:
        detail = "(its text cannot be made)"
    lines = traceback.format_exception(type(error), error, error.__traceback__)
    return {"type": type(raised).__name__, "detail": _shortened(detail), "traceback": _shortened("".join(lines))}


def _shortened(text: str, limit: int = 100_000) -> str:
    """Cuts out the middle of a text that is too long to be read."""
    left_out = len(text) - limit
    half = limit // 2
    return text if left_out <= 0 else f"{text[:half]}\n… {left_out} characters left out …\n{text[-half:]}"
