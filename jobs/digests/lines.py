"""Lines of a digest: one obligation, one report or task of several agencies, decisions that wait.

Guarantees: a digest can be drawn again from its lines alone; no line holds words that a person wrote.
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
    """Return one obligation's line; row: of jobs.rendering.items.load_obligation_rows."""
    item = build_item(
        row, number=0, today=week.today, workdays=week.workdays, for_agency=for_agency
    )
    return {key: item[key] for key in _KEPT} | {"more": 0}


def group_by_line(items: Iterable[DigestItem]) -> dict[tuple[Any, ...], list[DigestItem]]:
    """Group items that share a line: the same report or task of a plan with the same due date."""
    lines: dict[tuple[Any, ...], list[DigestItem]] = {}
    for item in items:
        row = item.row
        due_on = max(row.due_on, row.extended_to or row.due_on)
        lines.setdefault((row.plan_code, row.code, row.period, due_on), []).append(item)
    return lines


async def load_first_rows(
    connection: AsyncConnection, items: Iterable[DigestItem]
) -> dict[int, Any]:
    """Return the row (jobs.rendering.items) of the first obligation of each line, by its id."""
    first = [line[0].row.id for line in group_by_line(items).values()]
    return await load_obligation_rows(connection, first)


def grouped_lines(
    week: Week, items: Iterable[DigestItem], rows: Mapping[int, Any], section: str, most: int
) -> list[dict[str, Any]]:
    """Return at most `most` lines with the names of their agencies, and a line that counts the others.

    rows: as load_first_rows returns them.
    """
    groups = list(group_by_line(items).values())
    lines: list[dict[str, Any]] = []
    for group in groups[:most]:
        holders = [item.holder or week.coordinators[item.row.plan_id] for item in group]
        names = [week.agencies[code].short for code in dict.fromkeys(filter(None, holders))]
        lines.append(
            {
                "section": section,
                "ids": [item.row.id for item in group],
                **digest_line(week, rows[group[0].row.id]),
                "agencies": len(names),
                "names": names[:_NAMES],
            }
        )
    if len(groups) > most:
        lines.append({"section": section, "more": len(groups) - most})
    return lines


def requests_line(week: Week, code: str) -> list[dict[str, Any]]:
    """Return the line of requests that wait for a coordinating agency's decision."""
    waiting: Counter[str] = Counter()
    oldest: date | None = None
    for item in week.items:
        if week.coordinators[item.row.plan_id] != code or week.is_own(item):
            continue
        if item.status == "submitted":
            waiting["confirm"] += 1
            handed_in = civil_date(item.row.submitted_at) if item.row.submitted_at else week.today
            oldest = min(oldest or handed_in, handed_in)
        elif item.row.disputed_at is not None:
            waiting["dispute"] += 1
        asked = week.later_dates.get(item.row.id)
        waiting["extension"] += asked is not None and asked.state == "open"
    waiting["explain"] = sum(
        week.coordinators[asked.plan_id] == code for asked in week.explanations
    )
    if not +waiting:
        return []
    names = ("confirm", "extension", "dispute", "explain")
    days = week.workdays.between(oldest, week.today) if oldest else 0
    counts = {name: waiting[name] for name in names}
    return [{"section": "requests", "more": 0, "days": days, **counts}]
