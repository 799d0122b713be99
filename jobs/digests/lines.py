"""The lines of a week's digest: of one obligation, of what several agencies owe alike, of what waits.

Promises lines that stand by themselves, so that the same digest can be drawn again from them alone, and
no word in them that a person wrote. Reads only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from data.clock import civil_date
from jobs.digests.week import DigestItem, Week
from jobs.rendering.items import build_item, load_obligation_rows

_NAMES = 5
_KEPT = (
    *("code", "kind", "title", "plan_number", "due", "proposed", "extended", "left", "late"),
    *("ended", "state", "returned", "period", "succeeded_from"),
)


def digest_line(week: Week, row: Any, *, for_agency: str | None = None) -> dict[str, Any]:
    """Return what a digest keeps of one obligation's line; row: of jobs.rendering.items.load_obligation_rows."""
    item = build_item(
        row, number=0, today=week.today, workdays=week.workdays, for_agency=for_agency
    )
    return {key: item[key] for key in _KEPT} | {"more": 0}


def group_by_line(owed: Iterable[DigestItem]) -> dict[tuple[Any, ...], list[DigestItem]]:
    """Group obligations by what stands in one line: one report or task of a plan, of however many agencies."""
    lines: dict[tuple[Any, ...], list[DigestItem]] = {}
    for each in owed:
        row = each.row
        due_on = max(row.due_on, row.extended_to or row.due_on)
        lines.setdefault((row.plan_code, row.code, row.period, due_on), []).append(each)
    return lines


async def load_first_rows(
    connection: AsyncConnection, owed: Iterable[DigestItem]
) -> dict[int, Any]:
    """Return the row (jobs.rendering.items) of the first obligation of each line, by its id."""
    first = [line[0].row.id for line in group_by_line(owed).values()]
    return await load_obligation_rows(connection, first)


def grouped_lines(
    week: Week, owed: Iterable[DigestItem], rows: Mapping[int, Any], section: str, most: int
) -> list[dict[str, Any]]:
    """Return a line for each thing that agencies owe alike, with their names, and how many more there are.

    rows: as `representatives` returns them.
    """
    lines = list(group_by_line(owed).values())
    found: list[dict[str, Any]] = []
    for every in lines[:most]:
        holders = [each.holder or week.coordinators[each.row.plan_id] for each in every]
        names = [week.agencies[code].short for code in dict.fromkeys(filter(None, holders))]
        found.append(
            {
                "section": section,
                **digest_line(week, rows[every[0].row.id]),
                "agencies": len(names),
                "names": names[:_NAMES],
            }
        )
    if len(lines) > most:
        found.append({"section": section, "more": len(lines) - most})
    return found


def requests_line(week: Week, code: str | None) -> list[dict[str, Any]]:
    """Return the line of what waits for a decision of a coordinating agency; None: of the leaders."""
    waiting: Counter[str] = Counter()
    oldest: date | None = None
    for owed in week.items:
        coordinator = week.coordinators[owed.row.plan_id]
        mine = week.is_own(owed) if code is None else coordinator == code and not week.is_own(owed)
        if not mine:
            continue
        if owed.status == "submitted":
            waiting["confirm"] += 1
            handed_in = civil_date(owed.row.submitted_at) if owed.row.submitted_at else week.today
            oldest = min(oldest or handed_in, handed_in)
        elif owed.row.disputed_at is not None:
            waiting["dispute"] += 1
        asked = week.later_dates.get(owed.row.id)
        waiting["extension"] += asked is not None and asked.state == "open"
    if code is not None:
        waiting["explain"] = sum(
            week.coordinators[asked.plan_id] == code for asked in week.explanations
        )
    if not +waiting:
        return []
    names = ("confirm", "extension", "dispute", "explain")
    days = week.workdays.between(oldest, week.today) if oldest else 0
    counts = {name: waiting[name] for name in names}
    return [{"section": "requests", "more": 0, "days": days, **counts}]
