"""TensorFlow checkpoints: networks of the original on tf_keras, in a process of its own.

A process has one Keras. The bridge's may run Keras 3, whose `save_weights` writes no checkpoints.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

__all__ = ["exchange"]


def exchange(networks: list[dict[str, Any]], folder: str) -> list[dict[str, list[str]]]:
    """Lets tf_keras load a checkpoint into each network and write another of other values.

    A network has the arguments of `networks.build`, and `written` and `wanted`, the prefixes of the two checkpoints.
    Returns for each the arrays that it held after loading (`loaded`) and after saving (`saved`), in Keras 3's order.
    """
    import transplant

    from ecg_probe.process import exchange as exchange_folder

    original = str(Path(next(iter(transplant.__path__))).parent)
    task = {"original": original, "exchange": str(exchange_folder()), "networks": networks, "folder": folder}
    probe = str(Path(__file__).parents[1])
    start = "import runpy, sys; sys.path.insert(0, sys.argv[1]); runpy.run_module(sys.argv[2], run_name='__main__')"
    command = [sys.executable, "-I", "-c", start, probe, "ecg_probe.checkpoints"]
    environment = {**os.environ, "TF_USE_LEGACY_KERAS": "1"}
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(command, env=environment, **streams) as child:
        # The channel stays open: when this process is gone, the child reads its end and ends too.
        child.stdin.write(f"{json.dumps(task)}\n")
        child.stdin.flush()
        output = child.stdout.read()
    if child.returncode != 0:
        raise RuntimeError(f"tf_keras ended with code {child.returncode}; it printed last: {output[-1500:]}")
    return json.loads(output.rstrip().rpartition("\n")[2])


def _exchange(number: int, network: dict[str, Any], folder: str) -> dict[str, list[str]]:
    import numpy as np

    from ecg_probe import networks
    from ecg_probe.arrays import give_all

    written, wanted = network.pop("written"), network.pop("wanted")
    name = str(number)
    networks.build(name, **network, compiled=False)  # A checkpoint would hold the optimiser too.
    try:
        loaded = give_all(f"{folder}/{number}/loaded", networks.load_checkpoint(name, written))
        draws = np.random.default_rng(number)
        saved = networks.save_checkpoint(name, wanted, lambda shape: draws.standard_normal(shape))
        return {"loaded": loaded, "saved": give_all(f"{folder}/{number}/saved", saved)}
    finally:
        networks.dispose(name)


def _end_with_parent() -> None:
    sys.stdin.read()
    os._exit(1)


def _main() -> None:
    from ecg_probe import compat, process

    task = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    process.open(task["original"], task["exchange"])
    compat.install()
    folder = task["folder"]
    results = [_exchange(number, network, folder) for number, network in enumerate(task["networks"])]
    print(f"\n{json.dumps(results)}", flush=True)
    os._exit(0)  # The other thread still reads.


if __name__ == "__main__":
    _main()
