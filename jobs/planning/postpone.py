"""Skip the rungs that a notice of a later date replaces. Sends nothing.

Guarantees: an agency just told of its later date is not reminded of it the next morning; the next rung is
sent on its own day.
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
    """Record the last reached rung of an obligation's later date as sent, and compute the next one.

    Call it once the agency was told of the date. Where no rung is reached yet, it only computes.
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
    sent = await connection.execute(
        select(Reminder.id).where(Reminder.obligation_id == row.id, Reminder.due_on == due_on)
    )
    if reached and sent.first() is None:
        await connection.execute(
            insert(Reminder).values(
                obligation_id=row.id, due_on=due_on, rung=reached[-1], reminded_on=today
            )
        )
    await recompute(connection, registry, [obligation_id], today=today)
