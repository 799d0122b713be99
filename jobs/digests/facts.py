"""The facts of a province's week as JSON, by scope and code: all that its digests say.

Guarantees: plans and province have facts in every week, agencies and coordinators only with news.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from data.digests.kept_weeks import ScopeFacts, ScopeKey
from data.registry.registry import Registry
from jobs.digests.for_agencies import agency_facts
from jobs.digests.for_coordinators import coordinator_facts, plan_facts
from jobs.digests.for_leaders import province_facts
from jobs.digests.week import read_week


async def compute_week_facts(
    connection: AsyncConnection,
    registry: Registry,
    province: str,
    *,
    week_on: date,
    now: datetime,
    accounts: Sequence[Mapping[str, Any]],
) -> dict[ScopeKey, ScopeFacts]:
    """Return the facts of a province's week as of `now`: leaders, plans, coordinators, agencies.

    accounts: as jobs.delivery.usage.accounts_in_use returns them.
    """
    week = await read_week(
        connection, registry, province, week_on=week_on, now=now, accounts=accounts
    )
    plans = plan_facts(week)
    facts: dict[ScopeKey, ScopeFacts] = {("province", ""): await province_facts(connection, week)}
    facts |= {("plan", code): each for code, each in plans.items()}
    coordinators = await coordinator_facts(connection, week, plans)
    facts |= {("coordinator", code): each for code, each in coordinators.items()}
    agencies = await agency_facts(connection, week)
    facts |= {("agency", code): each for code, each in agencies.items()}
    return facts
