"""Facts of the leaders' digest, on one screen.

Guarantees: the week before is told from its stored facts, never from today's rows.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from data.digests.kept_weeks import ScopeFacts
from jobs.digests.leader_screen import load_leader_screen
from jobs.digests.week import Week


async def province_facts(connection: AsyncConnection, week: Week) -> ScopeFacts:
    """Return the leaders' facts; without news their lines are empty."""
    before = week.previous_facts.get(("province", ""))
    screen = await load_leader_screen(
        connection,
        week.province,
        week.plans,
        since=week.since,
        before=before,
        today=week.today,
        workdays=week.workdays,
    )
    lines: list[dict[str, Any]] = []
    if week.plans and (before is None or not screen.is_quiet):
        lines = [{"section": "figures", "more": 0, "figures": screen.figures}, *screen.lines]
    return {
        "scope": "province",
        "code": "",
        "name": week.province.name,
        "leaders": week.province.leaders_of(),
        "on": week.today.isoformat(),
        "counts": {},
        "figures": screen.figures,
        "coordinators": list(
            dict.fromkeys(
                week.agencies[code].name for code in week.coordinators.values() if code is not None
            )
        ),
        "lines": lines,
    }
