"""What a week's digest tells an agency: what it owes, what is late, what was confirmed, what waits for whom.

Promises lists no longer than a screen, with the count of all, and lines that stand by themselves: they are
read again only to draw the same digest. Holds no word that a person wrote. Reads only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from data.digests.kept_weeks import ScopeFacts
from jobs.digests.lines import digest_line
from jobs.digests.week import Week
from jobs.rendering.items import load_obligation_rows

SECTIONS = ("late", "passed", "soon", "undated", "ended", "ours", "theirs", "confirmed")
_MOST = {"late": 8, "passed": 4, "soon": 8, "ended": 3, "ours": 5, "theirs": 5, "confirmed": 5}

SectionEntry = tuple[int, dict[str, Any]]  # an obligation, and what its line says beside it


async def agency_facts(connection: AsyncConnection, week: Week) -> dict[str, ScopeFacts]:
    """Return the facts of every agency that there is something to tell, by its code."""
    entries = _sort_into_sections(week)
    shown = {
        key
        for sections in entries.values()
        for section, every in sections.items()
        for key, _ in every[: _MOST.get(section, 1)]
    }
    rows = await load_obligation_rows(connection, sorted(shown))
    return {
        code: _facts(week, code, entries[code], rows) for code in week.agencies if code in entries
    }


def _sort_into_sections(week: Week) -> dict[str, dict[str, list[SectionEntry]]]:
    found: dict[str, dict[str, list[SectionEntry]]] = {}

    def tell(code: str | None, section: str, key: int, **more: Any) -> None:
        if code is not None:
            found.setdefault(code, {}).setdefault(section, []).append((key, more))

    for owed in week.items:
        key = owed.row.id
        coordinator = week.coordinators[owed.row.plan_id]
        holder = owed.holder or coordinator
        whom = "" if week.is_own(owed) else str(week.plans[owed.row.plan_id].coordinator or "")
        if owed.status == "submitted":
            tell(holder, "theirs", key, why="confirm", whom=whom)
        elif owed.status != "far":
            tell(holder, owed.status, key)
        if owed.row.disputed_at is not None and owed.row.state == "open":
            tell(holder, "theirs", key, why="dispute", whom=whom)
        asked = week.later_dates.get(key)
        if asked is not None and asked.state == "open":
            tell(holder, "theirs", key, why="extension", whom=whom, until=asked.until.isoformat())
        elif asked is not None and asked.granted_until is not None:
            tell(holder, "ours", key, why="offer", until=asked.granted_until.isoformat())
    for asked in week.explanations:
        tell(asked.agency_code, "ours", asked.obligation_id, why="explain")
    for key, holder in reversed(week.confirmed):
        tell(holder, "confirmed", key)
    return found


def _facts(
    week: Week, code: str, entries: Mapping[str, list[SectionEntry]], rows: Mapping[int, Any]
) -> ScopeFacts:
    lines: list[dict[str, Any]] = []
    speak: dict[str, None] = {}
    for section in SECTIONS:
        every = entries.get(section, [])
        most = _MOST.get(section, 1)
        for key, more in every[:most]:
            line = digest_line(week, rows[key], for_agency=code)
            lines.append({"section": section, **line, **more})
            speak.setdefault(rows[key].coordinator_name or "")
        if len(every) > most and section != "undated":
            lines.append({"section": section, "more": len(every) - most})
    return {
        "scope": "agency",
        "code": code,
        "name": week.agencies[code].name,
        "asked": week.home.is_outside(code),
        "on": week.today.isoformat(),
        "counts": {section: len(every) for section, every in entries.items()},
        "coordinators": [name for name in speak if name],
        "lines": lines,
    }
