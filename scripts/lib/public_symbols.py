"""Prints the public functions, classes, methods and constants in original/, from their syntax trees, as JSON."""

import ast
import json
import sys
from pathlib import Path


def symbols(body: list[ast.stmt], prefix: str) -> list[str]:
    """Dotted names that do not begin with an underscore, of a module's body and its classes'."""
    found = []
    for node in body:
        names = []
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names = [node.name]
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [target.id for target in targets if isinstance(target, ast.Name)]
        found += [f"{prefix}.{name}" for name in names if not name.startswith("_")]
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            found += symbols(node.body, f"{prefix}.{node.name}")
    return found


root = Path(sys.argv[1])
modules = sorted(
    path for package in ("transplant", "finetuning", "pretraining") for path in (root / package).rglob("*.py")
)
listed = {}
for path in modules:
    if path.name != "__init__.py":
        place = path.relative_to(root)
        body = ast.parse(path.read_text(encoding="utf-8")).body
        listed[str(place)] = symbols(body, ".".join(place.with_suffix("").parts))
print(json.dumps(listed))
