"""Further Python processes, with another Keras or other devices, which a running process cannot change."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__: list[str] = []


def call(module: str, task: dict[str, Any], variables: dict[str, str] | None = None) -> Any:
    """Starts a module of the probe, hands it `task` and returns what its `answer` gave.

    The child serves the same original, and reads and writes arrays in the same folder.

    Raises:
        RuntimeError: the child failed; the message ends with what it printed last.
    """
    import transplant

    from ecg_probe.process import exchange

    original = str(Path(next(iter(transplant.__path__))).parent)
    request = {"original": original, "exchange": str(exchange()), "task": task}
    probe = str(Path(__file__).parents[1])
    start = "import runpy, sys; sys.path.insert(0, sys.argv[1]); runpy.run_module(sys.argv[2], run_name='__main__')"
    command = [sys.executable, "-I", "-c", start, probe, module]
    environment = {**os.environ, **(variables or {})}
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(command, env=environment, **streams) as child:
        # The channel stays open, so that the child notices when this process ends, and ends too.
        child.stdin.write(f"{json.dumps(request)}\n")
        child.stdin.flush()
        output = child.stdout.read()
    if child.returncode != 0:
        raise RuntimeError(f"{module} ended with code {child.returncode}; it printed last: {output[-1500:]}")
    return json.loads(output.rstrip().rpartition("\n")[2])


def answer(work: Callable[[dict[str, Any]], Any], prepare: Callable[[dict[str, Any]], None] | None = None) -> None:
    """The other end of `call`: does `work`; `prepare` runs before TensorFlow has begun."""
    from ecg_probe import compat, process

    request = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    process.open(request["original"], request["exchange"])
    if prepare:
        prepare(request["task"])
    compat.install()
    result = work(request["task"])
    print(f"\n{json.dumps(result)}", flush=True)
    os._exit(0)  # The other thread is still reading.


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)
