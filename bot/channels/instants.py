"""Instants as platforms write them: numbers since 1970, in seconds or, from some servers, milliseconds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

_MILLISECONDS_FROM = 1e11  # as seconds it would be the year 5138


def instant_from_number(value: Any) -> datetime | None:
    """Return the instant of a number of seconds or milliseconds; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        return None
    try:
        seconds = value / 1000 if value >= _MILLISECONDS_FROM else value
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        return None
