"""What a week's digest tells leaders, on one screen.

Promises that bodies outside the People's Committee, what is disputed and dates that nobody confirmed are
not held against anybody, and that what changed is told from facts kept, never reckoned afterwards. Reads
only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from data.digests.kept_weeks import ScopeFacts
from jobs.digests.for_coordinators import plan_summary
from jobs.digests.lines import group_by_line, grouped_lines, load_first_rows, requests_line
from jobs.digests.week import DigestItem, Week

_PLANS, _SLOWEST, _AT_RISK = 6, 5, 3


async def province_facts(
    connection: AsyncConnection, week: Week, plans: Mapping[str, ScopeFacts]
) -> ScopeFacts:
    """Return what leaders are told; its lines are empty where there is nothing to tell."""
    risky = sorted(
        group_by_line(
            o for o in week.items if o.status in ("late", "soon") and _counts_as_late(week, o)
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
    late = sum(o.status == "late" and _counts_as_late(week, o) for o in week.items)
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
        "name": week.home.name,
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


def _counts_as_late(week: Week, owed: DigestItem) -> bool:
    """Tell whether something is held against who owes it."""
    if owed.row.due_proposed or owed.row.disputed_at is not None:
        return False
    holder = owed.holder or week.coordinators[owed.row.plan_id]
    return holder is not None and not week.home.is_outside(holder)


def _slowest(week: Week) -> list[dict[str, Any]]:
    late: dict[str, list[int]] = {}
    for owed in week.items:
        code = owed.holder or week.coordinators[owed.row.plan_id]
        if owed.status == "late" and code is not None and _counts_as_late(week, owed):
            days = week.workdays.between(owed.row.judged_on, week.today)
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
    """Return what changed since the week kept before; None in the first week.

    done: tasks, of the plans known in both weeks; late: how much is held against somebody now.
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
