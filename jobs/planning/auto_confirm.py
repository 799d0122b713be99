"""Confirm submitted obligations on which nobody decided within ten working days.

Guarantees:
- The coordinator has all of the tenth working day; running twice changes nothing.
- Each confirmation is a decision marked "tự động". No message is sent: the agency need do no more.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.clock import civil_date
from data.db.database import Database
from data.models import Agency, Obligation, Plan
from data.progress import decisions, submissions
from data.registry.workdays import Workdays

WORKING_DAYS = 10
_SOONEST = timedelta(days=WORKING_DAYS)  # ten working days last at least so many civil days
_ROWS_PER_TRANSACTION = 200


async def auto_confirm(database: Database, workdays: Workdays, *, now: datetime) -> int:
    """Confirm obligations submitted more than ten working days ago; returns how many.

    In transactions of a few hundred rows, so that answers do not wait.
    """
    confirmed = 0
    after = 0
    while True:
        async with database.write() as connection:
            part, after, more = await _confirm_some(connection, workdays, after=after, now=now)
        confirmed += part
        if not more:
            return confirmed


async def _confirm_some(
    connection: AsyncConnection, workdays: Workdays, *, after: int, now: datetime
) -> tuple[int, int, bool]:
    """Return how many were confirmed, the last id read, and whether more may follow."""
    today = civil_date(now)
    rows = await connection.execute(
        select(
            Obligation.id,
            Obligation.code,
            Obligation.period,
            Obligation.submitted_at,
            Plan.code.label("plan_code"),
            Agency.code.label("owner_code"),
        )
        .join(Plan, Plan.id == Obligation.plan_id)
        .join(Agency, Agency.id == Obligation.agency_id)
        .where(
            Obligation.state == "submitted",
            Obligation.submitted_at < now - _SOONEST,
            Obligation.id > after,
            Plan.withdrawn_at.is_(None),
        )
        .order_by(Obligation.id)
        .limit(_ROWS_PER_TRANSACTION)
        .with_for_update(of=Obligation, key_share=True)  # no answer comes in between
    )
    submitted = rows.all()
    confirmed = 0
    for row in submitted:
        if today <= workdays.add(civil_date(row.submitted_at), WORKING_DAYS):
            continue
        confirmed += await submissions.confirm_submission(
            connection, row, person_id=None, decided_by=decisions.AUTOMATIC_DECIDER, now=now
        )
    last = submitted[-1].id if submitted else after
    return confirmed, last, len(submitted) == _ROWS_PER_TRANSACTION
