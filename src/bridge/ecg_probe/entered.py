"""Tells which functions of the original run, for tests that declare what they prove.

Off unless `ECG_ENTERED` names a file. Each entry of a function appends its name to that file, such as
`transplant.evaluation.f1`; each read of a name from outside its module appends `=` and the name.
"""

from __future__ import annotations

import ast
import builtins
import os
from types import ModuleType

__all__: list[str] = []

_path = os.environ.get("ECG_ENTERED")
_file = os.open(_path, os.O_WRONLY | os.O_APPEND) if _path else None


def _note(name: str) -> None:
    os.write(_file, f"{name}\n".encode())


def watched(source: bytes, module: str) -> bytes | ast.Module:
    """The source of a module, with a note at the start of each function and method; lines keep their numbers."""
    if _file is None:
        return source
    builtins.__ecg_entered__ = _note  # type: ignore[attr-defined]
    tree = ast.parse(source)
    _watch(tree.body, module)
    return tree


def _watch(body: list[ast.stmt], prefix: str) -> None:
    for node in body:
        if isinstance(node, ast.ClassDef):
            _watch(node.body, f"{prefix}.{node.name}")
        elif isinstance(node, ast.FunctionDef):
            note = ast.parse(f"__ecg_entered__({f'{prefix}.{node.name}'!r})").body[0]
            first = int(ast.get_docstring(node, clean=False) is not None)
            at = node.body[min(first, len(node.body) - 1)]
            for part in ast.walk(note):
                ast.copy_location(part, at)
            node.body.insert(first, note)


class _Watched(ModuleType):
    def __getattribute__(self, name: str) -> object:
        if not name.startswith("_"):
            _note(f"={super().__getattribute__('__name__')}.{name}")
        return super().__getattribute__(name)


def watch_reads(module: ModuleType) -> None:
    """Notes reads of the names of a module."""
    if _file is not None:
        module.__class__ = _Watched
