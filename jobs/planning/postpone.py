"""A date that was moved to a later one, and the reminders that follow it.

Promises that an agency that was just told of its later date is not reminded of it the next morning: the
notice stands for the rungs whose days have come, and the next goes out on its own day. Sends nothing.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import Obligation, Plan, Reminder
from data.registry.registry import Registry
from data.rules.ladder import effective_due
from jobs.planning.ladder_cache import LadderCache
from jobs.planning.rungs import recompute


async def mark_rungs_told(
    connection: AsyncConnection, registry: Registry, obligation_id: int, *, today: date
) -> None:
    """Count the rungs of an obligation's later date that have come as told, and reckon the next one.

    Call it when its agency was told of the date; where nothing has come yet it only reckons.
    """
    rows = await connection.execute(
        select(Obligation, Plan.code.label("plan_code"))
        .join(Plan, Plan.id == Obligation.plan_id)
        .where(Obligation.id == obligation_id)
    )
    row = rows.one()
    due_on = effective_due(row.due_on, row.extended_to)
    steps = LadderCache(registry).steps(row.plan_code, row.kind, due_on)
    reached = [rung for rung, day in steps if day <= today]
    told = await connection.execute(
        select(Reminder.id).where(Reminder.obligation_id == row.id, Reminder.due_on == due_on)
    )
    if reached and told.first() is None:
        await connection.execute(
            insert(Reminder).values(
                obligation_id=row.id, due_on=due_on, rung=reached[-1], reminded_on=today
            )
        )
    await recompute(connection, registry, [obligation_id], today=today)
