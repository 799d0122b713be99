"""Persons and enrolments: find, create, move, end.

Guarantees:
- The day itself decides: an enrolment counts until its last day (data.models.Enrolment.living).
- What a person passed on ends when theirs does, however theirs ends.
- An enrolment that ended never lives again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, cast

from sqlalchemy import ColumnElement, Row, bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.clock import civil_date
from data.models import Agency, Chat, Enrolment, Identity, Person

Role = Literal["focal", "coordinator", "leader"]


@dataclass(frozen=True, slots=True)
class ActiveEnrolment:
    """One living enrolment with its agency; person_id is None for a group itself.

    until_on: its last day. given_by_id: the enrolment with which it ends. Both None: a right of its own.
    """

    id: int
    chat_id: int
    person_id: int | None
    agency_id: int
    agency_code: str
    agency: str
    province: str
    role: Role
    may_decide: bool
    until_on: date | None = None
    given_by_id: int | None = None


async def find_person(connection: AsyncConnection, account_id: int, sender: str) -> int | None:
    """Return the person of a sender id; None for a stranger, or for an anonymous sender ("")."""
    if not sender:
        return None
    return await connection.scalar(_BY_SENDER, {"account_id": account_id, "sender": sender})


async def ensure_person(
    connection: AsyncConnection, account_id: int, sender: str, name: str, *, now: datetime
) -> int:
    """Return the person of a sender id, created if new; called only when one enrols.

    Raises ValueError without a sender id.
    """
    if not sender:
        raise ValueError("a person needs a sender id")
    person_id = await find_person(connection, account_id, sender)
    if person_id is not None:
        return person_id
    added = await connection.execute(
        insert(Person).values(name=name[:120] or None, created_at=now).returning(Person.id)
    )
    new_id = int(added.scalar_one())
    await link_identity(connection, account_id, sender, new_id)
    return new_id


async def link_identity(
    connection: AsyncConnection, account_id: int, sender: str, person_id: int
) -> None:
    """Add a sender id, new on its account, to a known person."""
    await connection.execute(
        insert(Identity).values(account_id=account_id, sender=sender, person_id=person_id)
    )


async def enrol(
    connection: AsyncConnection,
    *,
    chat_id: int,
    person_id: int | None,
    agency_id: int,
    role: Role,
    may_decide: bool = False,
    until_on: date | None = None,
    given_by_id: int | None = None,
    now: datetime,
) -> int:
    """Enrol a chat (person None: a group) for an agency in a role; returns the enrolment's id.

    Repeating it changes nothing; a right that lasts longer, or may decide, takes the place of one that does
    not. The chat lives again. until_on, given_by_id: as ActiveEnrolment has them.
    """
    await _wake(connection, chat_id)
    today = civil_date(now)
    length = (until_on or date.max, given_by_id is None)
    held = await _list_not_ended(connection, chat_id, person_id, agency_id, role)
    over = [row.id for row in held if row.until_on is not None and row.until_on < today]
    if over:
        await end_enrolments(connection, Enrolment.id.in_(over), now=now)
    held = [row for row in held if row.id not in over]
    for row in held:
        if row.may_decide >= may_decide and _length(row) >= length:
            return int(row.id)
    given = {"may_decide": may_decide, "until_on": until_on, "given_by_id": given_by_id}
    lesser = [row for row in held if row.may_decide <= may_decide and _length(row) <= length]
    for row in sorted(lesser, key=lambda row: bool(row.may_decide), reverse=True)[:1]:
        await connection.execute(update(Enrolment).where(Enrolment.id == row.id).values(given))
        return int(row.id)
    added = await connection.execute(
        insert(Enrolment)
        .values(
            chat_id=chat_id,
            person_id=person_id,
            agency_id=agency_id,
            role=role,
            enrolled_at=now,
            **given,
        )
        .returning(Enrolment.id)
    )
    return int(added.scalar_one())


async def move_enrolments(connection: AsyncConnection, from_chat: int, to_chat: int) -> None:
    """Move a chat's enrolments to another chat, as they are; of one held in both, the shorter counts no more."""
    rows = await connection.execute(
        select(Enrolment.__table__)
        .where(Enrolment.chat_id == from_chat, Enrolment.ended_at.is_(None))
        .order_by(Enrolment.id)
    )
    moved = rows.all()
    if moved:
        await _wake(connection, to_chat)
    for row in moved:
        there = await _list_not_ended(connection, to_chat, row.person_id, row.agency_id, row.role)
        same = next((each for each in there if each.may_decide == row.may_decide), None)
        stays, ends = row, same
        if same is not None and _length(same) >= _length(row):
            stays, ends = same, row
        if ends is not None:
            await connection.execute(
                update(Enrolment).where(Enrolment.id == ends.id).values(ended_at=ends.enrolled_at)
            )
            await connection.execute(
                update(Enrolment)
                .where(Enrolment.given_by_id == ends.id)
                .values(given_by_id=stays.id)
            )
        if stays is row:
            await connection.execute(
                update(Enrolment).where(Enrolment.id == row.id).values(chat_id=to_chat)
            )


async def end_enrolments(
    connection: AsyncConnection, condition: ColumnElement[bool], *, now: datetime
) -> list[Row[Any]]:
    """End the enrolments that meet a condition, and all that was passed on from them; returns their rows."""
    ended: list[Row[Any]] = []
    while True:
        rows = await connection.execute(
            update(Enrolment)
            .where(condition, Enrolment.ended_at.is_(None))
            .values(ended_at=now)
            .returning(Enrolment)
        )
        found = rows.all()
        if not found:
            return ended
        ended += found
        condition = Enrolment.given_by_id.in_([row.id for row in found])


async def list_chat_enrolments(
    connection: AsyncConnection, chat_id: int, *, person_id: int | None, today: date
) -> list[ActiveEnrolment]:
    """Return a chat's living enrolments of a person; None: those of the group itself."""
    query = _OF_GROUP if person_id is None else _OF_PERSON_IN_CHAT
    values = {"chat_id": chat_id, "person_id": person_id, "today": today}
    rows = await connection.execute(query, values)
    return [ActiveEnrolment(*cast("tuple[Any, ...]", row)) for row in rows]


async def is_enrolled(connection: AsyncConnection, chat_id: int, *, today: date) -> bool:
    """Tell whether a person, or the group itself, is enrolled in a chat."""
    enrolment_id = await connection.scalar(
        select(Enrolment.id)
        .where(Enrolment.chat_id == chat_id, Enrolment.living(on=today))
        .limit(1)
    )
    return enrolment_id is not None


async def list_person_enrolments(
    connection: AsyncConnection, person_id: int, *, today: date
) -> list[ActiveEnrolment]:
    """Return all living enrolments of a person, in any chat."""
    return await list_enrolments(connection, Enrolment.person_id == person_id, today=today)


async def find_enrolment(
    connection: AsyncConnection, enrolment_id: int, *, today: date
) -> ActiveEnrolment | None:
    """Return one enrolment with its agency; None where it lives no more."""
    found = await list_enrolments(connection, Enrolment.id == enrolment_id, today=today)
    return found[0] if found else None


async def list_enrolments(
    connection: AsyncConnection, condition: ColumnElement[bool], *, today: date
) -> list[ActiveEnrolment]:
    """Return the living enrolments that meet a condition on Enrolment or Agency, oldest first."""
    rows = await connection.execute(_ACTIVE.where(condition), {"today": today})
    return [ActiveEnrolment(*cast("tuple[Any, ...]", row)) for row in rows]


def earlier_day(one: date | None, other: date | None) -> date | None:
    """Return the earlier of two last days; None: there is none."""
    return min((day for day in (one, other) if day is not None), default=None)


def last_day(given: Sequence[ActiveEnrolment], until_on: date | None = None) -> date | None:
    """Return the last day of those that are passed on until a day; None: one of them has no end."""
    days = [earlier_day(until_on, each.until_on) for each in given]
    return max((day for day in days if day is not None), default=None) if None not in days else None


def _length(row: Row[Any]) -> tuple[date, bool]:
    """Return what sorts two ends of one right: a right of its own outlasts one passed on."""
    return row.until_on or date.max, row.given_by_id is None


async def _list_not_ended(
    connection: AsyncConnection, chat_id: int, person_id: int | None, agency_id: int, role: str
) -> list[Row[Any]]:
    """Return the rows of one right in a chat, with and without may_decide."""
    # A unique index does not see two nulls as equal, so groups are looked up here.
    same_person = (
        Enrolment.person_id.is_(None) if person_id is None else Enrolment.person_id == person_id
    )
    rows = await connection.execute(
        select(Enrolment.__table__).where(
            Enrolment.chat_id == chat_id,
            same_person,
            Enrolment.agency_id == agency_id,
            Enrolment.role == role,
            Enrolment.ended_at.is_(None),
        )
    )
    return list(rows.all())


async def _wake(connection: AsyncConnection, chat_id: int) -> None:
    await connection.execute(
        update(Chat).where(Chat.id == chat_id).values(state="living", gone_at=None, gone_why=None)
    )


_BY_SENDER = select(Identity.person_id).where(
    Identity.account_id == bindparam("account_id"), Identity.sender == bindparam("sender")
)
_ACTIVE = (
    select(
        Enrolment.id, Enrolment.chat_id, Enrolment.person_id, Enrolment.agency_id,
        Agency.code, Agency.name, Agency.province, Enrolment.role, Enrolment.may_decide,
        Enrolment.until_on, Enrolment.given_by_id,
    )
    .join(Agency, Agency.id == Enrolment.agency_id)
    .where(Enrolment.living(on=bindparam("today")))
    .order_by(Enrolment.enrolled_at, Enrolment.id)
)  # fmt: skip
_IN_CHAT = _ACTIVE.where(Enrolment.chat_id == bindparam("chat_id"))
_OF_GROUP = _IN_CHAT.where(Enrolment.person_id.is_(None))
_OF_PERSON_IN_CHAT = _IN_CHAT.where(Enrolment.person_id == bindparam("person_id"))
