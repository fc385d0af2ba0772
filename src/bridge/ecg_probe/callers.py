"""Where in the original something was called."""

from __future__ import annotations

import sys
from pathlib import Path

__all__: list[str] = []


def line_of_original() -> str:
    """`file:line` of the innermost caller that belongs to the original; empty if there is none."""
    root = original_root()
    frame = sys._getframe(1)
    while frame is not None:
        place = within(root, frame.f_code.co_filename, frame.f_lineno)
        if place:
            return place
        frame = frame.f_back
    return ""


def original_root() -> Path:
    """The folder of the original's packages."""
    import transplant

    return Path(next(iter(transplant.__path__))).parent


def within(root: Path, file: str, line: int) -> str:
    """`file:line` relative to a folder; empty for a file outside its packages."""
    path = Path(file)
    if not path.is_relative_to(root) or path.relative_to(root).parts[0] not in _PACKAGES:
        return ""
    return f"{path.relative_to(root)}:{line}"


_PACKAGES = ("transplant", "pretraining", "finetuning")
