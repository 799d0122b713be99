"""Agencies that are asked and answer nothing.

Guarantees:
- A person who joins an agency has as many days as those before; an agency that nobody joined is not silent.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.clock import civil_date
from data.models import Agency, Enrolment, Obligation, Reminder, StatusReply

SILENT_DAYS = 30  # calendar days since a question that nobody answered


async def list_silent_agencies(
    connection: AsyncConnection,
    province: str,
    holder_of: Callable[[str, str], str | None],
    *,
    plan_ids: Collection[int],
    today: date,
) -> dict[int, date | None]:
    """Return the silent agencies of a province, each with the day of its last answer (None: it gave none).

    Silent: an open obligation of the plans was asked about more than SILENT_DAYS ago, and nothing was answered
    since, about whatever. holder_of: the holder's code, by the owner's and the kind of an obligation.
    """
    known = await connection.execute(
        select(Agency.code, Agency.id).where(Agency.province == province)
    )
    ids = {row.code: row.id for row in known}

    async def latest(what: Any) -> dict[int, Any]:
        """Return by holder the latest of a selection of (owner's code, kind, latest)."""
        found: dict[int, Any] = {}
        rows = await connection.execute(
            what.join(Agency, Agency.id == Obligation.agency_id)
            .where(Agency.province == province)
            .group_by(Agency.code, Obligation.kind)
        )
        for owner, kind, at in rows:
            holder = ids.get(holder_of(owner, kind) or "")
            if holder is not None:
                found[holder] = max(at, found.get(holder, at))
        return found

    asked = await latest(
        select(Agency.code, Obligation.kind, func.max(Reminder.reminded_on))
        .select_from(Obligation)
        .join(Reminder, Reminder.obligation_id == Obligation.id)
        .where(
            Obligation.plan_id.in_(plan_ids),
            Obligation.state == "open",
            Reminder.reminded_on < today - timedelta(days=SILENT_DAYS),
        )
    )
    answered = await latest(
        select(Agency.code, Obligation.kind, func.max(StatusReply.said_at))
        .select_from(Obligation)
        .join(StatusReply, StatusReply.obligation_id == Obligation.id)
    )
    joined = await connection.execute(
        select(Enrolment.agency_id, func.max(Enrolment.enrolled_at).label("at"))
        .where(Enrolment.agency_id.in_(list(asked)), Enrolment.living(on=today))
        .group_by(Enrolment.agency_id)
    )
    silent: dict[int, date | None] = {}
    for row in joined:
        last = civil_date(answered[row.agency_id]) if row.agency_id in answered else None
        if asked[row.agency_id] > max(civil_date(row.at), last or date.min):
            silent[row.agency_id] = last
    return silent
