"""A province's digest of a week: its facts, and who reads which of them. Nothing is changed here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from data.clock import civil_date
from data.digests.kept_weeks import monday_of
from data.registry.registry import Registry
from jobs.delivery.usage import near_cap
from jobs.digests.facts import compute_week_facts
from jobs.digests.letters import build_letters
from jobs.digests.records import ProvinceDigest


async def compose_digest(
    connection: AsyncConnection,
    registry: Registry,
    province: str,
    *,
    now: datetime,
    accounts: Sequence[Mapping[str, Any]],
) -> ProvinceDigest:
    """Return a province's digest of this week as of `now`; accounts: as accounts_in_use returns them."""
    today = civil_date(now)
    week_on = monday_of(today)
    facts = await compute_week_facts(
        connection, registry, province, week_on=week_on, now=now, accounts=accounts
    )
    letters = await build_letters(
        connection, province, facts, today=today, near_cap_ids=near_cap(accounts)
    )
    return ProvinceDigest(province, week_on, facts, letters)
