"""Persons and enrolments: find, create, move, end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, cast

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import Agency, Chat, Enrolment, Identity, Person

Role = Literal["focal", "coordinator", "leader"]


@dataclass(frozen=True, slots=True)
class ActiveEnrolment:
    """One living enrolment with its agency; person_id is None for a group itself."""

    id: int
    chat_id: int
    person_id: int | None
    agency_id: int
    agency_code: str
    agency: str
    province: str
    role: Role
    may_decide: bool


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
    now: datetime,
) -> int:
    """Enrol a chat (person None: a group) for an agency in a role; returns the enrolment's id.

    Repeating it changes nothing; an ended enrolment lives again, and so does the chat. until_on: the last
    day of a stand-in; it never shortens an enrolment that lives for longer.
    """
    rows = await connection.execute(
        select(Enrolment.id, Enrolment.ended_at, Enrolment.may_decide, Enrolment.until_on).where(
            Enrolment.chat_id == chat_id,
            # SQL's unique key does not see two nulls as equal, so groups are looked up here.
            Enrolment.person_id.is_(None)
            if person_id is None
            else Enrolment.person_id == person_id,
            Enrolment.agency_id == agency_id,
            Enrolment.role == role,
        )
    )
    existing = rows.first()
    await connection.execute(
        update(Chat).where(Chat.id == chat_id).values(state="living", gone_at=None, gone_why=None)
    )
    if existing is not None:
        decides = may_decide or (existing.may_decide and existing.ended_at is None)
        values: dict[str, Any] = {"ended_at": None, "may_decide": decides, "until_on": until_on}
        if existing.ended_at is None and until_on is not None:
            before = existing.until_on
            values["until_on"] = None if before is None else max(before, until_on)
        if existing.ended_at is not None:
            values["enrolled_at"] = now
        await connection.execute(
            update(Enrolment).where(Enrolment.id == existing.id).values(values)
        )
        return int(existing.id)
    added = await connection.execute(
        insert(Enrolment)
        .values(
            chat_id=chat_id,
            person_id=person_id,
            agency_id=agency_id,
            role=role,
            may_decide=may_decide,
            until_on=until_on,
            enrolled_at=now,
        )
        .returning(Enrolment.id)
    )
    return int(added.scalar_one())


async def move_enrolments(
    connection: AsyncConnection,
    from_chat: int,
    to_chat: int,
    *,
    ended_at: datetime | None = None,
) -> None:
    """Move a chat's living enrolments to another chat, each with the instant at which it began.

    ended_at: end of the old ones; None: the instant at which each began.
    """
    rows = await connection.execute(
        select(Enrolment.__table__)
        .where(Enrolment.chat_id == from_chat, Enrolment.ended_at.is_(None))
        .order_by(Enrolment.id)
    )
    for row in rows.all():
        await enrol(
            connection,
            chat_id=to_chat,
            person_id=row.person_id,
            agency_id=row.agency_id,
            role=row.role,
            may_decide=row.may_decide,
            now=row.enrolled_at,
        )
        await connection.execute(
            update(Enrolment)
            .where(Enrolment.id == row.id)
            .values(ended_at=ended_at or row.enrolled_at)
        )


async def list_chat_enrolments(
    connection: AsyncConnection, chat_id: int, *, person_id: int | None
) -> list[ActiveEnrolment]:
    """Return a chat's living enrolments of a person; None: those of the group itself."""
    query = _OF_GROUP if person_id is None else _OF_PERSON_IN_CHAT
    rows = await connection.execute(query, {"chat_id": chat_id, "person_id": person_id})
    return [ActiveEnrolment(*cast("tuple[Any, ...]", row)) for row in rows]


async def is_enrolled(connection: AsyncConnection, chat_id: int) -> bool:
    """Tell whether a person, or the group itself, is enrolled in a chat."""
    enrolment_id = await connection.scalar(
        select(Enrolment.id)
        .where(Enrolment.chat_id == chat_id, Enrolment.ended_at.is_(None))
        .limit(1)
    )
    return enrolment_id is not None


async def list_person_enrolments(
    connection: AsyncConnection, person_id: int
) -> list[ActiveEnrolment]:
    """Return all living enrolments of a person, in any chat."""
    return await list_enrolments(connection, Enrolment.person_id == person_id)


async def find_enrolment(connection: AsyncConnection, enrolment_id: int) -> ActiveEnrolment:
    """Return one living enrolment with its agency."""
    (enrolment,) = await list_enrolments(connection, Enrolment.id == enrolment_id)
    return enrolment


async def list_enrolments(connection: AsyncConnection, condition: Any) -> list[ActiveEnrolment]:
    """Return the living enrolments that meet a condition on Enrolment or Agency, oldest first."""
    rows = await connection.execute(_ACTIVE.where(condition))
    return [ActiveEnrolment(*cast("tuple[Any, ...]", row)) for row in rows]


async def end_stand_ins(
    connection: AsyncConnection, *, today: date, now: datetime, chat_id: int | None = None
) -> None:
    """End the enrolments of stand-ins whose last day is over; chat_id: of one chat only."""
    statement = _END_STAND_INS if chat_id is None else _END_STAND_INS_IN_CHAT
    await connection.execute(statement, {"today": today, "now": now, "here": chat_id})


_BY_SENDER = select(Identity.person_id).where(
    Identity.account_id == bindparam("account_id"), Identity.sender == bindparam("sender")
)
_ACTIVE = (
    select(
        Enrolment.id, Enrolment.chat_id, Enrolment.person_id, Enrolment.agency_id,
        Agency.code, Agency.name, Agency.province, Enrolment.role, Enrolment.may_decide,
    )
    .join(Agency, Agency.id == Enrolment.agency_id)
    .where(Enrolment.ended_at.is_(None))
    .order_by(Enrolment.enrolled_at, Enrolment.id)
)  # fmt: skip
_IN_CHAT = _ACTIVE.where(Enrolment.chat_id == bindparam("chat_id"))
_OF_GROUP = _IN_CHAT.where(Enrolment.person_id.is_(None))
_OF_PERSON_IN_CHAT = _IN_CHAT.where(Enrolment.person_id == bindparam("person_id"))
_END_STAND_INS = (
    update(Enrolment)
    .where(Enrolment.until_on < bindparam("today"), Enrolment.ended_at.is_(None))
    .values(ended_at=bindparam("now"))
)
_END_STAND_INS_IN_CHAT = _END_STAND_INS.where(Enrolment.chat_id == bindparam("here"))
