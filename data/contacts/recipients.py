"""Recipients of an agency's messages: one chat for each person, and each group.

Guarantees:
- A person has one chat: the one they prefer, else the first that they enrolled.
- No chat is gone, and no account is stopped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import case, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.db.statements import chunks
from data.models import Account, Agency, Chat, Enrolment, Person, Plan


@dataclass(frozen=True, slots=True)
class Recipient:
    """A chat that can be written to; person_id is None for a group."""

    chat_id: int
    account_id: int
    person_id: int | None


async def list_recipients(
    connection: AsyncConnection,
    agency_ids: Iterable[int],
    *,
    roles: Sequence[str] = ("focal",),
    today: date,
) -> dict[int, list[Recipient]]:
    """Return each agency's recipients in any of the roles; agencies without one are absent."""
    distinct_ids = sorted(set(agency_ids))
    by_agency: dict[int, list[Recipient]] = {}
    seen: set[tuple[int, str, int]] = set()
    for part in chunks(distinct_ids):
        rows = await connection.execute(
            select(
                Enrolment.agency_id,
                Enrolment.person_id,
                Chat.id.label("chat_id"),
                Chat.account_id,
                Chat.kind,
            )
            .join(Chat, Chat.id == Enrolment.chat_id)
            .join(Account, Account.id == Chat.account_id)
            .outerjoin(Person, Person.id == Enrolment.person_id)
            .where(
                Enrolment.agency_id.in_(part),
                Enrolment.role.in_(roles),
                Enrolment.living(on=today),
                Chat.state == "living",
                Account.stopped_at.is_(None),
            )
            .order_by(case((Chat.id == Person.prefers_chat_id, 0), else_=1), Enrolment.id)
        )
        for row in rows:
            is_person = row.kind == "private" and row.person_id is not None
            reader = ("person", row.person_id) if is_person else ("chat", row.chat_id)
            key = (row.agency_id, *reader)
            if key in seen:
                continue
            seen.add(key)
            by_agency.setdefault(row.agency_id, []).append(
                Recipient(row.chat_id, row.account_id, row.person_id if is_person else None)
            )
    return by_agency


async def agency_recipients(
    connection: AsyncConnection, agency_id: int, roles: Sequence[str] = ("focal",), *, today: date
) -> list[Recipient]:
    """Return an agency's recipients in any of the roles; see list_recipients."""
    by_agency = await list_recipients(connection, (agency_id,), roles=roles, today=today)
    return by_agency.get(agency_id, [])


async def is_recipient(
    connection: AsyncConnection, chat_id: int, agency_id: int, *, today: date
) -> bool:
    """Tell whether a chat is living and enrolled for an agency, whichever chat its person prefers."""
    found = await connection.scalar(
        select(Enrolment.id)
        .join(Chat, Chat.id == Enrolment.chat_id)
        .join(Account, Account.id == Chat.account_id)
        .where(
            Enrolment.agency_id == agency_id,
            Enrolment.chat_id == chat_id,
            Enrolment.living(on=today),
            Chat.state == "living",
            Account.stopped_at.is_(None),
        )
        .limit(1)
    )
    return found is not None


async def coordinator_recipients(
    connection: AsyncConnection, agency_id: int, *, today: date
) -> list[Recipient]:
    """Return the coordinators of a coordinating agency."""
    return await agency_recipients(connection, agency_id, ("coordinator",), today=today)


async def deciding_leader_recipients(
    connection: AsyncConnection, province: str, *, today: date
) -> list[Recipient]:
    """Return a province's leaders who may decide, each person once."""
    rows = await connection.execute(
        select(Enrolment.agency_id, Enrolment.chat_id)
        .join(Agency, Agency.id == Enrolment.agency_id)
        .where(
            Agency.province == province,
            Enrolment.role == "leader",
            Enrolment.may_decide.is_(True),
            Enrolment.living(on=today),
        )
    )
    deciding = rows.all()
    chat_ids = {row.chat_id for row in deciding}
    by_agency = await list_recipients(
        connection, [row.agency_id for row in deciding], roles=("leader",), today=today
    )
    leaders = [each for group in by_agency.values() for each in group if each.chat_id in chat_ids]
    return list({leader.chat_id: leader for leader in leaders}.values())


async def prefer_chat(connection: AsyncConnection, *, person_id: int, chat_id: int) -> None:
    """Make one of a person's chats the one that their messages go to."""
    await connection.execute(
        update(Person).where(Person.id == person_id).values(prefers_chat_id=chat_id)
    )


async def list_private_chats(
    connection: AsyncConnection, person_id: int, *, today: date
) -> list[Any]:
    """Return a person's private chats with id, state, stopped_at, bot, channel; the preferred first."""
    rows = await connection.execute(
        select(
            Chat.id,
            Chat.state,
            Account.stopped_at,
            func.coalesce(Account.title, Account.name).label("bot"),
            Account.channel,
            (Chat.id == Person.prefers_chat_id).label("preferred"),
        )
        .join(Enrolment, Enrolment.chat_id == Chat.id)
        .join(Account, Account.id == Chat.account_id)
        .join(Person, Person.id == Enrolment.person_id)
        .where(
            Enrolment.person_id == person_id,
            Enrolment.living(on=today),
            Chat.kind == "private",
        )
        .group_by(Chat.id, Account.id, Person.id)
        .order_by(case((Chat.id == Person.prefers_chat_id, 0), else_=1), func.min(Enrolment.id))
    )
    return list(rows.all())


async def province_coordinators(
    connection: AsyncConnection, province: str, *, today: date
) -> dict[int, list[Recipient]]:
    """Return the coordinators of a province's plans, by agency; each chat once."""
    rows = await connection.scalars(
        select(Plan.coordinator_id)
        .where(
            Plan.province == province,
            Plan.coordinator_id.is_not(None),
            Plan.withdrawn_at.is_(None),
        )
        .distinct()
    )
    agency_ids = [agency_id for agency_id in rows.all() if agency_id is not None]
    seen: set[int] = set()
    by_agency = await list_recipients(connection, agency_ids, roles=("coordinator",), today=today)
    for agency_id, every in by_agency.items():
        by_agency[agency_id] = [each for each in every if each.chat_id not in seen]
        seen.update(each.chat_id for each in every)
    return by_agency
