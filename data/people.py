"""Who is enrolled, what is kept of a person, and letting it go.

Promises that an erased person is nobody any more: no name, no sender id, no private address, no raw
words; while what an agency answered and what was decided stays on record without them. Never sends.
Rests on the Luật Bảo vệ dữ liệu cá nhân (right to see and to have erased).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, case, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import (
    Account,
    Agency,
    Chat,
    ChatAlias,
    Decision,
    Dialog,
    Enrolment,
    Evidence,
    Explanation,
    ExtensionRequest,
    Identity,
    InboxEvent,
    Message,
    Person,
    StatusReply,
)

_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Erased:
    """What was let go of: sender ids, enrolments ended, private chats, raw updates emptied."""

    identities: int
    enrolments: int
    chats: int
    updates: int


async def enrolled_people(
    connection: AsyncConnection, *, province: str | None = None, agency_id: int | None = None
) -> list[Any]:
    """Return the living enrolments of persons and groups, by province, agency and age."""
    statement = (
        select(
            Enrolment.id.label("enrolment_id"),
            Enrolment.person_id,
            Enrolment.chat_id,
            Person.name,
            Agency.province,
            Agency.name.label("agency"),
            Enrolment.role,
            Enrolment.may_decide,
            Enrolment.enrolled_at,
            Enrolment.until_on,
            Account.channel,
            Chat.kind,
            Chat.title,
            Chat.state,
            Chat.last_seen_at,
        )
        .join(Agency, Agency.id == Enrolment.agency_id)
        .join(Chat, Chat.id == Enrolment.chat_id)
        .join(Account, Account.id == Chat.account_id)
        .outerjoin(Person, Person.id == Enrolment.person_id)
        .where(Enrolment.ended_at.is_(None))
        .order_by(Agency.province, Agency.position, Enrolment.id)
    )
    if province is not None:
        statement = statement.where(Agency.province == province)
    if agency_id is not None:
        statement = statement.where(Enrolment.agency_id == agency_id)
    return list(await connection.execute(statement))


async def agency_chats(
    connection: AsyncConnection, province: str, *, today: date, agency_ids: Sequence[int] = ()
) -> list[Any]:
    """Return a province's living agencies with their chats: those without any first.

    Each row: id, code, name, short, private, groups, gone (how many), last_seen_at. agency_ids: only
    these.
    """
    alive = and_(Enrolment.ended_at.is_(None), Chat.state == "living", Account.stopped_at.is_(None))
    private = func.count(func.distinct(case((and_(alive, Chat.kind == "private"), Chat.id))))
    groups = func.count(func.distinct(case((and_(alive, Chat.kind == "group"), Chat.id))))
    gone = func.count(
        func.distinct(case((and_(Enrolment.ended_at.is_(None), Chat.state == "gone"), Chat.id)))
    )
    statement = (
        select(
            Agency.id,
            Agency.code,
            Agency.name,
            Agency.short,
            private.label("private"),
            groups.label("groups"),
            gone.label("gone"),
            func.max(case((Enrolment.ended_at.is_(None), Chat.last_seen_at))).label("last_seen_at"),
        )
        .outerjoin(Enrolment, Enrolment.agency_id == Agency.id)
        .outerjoin(Chat, Chat.id == Enrolment.chat_id)
        .outerjoin(Account, Account.id == Chat.account_id)
        .where(
            Agency.province == province,
            or_(Agency.valid_from.is_(None), Agency.valid_from <= today),
            or_(Agency.valid_until.is_(None), Agency.valid_until >= today),
        )
        .group_by(Agency.id, Agency.code, Agency.name, Agency.short, Agency.position)
        .order_by(case((private + groups > 0, 1), else_=0), Agency.position)
    )
    if agency_ids:
        statement = statement.where(Agency.id.in_(agency_ids))
    return list(await connection.execute(statement))


async def end_enrolments(
    connection: AsyncConnection,
    *,
    person_id: int | None = None,
    group_chat_id: int | None = None,
    agency_id: int | None = None,
    now: datetime,
) -> int:
    """End the living enrolments of a person, or of a group itself; agency_id: for one agency only.

    Returns how many. Raises ValueError where neither is named.
    """
    if person_id is not None:
        whose = Enrolment.person_id == person_id
    elif group_chat_id is not None:
        whose = and_(Enrolment.chat_id == group_chat_id, Enrolment.person_id.is_(None))
    else:
        raise ValueError("whose enrolments?")
    if agency_id is not None:
        whose = and_(whose, Enrolment.agency_id == agency_id)
    ended = await connection.execute(
        update(Enrolment).where(whose, Enrolment.ended_at.is_(None)).values(ended_at=now)
    )
    return int(ended.rowcount)


async def person_row(connection: AsyncConnection, person_id: int) -> Any | None:
    """Return a person's row, or None."""
    return (await connection.execute(select(Person).where(Person.id == person_id))).one_or_none()


async def kept_of(connection: AsyncConnection, person_id: int) -> dict[str, Any] | None:
    """Return everything kept of a person, or None where there is no such person."""
    person = await person_row(connection, person_id)
    if person is None:
        return None
    identities = await connection.execute(
        select(Account.channel, Account.name.label("account"), Identity.sender)
        .join(Account, Account.id == Identity.account_id)
        .where(Identity.person_id == person_id)
        .order_by(Identity.id)
    )
    enrolments = await connection.execute(
        select(
            Agency.province,
            Agency.name.label("agency"),
            Enrolment.role,
            Enrolment.may_decide,
            Enrolment.enrolled_at,
            Enrolment.ended_at,
            Enrolment.until_on,
            Chat.kind.label("chat"),
            Chat.address,
        )
        .join(Agency, Agency.id == Enrolment.agency_id)
        .join(Chat, Chat.id == Enrolment.chat_id)
        .where(Enrolment.person_id == person_id)
        .order_by(Enrolment.id)
    )
    replies = await connection.execute(
        select(
            StatusReply.said_at,
            StatusReply.said,
            Agency.name.label("agency"),
            StatusReply.percent,
            StatusReply.until,
            StatusReply.document,
            StatusReply.note,
        )
        .join(Agency, Agency.id == StatusReply.agency_id)
        .where(StatusReply.person_id == person_id)
        .order_by(StatusReply.id)
    )
    chats = await _private_chats(connection, person_id)
    counts = {
        "extension_requests": (ExtensionRequest, ExtensionRequest.person_id),
        "explanations": (Explanation, Explanation.answered_person_id),
        "decisions": (Decision, Decision.person_id),
        "evidence": (Evidence, Evidence.person_id),
        "dialogs": (Dialog, Dialog.person_id),
    }
    return {
        "person": person.id,
        "name": person.name,
        "created_at": person.created_at,
        "identities": [dict(row._mapping) for row in identities],
        "enrolments": [dict(row._mapping) for row in enrolments],
        "replies": [dict(row._mapping) for row in replies],
        "raw_updates": len(await _raw_updates(connection, person_id)),
        "messages": await _count(connection, Message, Message.chat_id.in_(chats)),
        **{
            name: await _count(connection, table, column == person_id)
            for name, (table, column) in counts.items()
        },
    }


async def erase(connection: AsyncConnection, person_id: int, *, now: datetime) -> Erased:
    """Let go of who a person is; answers and decisions stay as their agency's, without a name.

    Their private chats are closed and what waits to be sent there is dropped. Harmless to repeat.
    """
    raw = await _raw_updates(connection, person_id)
    for start in range(0, len(raw), _CHUNK):
        await connection.execute(
            update(InboxEvent)
            .where(InboxEvent.id.in_(raw[start : start + _CHUNK]))
            .values(raw=b"", address=None, error=None)
        )
    chats = await _private_chats(connection, person_id)
    enrolments = await end_enrolments(connection, person_id=person_id, now=now)
    for chat_id in chats:
        await connection.execute(
            update(Chat)
            .where(Chat.id == chat_id)
            .values(
                address=f"erased:{chat_id}",
                thread="",
                title=None,
                state="gone",
                gone_at=now,
                gone_why="erased",
                last_seen_at=None,
            )
        )
    await connection.execute(delete(ChatAlias).where(ChatAlias.chat_id.in_(chats)))
    await connection.execute(
        update(Message)
        .where(Message.chat_id.in_(chats), Message.state == "pending")
        .values(state="skipped", error="erased")
    )
    await connection.execute(delete(Dialog).where(Dialog.person_id == person_id))
    gone = await connection.execute(delete(Identity).where(Identity.person_id == person_id))
    await connection.execute(update(Person).where(Person.id == person_id).values(name=None))
    return Erased(int(gone.rowcount), enrolments, len(chats), len(raw))


async def _private_chats(connection: AsyncConnection, person_id: int) -> list[int]:
    """Return the private chats that are a person's own, also those without an enrolment any more."""
    rows = await connection.execute(
        select(Chat.id)
        .where(
            Chat.kind == "private",
            or_(
                Chat.id.in_(select(Enrolment.chat_id).where(Enrolment.person_id == person_id)),
                select(Identity.id)
                .where(
                    Identity.person_id == person_id,
                    Identity.account_id == Chat.account_id,
                    Identity.sender == Chat.address,
                )
                .exists(),
            ),
        )
        .order_by(Chat.id)
    )
    return list(rows.scalars())


async def _raw_updates(connection: AsyncConnection, person_id: int) -> list[int]:
    """Return the handled updates whose raw form still holds a sender id of the person."""
    identities = await connection.execute(
        select(Identity.account_id, Identity.sender).where(Identity.person_id == person_id)
    )
    found: set[int] = set()
    for account_id, sender in identities.all():
        rows = await connection.stream(
            select(InboxEvent.id, InboxEvent.address, InboxEvent.raw).where(
                InboxEvent.account_id == account_id,
                InboxEvent.state != "new",
                InboxEvent.raw != b"",
            )
        )
        async for row in rows:
            if row.address == sender or sender.encode() in row.raw:
                found.add(row.id)
    return sorted(found)


async def _count(connection: AsyncConnection, table: Any, condition: Any) -> int:
    return int(
        await connection.scalar(select(func.count()).select_from(table).where(condition)) or 0
    )
