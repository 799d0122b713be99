"""Keys of a status sheet's rows: obligation, instant of the export, and state at that instant."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

_KEY = re.compile(
    r"(?P<id>[0-9]{1,18})\.(?P<at>-?[0-9a-f]{1,12})\.(?P<state>[0-9a-f]{10})"
    r"\.(?P<place>[0-9]{1,7})-(?P<rows>[0-9]{1,7})\.[^.]{1,20}"
)


@dataclass(frozen=True, slots=True)
class RowKey:
    """The hidden key of a row: obligation, instant of the export, a mark of its state then, and its place.

    place: its number among the rows of the export, from 1; rows: how many there were.
    """

    obligation_id: int
    made_at: datetime
    fingerprint: str
    place: int
    rows: int


def state_fingerprint(row: Any) -> str:
    """Return a mark that changes whenever the state of an obligation does."""
    flags = (row.blocked_at, row.disputed_at, row.returned_at)
    return _hash(row.state, row.percent, row.progress, *flags, row.submitted_at, row.done_on)


def make_row_key(row: Any, made_at: datetime, *, place: int, rows: int) -> str:
    """Return the key of an obligation's row."""
    start = f"{row.id}.{int(made_at.timestamp()):x}.{state_fingerprint(row)}.{place}-{rows}"
    return f"{start}.{_hash(start, row.plan_code)}"


def is_row_key(text: str, row: Any) -> bool:
    """Tell whether a key was made for this obligation, in any state."""
    start, _, check = text.rpartition(".")
    return check == _hash(start, row.plan_code)


def parse_row_key(text: str) -> RowKey | None:
    """Return the parts of a key; None for a text that is none."""
    parts = _KEY.fullmatch(text)
    if parts is None:
        return None
    try:
        made_at = datetime.fromtimestamp(int(parts["at"], 16), UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return RowKey(
        int(parts["id"]), made_at, parts["state"], int(parts["place"]), int(parts["rows"])
    )


def _hash(*parts: object) -> str:
    # Detects slips (a cell dragged down); it is no protection against forgery.
    return hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()[:10]
