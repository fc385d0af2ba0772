"""Prints the public functions, classes and constants of the packages in original/, from their syntax trees, as JSON."""

import ast
import json
import sys
from pathlib import Path


def symbols(path: Path) -> list[dict]:
    """Top-level names of a module that do not begin with an underscore, and the public methods of its classes."""
    found = []
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            if not node.name.startswith("_"):
                found.append({"name": node.name, "kind": "class" if isinstance(node, ast.ClassDef) else "function"})
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [target.id for target in targets if isinstance(target, ast.Name)]
            found += [{"name": name, "kind": "constant"} for name in names if not name.startswith("_")]
    return found


root = Path(sys.argv[1])
modules = sorted(
    path for package in ("transplant", "finetuning", "pretraining") for path in (root / package).rglob("*.py")
)
listed = {str(path.relative_to(root)): symbols(path) for path in modules if path.name != "__init__.py"}
print(json.dumps(listed))
