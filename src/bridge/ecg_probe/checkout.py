"""The packages of the checkout that a session serves: their source files, and nothing else of its folder."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, ModuleSpec, SourceFileLoader
from types import CodeType, ModuleType

from ecg_probe import entered

PACKAGES = ("transplant", "pretraining", "finetuning")


class _Source(SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:
        # Compiled here, because files in __pycache__ may come from another source.
        path = self.get_filename(fullname)
        return self.source_to_code(entered.watched(self.get_data(path), fullname), path)

    def exec_module(self, module: ModuleType) -> None:
        super().exec_module(module)
        entered.watch_reads(module)


class _Finder(MetaPathFinder):
    def __init__(self, folder: str) -> None:
        self._folder = folder

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] not in PACKAGES:
            return None
        for folder in [self._folder] if path is None else path:
            spec = FileFinder(folder, (_Source, SOURCE_SUFFIXES)).find_spec(fullname, target)
            if spec is not None:
                return spec
        return None


def install(folder: str) -> None:
    """Imports the packages from a folder, before others with the same names. Its other modules shadow nothing."""
    sys.meta_path.insert(0, _Finder(folder))
    # For workers of a pool that are started as new processes.
    sys.path.append(folder)
