"""Keys of a status sheet's rows: obligation, instant of the export, and state at that instant."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class RowKey:
    """The hidden key of a row: obligation, instant of the export, and a mark of its state then."""

    obligation_id: int
    made_at: datetime
    fingerprint: str


def state_fingerprint(row: Any) -> str:
    """Return a mark that changes whenever the state of an obligation does."""
    flags = (row.blocked_at, row.disputed_at, row.returned_at)
    return _hash(row.state, row.percent, row.progress, *flags, row.submitted_at, row.done_on)


def make_row_key(row: Any, made_at: datetime) -> str:
    """Return the key of an obligation's row."""
    start = f"{row.id}.{int(made_at.timestamp()):x}.{state_fingerprint(row)}"
    return f"{start}.{_hash(start, row.plan_code)}"


def is_row_key(text: str, row: Any) -> bool:
    """Tell whether a key was made for this obligation, in any state."""
    start, _, check = text.rpartition(".")
    return check == _hash(start, row.plan_code)


def parse_row_key(text: str) -> RowKey | None:
    """Return the parts of a key; None for a text that is none."""
    parts = text.split(".")
    if len(parts) != 4 or not parts[0].isascii() or not parts[0].isdecimal() or len(parts[0]) > 18:
        return None
    try:
        return RowKey(int(parts[0]), datetime.fromtimestamp(int(parts[1], 16), UTC), parts[2])
    except (ValueError, OverflowError, OSError):
        return None


def _hash(*parts: object) -> str:
    # Detects slips (a cell dragged down); it is no protection against forgery.
    return hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()[:10]
