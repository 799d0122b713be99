"""Mornings of the sandbox: the one it begins on, their hour, and how many reminders they sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import Enrolment, Message
from data.registry.registry import Registry
from data.rules.preview import preview_rungs

_FIRST_LOOK = timedelta(days=45)
_LONGEST_LOOK = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class ReminderTally:
    """How many reminders were sent, and to how many agencies."""

    messages: int = 0
    agencies: int = 0


async def count_reminders(connection: AsyncConnection, day: date | None) -> ReminderTally:
    """Count the reminders of a morning; None: of all mornings."""
    query = (
        select(func.count(Message.id.distinct()), func.count(Enrolment.agency_id.distinct()))
        .join(Enrolment, Enrolment.chat_id == Message.chat_id)
        .where(
            Message.state == "sent",
            Message.broadcast_on.is_not(None) if day is None else Message.broadcast_on == day,
        )
    )
    messages, agencies = (await connection.execute(query)).one()
    return ReminderTally(messages, agencies)


def first_reminder_day(registry: Registry, *, today: date) -> date:
    """Return the last working day up to today on which a reminder goes out.

    Without one in 400 days it is the last working day itself.
    """
    for look in (_FIRST_LOOK, _LONGEST_LOOK):
        rows = preview_rungs(registry, since=today - look, until=today)
        if rows:
            return max(row.date for row in rows)
    return registry.workdays.on_or_before(today)


def morning_hour(registry: Registry) -> time:
    """Return the latest hour at which a province has its morning."""
    hours = (time.fromisoformat(each.file.morning) for each in registry.provinces.values())
    return max(hours, default=time(7, 30))
