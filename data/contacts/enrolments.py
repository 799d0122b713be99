"""Chats, persons and enrolments: find, create, end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, Protocol, cast

from sqlalchemy import Row, bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.contacts.recipients import Recipient, list_recipients
from data.models import Agency, Chat, ChatAlias, Enrolment, Identity, Person

Role = Literal["focal", "coordinator", "leader"]


class MessageOrigin(Protocol):
    """What of an incoming thing tells chat and person; jobs.channel.Incoming fits."""

    @property
    def account_id(self) -> int: ...
    @property
    def address(self) -> str: ...
    @property
    def thread(self) -> str: ...
    @property
    def chat_kind(self) -> Literal["private", "group"]: ...
    @property
    def chat_title(self) -> str: ...
    @property
    def sender(self) -> str: ...
    @property
    def sender_name(self) -> str: ...


@dataclass(frozen=True, slots=True)
class ActiveEnrolment:
    """One living enrolment with its agency."""

    id: int
    chat_id: int
    person_id: int | None
    agency_id: int
    agency_code: str
    agency: str
    province: str
    role: Role
    may_decide: bool


async def ensure_chat(
    connection: AsyncConnection, incoming: MessageOrigin, *, now: datetime
) -> Row[Any]:
    """Return the chat row of an incoming thing, made if new; notes the sign of life.

    An address that a chat had before it moved finds that chat. A private chat's title is never kept:
    it is a person's name.
    """
    chat = await find_chat(connection, incoming.account_id, incoming.address, incoming.thread)
    title = incoming.chat_title[:200] if incoming.chat_kind == "group" else ""
    if chat is None:
        made = insert(Chat).values(
            account_id=incoming.account_id,
            address=incoming.address,
            thread=incoming.thread,
            kind=incoming.chat_kind,
            title=title or None,
            last_seen_at=now,
        )
        return (await connection.execute(made.returning(Chat))).one()
    seen = {"of": chat.id, "now": now, "titled": title or chat.title}
    return (await connection.execute(_SEEN, seen)).one()


async def find_chat(
    connection: AsyncConnection, account_id: int, address: str, thread: str = ""
) -> Row[Any] | None:
    """Return the chat at an address, or at one it had before it moved; None where there is none."""
    at = {"account_id": account_id, "address": address, "thread": thread}
    chat = (await connection.execute(_AT, at)).one_or_none()
    if chat is not None:
        return chat
    return (await connection.execute(_MOVED_FROM, at)).first()


async def find_person(connection: AsyncConnection, account_id: int, sender: str) -> int | None:
    """Return the person behind a sender id, or None for a stranger or a sender that cannot be told."""
    if not sender:
        return None
    return await connection.scalar(_BEHIND, {"account_id": account_id, "sender": sender})


async def ensure_person(
    connection: AsyncConnection, account_id: int, sender: str, name: str, *, now: datetime
) -> int:
    """Return the person behind a sender id, made if new; called only when somebody enrols."""
    if not sender:
        raise ValueError("a person needs a sender id")
    person_id = await find_person(connection, account_id, sender)
    if person_id is not None:
        return person_id
    added = await connection.execute(
        insert(Person).values(name=name[:120] or None, created_at=now).returning(Person.id)
    )
    made: int = added.scalar_one()
    await connection.execute(
        insert(Identity).values(account_id=account_id, sender=sender, person_id=made)
    )
    return made


async def link_identity(
    connection: AsyncConnection, account_id: int, sender: str, person_id: int
) -> None:
    """Know a sender id, new on its account, as a person who is known elsewhere."""
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

    Done twice it changes nothing; one that had ended lives again. The chat counts as living. until_on:
    the last day of who stands in; it never shortens an enrolment that lives for longer.
    """
    found = await connection.execute(
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
    existing = found.first()
    await connection.execute(
        update(Chat).where(Chat.id == chat_id).values(state="living", gone_at=None, gone_why=None)
    )
    if existing is not None:
        decides = may_decide or (existing.may_decide and existing.ended_at is None)
        values: dict[str, Any] = {"ended_at": None, "may_decide": decides, "until_on": until_on}
        if existing.ended_at is None and until_on is not None:
            kept = existing.until_on
            values["until_on"] = None if kept is None else max(kept, until_on)
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
    made: int = added.scalar_one()
    return made


async def list_chat_enrolments(
    connection: AsyncConnection, chat_id: int, *, person_id: int | None
) -> list[ActiveEnrolment]:
    """Return a chat's living enrolments that speak for a person; None: those of the group itself."""
    query = _GROUPS_OWN if person_id is None else _OF_PERSON_HERE
    rows = await connection.execute(query, {"chat_id": chat_id, "person_id": person_id})
    return [ActiveEnrolment(*cast("tuple[Any, ...]", row)) for row in rows]


async def is_enrolled(connection: AsyncConnection, chat_id: int) -> bool:
    """Tell whether anybody, or the group itself, is enrolled in a chat."""
    found = await connection.scalar(
        select(Enrolment.id)
        .where(Enrolment.chat_id == chat_id, Enrolment.ended_at.is_(None))
        .limit(1)
    )
    return found is not None


async def list_person_enrolments(
    connection: AsyncConnection, person_id: int
) -> list[ActiveEnrolment]:
    """Return all living enrolments of a person, in whatever chat."""
    return await list_enrolments(connection, Enrolment.person_id == person_id)


async def find_enrolment(connection: AsyncConnection, enrolment_id: int) -> ActiveEnrolment:
    """Return one living enrolment with its agency."""
    (enrolled,) = await list_enrolments(connection, Enrolment.id == enrolment_id)
    return enrolled


async def list_enrolments(connection: AsyncConnection, condition: Any) -> list[ActiveEnrolment]:
    """Return the living enrolments that a condition on Enrolment or Agency holds for, oldest first."""
    rows = await connection.execute(_ENROLLED.where(condition))
    return [ActiveEnrolment(*cast("tuple[Any, ...]", row)) for row in rows]


async def end_stand_ins(
    connection: AsyncConnection, *, today: date, now: datetime, chat_id: int | None = None
) -> None:
    """End the enrolments of those who stood in until a day before today; chat_id: of one chat only."""
    statement = _OVER if chat_id is None else _OVER_HERE
    await connection.execute(statement, {"today": today, "now": now, "here": chat_id})


async def agency_recipients(
    connection: AsyncConnection, agency_id: int, roles: Sequence[str] = ("focal",)
) -> list[Recipient]:
    """Return where an agency is reached in any of the roles: see data.contacts.recipients.list_recipients."""
    return (await list_recipients(connection, (agency_id,), roles=roles)).get(agency_id, [])


async def coordinator_recipients(connection: AsyncConnection, agency_id: int) -> list[Recipient]:
    """Return where a coordinating agency's coordinators are reached."""
    return await agency_recipients(connection, agency_id, ("coordinator",))


async def deciding_leader_recipients(connection: AsyncConnection, province: str) -> list[Recipient]:
    """Return where a province's leaders who may decide are reached, each person once."""
    rows = await connection.execute(
        select(Enrolment.agency_id, Enrolment.chat_id)
        .join(Agency, Agency.id == Enrolment.agency_id)
        .where(
            Agency.province == province,
            Enrolment.role == "leader",
            Enrolment.may_decide.is_(True),
            Enrolment.ended_at.is_(None),
        )
    )
    deciding = rows.all()
    chats = {row.chat_id for row in deciding}
    agency_ids = [row.agency_id for row in deciding]
    found = await list_recipients(connection, agency_ids, roles=("leader",))
    every = [place for each in found.values() for place in each if place.chat_id in chats]
    return list({place.chat_id: place for place in every}.values())


async def pause_chat(connection: AsyncConnection, chat_id: int, *, why: str, now: datetime) -> None:
    """Pause a chat that blocked the bot, put it out or was deleted; its enrolments stay."""
    await connection.execute(
        update(Chat)
        .where(Chat.id == chat_id, Chat.state == "living")
        .values(state="gone", gone_at=now, gone_why=why)
    )


async def wake_chat(connection: AsyncConnection, chat_id: int) -> None:
    """Wake a chat that is heard from again."""
    await connection.execute(
        update(Chat)
        .where(Chat.id == chat_id, Chat.state != "living")
        .values(state="living", gone_at=None, gone_why=None)
    )


_AT = select(Chat).where(
    Chat.account_id == bindparam("account_id"),
    Chat.address == bindparam("address"),
    Chat.thread == bindparam("thread"),
)
_MOVED_FROM = (
    select(Chat)
    .join(ChatAlias, ChatAlias.chat_id == Chat.id)
    .where(
        ChatAlias.account_id == bindparam("account_id"), ChatAlias.address == bindparam("address")
    )
)
_SEEN = (
    update(Chat)
    .where(Chat.id == bindparam("of"))
    .values(last_seen_at=bindparam("now"), title=bindparam("titled"))
    .returning(Chat)
)
_BEHIND = select(Identity.person_id).where(
    Identity.account_id == bindparam("account_id"), Identity.sender == bindparam("sender")
)
_ENROLLED = (
    select(
        Enrolment.id, Enrolment.chat_id, Enrolment.person_id, Enrolment.agency_id,
        Agency.code, Agency.name, Agency.province, Enrolment.role, Enrolment.may_decide,
    )
    .join(Agency, Agency.id == Enrolment.agency_id)
    .where(Enrolment.ended_at.is_(None))
    .order_by(Enrolment.enrolled_at, Enrolment.id)
)  # fmt: skip
_HERE = _ENROLLED.where(Enrolment.chat_id == bindparam("chat_id"))
_GROUPS_OWN = _HERE.where(Enrolment.person_id.is_(None))
_OF_PERSON_HERE = _HERE.where(Enrolment.person_id == bindparam("person_id"))
_OVER = (
    update(Enrolment)
    .where(Enrolment.until_on < bindparam("today"), Enrolment.ended_at.is_(None))
    .values(ended_at=bindparam("now"))
)
_OVER_HERE = _OVER.where(Enrolment.chat_id == bindparam("here"))
