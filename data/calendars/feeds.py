"""Calendar feeds: who has one, and whether it still opens.

Promises one living feed for a chat, person, agency and role; that a feed opens only as long as the
enrolment lives under which it was made, and not again when that person is enrolled anew; and that what
ended stays ended. Its secret address is made elsewhere (jobs/rendering/links.py) and never kept.
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
    """Whose calendar a feed shows, and as what (focal, coordinator)."""

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
    """Return the id of the living feed of a chat, person, agency and role, made where there is none."""
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
    made = await connection.execute(
        insert(CalendarFeed)
        .values(chat_id=chat_id, person_id=person_id, agency_id=agency_id, role=role, made_at=now)
        .returning(CalendarFeed.id)
    )
    return int(made.scalar_one())


async def find_active_feed(
    connection: AsyncConnection, feed_id: int, *, today: date
) -> Feed | None:
    """Return a feed that opens today; None where there is none, it ended, or its enrolment did."""
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
    """End the living feeds of a chat or of a person, or of a person in a chat; returns how many.

    Raises ValueError where neither is named.
    """
    if chat_id is None and person_id is None:
        raise ValueError("whose feeds?")
    whose = [] if chat_id is None else [CalendarFeed.chat_id == chat_id]
    if person_id is not None:
        whose.append(CalendarFeed.person_id == person_id)
    ended = await connection.execute(
        update(CalendarFeed).where(*whose, CalendarFeed.ended_at.is_(None)).values(ended_at=now)
    )
    return int(ended.rowcount)


# The enrolment that a feed was made under: one that ended and lives again began later than its feed.
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
        Enrolment.ended_at.is_(None),
        or_(Enrolment.until_on.is_(None), Enrolment.until_on >= today),
    )


def _is(column: Any, value: int | None) -> Any:
    return column.is_(None) if value is None else column == value
