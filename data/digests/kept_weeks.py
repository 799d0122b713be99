"""Stored facts of each week's digest, from which it is rendered again unchanged.

Guarantees: one process begins a province's week; stored facts never change.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from data import job_runs
from data.models import JobRun, WeekFacts

DIGEST_JOB = "digest"  # JobRun.job; its run_on is the week's Monday

ScopeFacts = Mapping[str, Any]
ScopeKey = tuple[str, str]  # scope and code: ("agency", "stc"), ("province", "")


def monday_of(day: date) -> date:
    """Return the Monday that names a date's week."""
    return day - timedelta(days=day.weekday())


async def list_provinces_begun(connection: AsyncConnection, week_on: date) -> set[str]:
    """Return the provinces whose digest of a week was begun."""
    rows = await connection.scalars(
        select(JobRun.subject).where(JobRun.job == DIGEST_JOB, JobRun.run_on == week_on)
    )
    return set(rows)


async def begin_week(
    connection: AsyncConnection, province: str, week_on: date, *, now: datetime
) -> bool:
    """Record that a province's week is begun; returns False where it was already.

    Call at the start of the write transaction that enqueues the messages.
    """
    return await job_runs.record_run(connection, DIGEST_JOB, province, week_on, now=now)


async def store_week_facts(
    connection: AsyncConnection,
    province: str,
    week_on: date,
    facts: Mapping[ScopeKey, ScopeFacts],
    *,
    now: datetime,
) -> None:
    """Store the facts of a province's week, by scope and code."""
    rows = [
        {
            "province": province,
            "week_on": week_on,
            "scope": scope,
            "code": code,
            "facts": dict(each),
            "made_at": now,
        }
        for (scope, code), each in facts.items()
    ]
    if rows:
        await connection.execute(insert(WeekFacts), rows)


async def load_week_facts(
    connection: AsyncConnection, province: str, week_on: date
) -> dict[ScopeKey, ScopeFacts]:
    """Return the facts of a province's week, in the order stored; empty where there are none."""
    rows = await connection.execute(
        select(WeekFacts.scope, WeekFacts.code, WeekFacts.facts)
        .where(WeekFacts.province == province, WeekFacts.week_on == week_on)
        .order_by(WeekFacts.id)
    )
    return {(row.scope, row.code): row.facts for row in rows}


async def find_previous_week(
    connection: AsyncConnection, province: str, week_on: date
) -> date | None:
    """Return the Monday of the latest earlier week with stored facts."""
    return await connection.scalar(
        select(func.max(WeekFacts.week_on)).where(
            WeekFacts.province == province, WeekFacts.week_on < week_on
        )
    )


async def find_facts_before(
    connection: AsyncConnection, province: str, today: date
) -> ScopeFacts | None:
    """Return what leaders were told last before today; None before the first week."""
    rows = await connection.scalars(
        select(WeekFacts.facts)
        .where(
            WeekFacts.province == province,
            WeekFacts.scope == "province",
            WeekFacts.week_on < today,
        )
        .order_by(WeekFacts.week_on.desc())
        .limit(2)
    )
    return next((facts for facts in rows if facts["on"] < today.isoformat()), None)


async def list_plan_week_facts(
    connection: AsyncConnection, province: str, plan_code: str, *, until: date
) -> list[tuple[date, ScopeFacts]]:
    """Return a plan's facts of every week up to one, oldest first, for its burn-up chart."""
    rows = await connection.execute(
        select(WeekFacts.week_on, WeekFacts.facts)
        .where(
            WeekFacts.province == province,
            WeekFacts.scope == "plan",
            WeekFacts.code == plan_code,
            WeekFacts.week_on <= until,
        )
        .order_by(WeekFacts.week_on)
    )
    return [(row.week_on, row.facts) for row in rows]
