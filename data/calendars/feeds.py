"""Calendar feeds: find or create one, open it, end it.

Guarantees:
- One active feed for each chat, person, agency and role; an ended feed stays ended.
- A feed opens only while its own enrolment lives; a later enrolment of the same person does not reopen it.
- The secret address is never stored (jobs/rendering/links.py makes it).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import Agency, CalendarFeed, Enrolment


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed: the agency whose calendar it shows, and the role (focal, coordinator)."""

    id: int
    province: str
    agency_code: str
    role: str


async def find_or_create_feed(
    connection: AsyncConnection,
    *,
    chat_id: int,
    person_id: int | None,
    agency_id: int,
    role: str,
    today: date,
    now: datetime,
) -> int:
    """Return the id of the active feed of a chat, person, agency and role; create it if needed."""
    known = await connection.scalar(
        select(CalendarFeed.id)
        .join(Enrolment, _ENROLMENT)
        .where(
            CalendarFeed.chat_id == chat_id,
            _is(CalendarFeed.person_id, person_id),
            CalendarFeed.agency_id == agency_id,
            CalendarFeed.role == role,
            *_active_feed_conditions(today),
        )
        .order_by(CalendarFeed.id.desc())
        .limit(1)
    )
    if known is not None:
        return int(known)
    added = await connection.execute(
        insert(CalendarFeed)
        .values(chat_id=chat_id, person_id=person_id, agency_id=agency_id, role=role, made_at=now)
        .returning(CalendarFeed.id)
    )
    return int(added.scalar_one())


async def find_active_feed(
    connection: AsyncConnection, feed_id: int, *, today: date
) -> Feed | None:
    """Return a feed that opens today; None where it or its enrolment ended."""
    rows = await connection.execute(
        select(CalendarFeed.id, Agency.province, Agency.code, CalendarFeed.role)
        .join(Agency, Agency.id == CalendarFeed.agency_id)
        .join(Enrolment, _ENROLMENT)
        .where(CalendarFeed.id == feed_id, *_active_feed_conditions(today))
    )
    row = rows.first()
    return None if row is None else Feed(*row)


async def end_feeds(
    connection: AsyncConnection,
    *,
    chat_id: int | None = None,
    person_id: int | None = None,
    now: datetime,
) -> int:
    """End the active feeds of a chat, of a person, or of a person in a chat; returns how many.

    Raises ValueError without a chat and a person.
    """
    if chat_id is None and person_id is None:
        raise ValueError("name a chat or a person")
    conditions = [] if chat_id is None else [CalendarFeed.chat_id == chat_id]
    if person_id is not None:
        conditions.append(CalendarFeed.person_id == person_id)
    ended = await connection.execute(
        update(CalendarFeed)
        .where(*conditions, CalendarFeed.ended_at.is_(None))
        .values(ended_at=now)
    )
    return int(ended.rowcount)


# A feed's own enrolment: one that ended and was renewed began later than the feed.
_ENROLMENT = and_(
    Enrolment.chat_id == CalendarFeed.chat_id,
    Enrolment.agency_id == CalendarFeed.agency_id,
    Enrolment.role == CalendarFeed.role,
    or_(
        Enrolment.person_id == CalendarFeed.person_id,
        and_(Enrolment.person_id.is_(None), CalendarFeed.person_id.is_(None)),
    ),
    Enrolment.enrolled_at <= CalendarFeed.made_at,
)


def _active_feed_conditions(today: date) -> tuple[Any, ...]:
    return (
        CalendarFeed.ended_at.is_(None),
        Enrolment.living(on=today),
    )


def _is(column: Any, value: int | None) -> Any:
    return column.is_(None) if value is None else column == value
