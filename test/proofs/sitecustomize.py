"""Python's start-up file in the tests: the original is imported as the bridge imports it, so that it tells what runs."""

import sys
from pathlib import Path

_root = Path(__file__).parents[2]
sys.path.insert(0, str(_root / "src" / "bridge"))
from ecg_probe import checkout  # noqa: E402

sys.path.pop(0)
checkout.install(str(_root / "original"))
