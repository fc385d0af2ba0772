"""What the bench's workers in Python share: one work, a round at a time. `worker_process.ts` describes the protocol."""

from __future__ import annotations

import json
import os
import re
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path

Round = Callable[[], float]


def _peak_bytes() -> int | None:
    try:
        found = re.search(r"^VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None


def serve(side: str, works: Mapping[str, Callable[..., Round]]) -> None:
    """Answer requests until the input ends, then end the process; `side` names the worker in messages."""
    # What libraries print must not mix with the answers.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    run: Round | None = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            value = 0.0
            if "work" in request:
                if request["work"] not in works:
                    raise ValueError(f"{side} has no work {request['work']}; it has {', '.join(works)}")
                run = works[request["work"]](**request["settings"])
            elif run is None:
                raise ValueError("a round was requested before a work")
            else:
                value = run()
            answer = {"value": value, "peakBytes": _peak_bytes()}
        except Exception:
            answer = {"error": traceback.format_exc()}
        print(json.dumps(answer), file=answers)
    # Threads that read ahead would keep the interpreter from ending.
    os._exit(0)
