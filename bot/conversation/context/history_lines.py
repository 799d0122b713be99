"""Entries of a history as the lines that templates/_parts/said shows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from data.clock import ZONE
from data.registry.short_names import cut_between_words
from data.registry.titles import period_name
from jobs.rendering.dates import full_date, hour_words


def describe_history(
    rows: Iterable[Any], *, longest: int | None = None
) -> Iterable[dict[str, Any]]:
    """Yield the line of each entry that data.progress.history loads. longest: characters of a note; None: whole."""
    for row in rows:
        note = row.note or ""
        at: datetime = row.at.astimezone(ZONE)
        yield {
            "at": f"{hour_words(f'{at:%H:%M}')} ngày {full_date(at.date())}",
            "what": row.what,
            "agency": row.agency,
            "person": row.person or "",
            "code": row.code,
            "period": period_name(row.period) if row.period[:4].isdigit() else "",
            "percent": row.percent,
            "until": row.until.isoformat() if row.until else "",
            "document": row.document or "",
            "document_on": row.document_on.isoformat() if row.document_on else "",
            "note": note if longest is None else cut_between_words(note, longest),
            "undone": bool(row.undone),
        }
