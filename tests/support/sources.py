"""The house's own modules, read and parsed once a process for every test that looks into them."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

TOP = Path(__file__).parent.parent.parent
FLOORS = ("bot", "jobs", "data")
MODULES = sorted(path for floor in FLOORS for path in (TOP / floor).rglob("*.py"))


def path_name(path: Path) -> str:
    """Return a file's path from the top: "data/rules/states.py"."""
    return path.relative_to(TOP).as_posix()


@cache
def source(path: Path) -> str:
    """Return a module's text."""
    return path.read_text(encoding="utf-8")


@cache
def tree(path: Path) -> ast.Module:
    """Return a module parsed."""
    return ast.parse(source(path))
