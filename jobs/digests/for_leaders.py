"""Facts of the leaders' digest, on one screen.

Guarantees:
- Bodies outside the People's Committee, disputed obligations and proposed dates never count as late.
- Changes are computed from stored facts of the previous week, never from today's rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from data.digests.kept_weeks import ScopeFacts
from data.rules.states import working_days_late
from jobs.digests.for_coordinators import plan_summary
from jobs.digests.lines import group_by_line, grouped_lines, load_first_rows, requests_line
from jobs.digests.week import DigestItem, Week

_PLANS, _SLOWEST, _AT_RISK = 6, 5, 3


async def province_facts(
    connection: AsyncConnection, week: Week, plans: Mapping[str, ScopeFacts]
) -> ScopeFacts:
    """Return the leaders' facts; without news their lines are empty."""
    risky = sorted(
        group_by_line(
            item
            for item in week.items
            if item.status in ("late", "soon") and _counts_as_late(week, item)
        ).values(),
        key=lambda line: (
            line[0].status != "late",
            -len(line),
            line[0].row.base_on,
            line[0].row.id,
        ),
    )[:_AT_RISK]
    rows = await load_first_rows(connection, (line[0] for line in risky))
    risks = [
        line for every in risky for line in grouped_lines(week, every, rows, "at_risk", _AT_RISK)
    ]
    slowest = _slowest(week)
    own = [{**line, "section": "own"} for line in requests_line(week, None)]
    late = sum(item.status == "late" and _counts_as_late(week, item) for item in week.items)
    change = _change(week, plans, late)
    lines: list[dict[str, Any]] = []
    if plans and (slowest or risks or own or change is None or change["done"] or change["late"]):
        shown = [facts for facts in plans.values() if facts["tasks"]]
        lines = [
            *({"section": "plans", "more": 0, **plan_summary(facts)} for facts in shown[:_PLANS]),
            *([{"section": "plans", "more": len(shown) - _PLANS}] if len(shown) > _PLANS else []),
            {"section": "change", "more": 0, "change": change},
            *slowest,
            *risks,
            *own,
        ]
    return {
        "scope": "province",
        "code": "",
        "name": week.province.name,
        "on": week.today.isoformat(),
        "counts": {},
        "late": late,
        "coordinators": list(
            dict.fromkeys(
                week.agencies[code].name for code in week.coordinators.values() if code is not None
            )
        ),
        "lines": lines,
    }


def _counts_as_late(week: Week, item: DigestItem) -> bool:
    """Return whether an item may count as late against its holder."""
    if item.row.due_proposed or item.row.disputed_at is not None:
        return False
    holder = item.holder or week.coordinators[item.row.plan_id]
    return holder is not None and not week.province.is_outside(holder)


def _slowest(week: Week) -> list[dict[str, Any]]:
    late: dict[str, list[int]] = {}
    for item in week.items:
        code = item.holder or week.coordinators[item.row.plan_id]
        if item.status == "late" and code is not None and _counts_as_late(week, item):
            days = working_days_late(item.row.judged_on, today=week.today, workdays=week.workdays)
            late.setdefault(code, []).append(days)
    order = {code: place for place, code in enumerate(week.agencies)}
    slowest = sorted(late, key=lambda code: (-len(late[code]), -max(late[code]), order[code]))
    return [
        {
            "section": "slowest",
            "more": 0,
            "name": week.agencies[code].short,
            "count": len(late[code]),
            "days": max(late[code]),
        }
        for code in slowest[:_SLOWEST]
    ]


def _change(week: Week, plans: Mapping[str, ScopeFacts], late: int) -> dict[str, Any] | None:
    """Return the changes since the previous stored week; None in the first week.

    done: tasks, of plans in both weeks. late: the current number.
    """
    if week.previous_on is None:
        return None
    done = 0
    for code, facts in plans.items():
        earlier = week.previous_facts.get(("plan", code))
        if earlier is not None and earlier["tasks"] and facts["tasks"]:
            now, then = facts["tasks"], earlier["tasks"]
            done += now["done_on_time"] + now["done_late"]
            done -= then["done_on_time"] + then["done_late"]
    change = late - week.previous_facts["province", ""]["late"]
    return {"since": week.since.isoformat(), "done": done, "late": change, "late_now": late}
