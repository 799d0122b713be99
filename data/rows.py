"""Chosen fields of a row or object, as a dictionary."""

from __future__ import annotations

from typing import Any


def row_fields(row: Any, *names: str) -> dict[str, Any]:
    """Return the named attributes of a row, by name."""
    return {name: getattr(row, name) for name in names}
