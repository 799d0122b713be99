"""Facts of an agency's digest: late and coming obligations, pending decisions, confirmed work.

Guarantees: each list has at most a screen of lines, and the count of all.
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
_MOST = {"late": 8, "passed": 4, "soon": 8, "ours": 5, "theirs": 5, "confirmed": 5}

# One line tells of all of them: what is asked once is not listed again each week.
_ONE_LINE = ("undated", "ended")

SectionEntry = tuple[int, dict[str, Any]]  # an obligation's id, and more values for its line


async def agency_facts(connection: AsyncConnection, week: Week) -> dict[str, ScopeFacts]:
    """Return the facts of every agency that has an entry, by its code."""
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
    entries: dict[str, dict[str, list[SectionEntry]]] = {}

    def add(code: str | None, section: str, key: int, **more: Any) -> None:
        if code is not None:
            entries.setdefault(code, {}).setdefault(section, []).append((key, more))

    for item in week.items:
        key = item.row.id
        coordinator = week.coordinators[item.row.plan_id]
        holder = item.holder or coordinator
        whom = "" if week.is_own(item) else str(week.plans[item.row.plan_id].coordinator or "")
        if item.status == "submitted":
            add(holder, "theirs", key, why="confirm", whom=whom)
        elif item.status != "far":
            add(holder, item.status, key)
        if item.row.disputed_at is not None and item.row.state == "open":
            add(holder, "theirs", key, why="dispute", whom=whom)
        asked = week.later_dates.get(key)
        if asked is not None and asked.state == "open":
            add(holder, "theirs", key, why="extension", whom=whom, until=asked.until.isoformat())
        elif asked is not None and asked.granted_until is not None:
            add(holder, "ours", key, why="offer", until=asked.granted_until.isoformat())
    for asked in week.explanations:
        add(asked.agency_code, "ours", asked.obligation_id, why="explain")
    for key, holder in reversed(week.confirmed):
        add(holder, "confirmed", key)
    return entries


def _facts(
    week: Week, code: str, entries: Mapping[str, list[SectionEntry]], rows: Mapping[int, Any]
) -> ScopeFacts:
    lines: list[dict[str, Any]] = []
    coordinators: dict[str, None] = {}
    for section in SECTIONS:
        every = entries.get(section, [])
        most = _MOST.get(section, 1)
        for key, more in every[:most]:
            line = digest_line(week, rows[key], for_agency=code)
            ids = [] if section in _ONE_LINE else [key]
            lines.append({"section": section, "ids": ids, **line, **more})
            coordinators.setdefault(rows[key].coordinator_name or "")
        if len(every) > most and section not in _ONE_LINE:
            lines.append({"section": section, "more": len(every) - most})
    return {
        "scope": "agency",
        "code": code,
        "name": week.agencies[code].name,
        "asked": week.province.is_outside(code),
        "on": week.today.isoformat(),
        "counts": {section: len(every) for section, every in entries.items()},
        "ids": {section: [key for key, _ in every] for section, every in entries.items()},
        "coordinators": [name for name in coordinators if name],
        "lines": lines,
    }
