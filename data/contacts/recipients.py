"""Where an agency's messages go: for each person the chat they prefer, else their first that lives;
and each group.

Promises one chat a person however many they enrolled, and no chat that is gone or whose account the
platform stopped.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.db.statements import chunks
from data.models import Account, Chat, Enrolment, Person, Plan


@dataclass(frozen=True, slots=True)
class Recipient:
    """A chat that can be written to; person_id is None for a group."""

    chat_id: int
    account_id: int
    person_id: int | None


async def list_recipients(
    connection: AsyncConnection, agency_ids: Iterable[int], *, roles: Sequence[str] = ("focal",)
) -> dict[int, list[Recipient]]:
    """Return where each agency's people are reached, absent where nowhere.

    First the chat that a person prefers, then the oldest enrolment.
    """
    wanted = sorted(set(agency_ids))
    found: dict[int, list[Recipient]] = {}
    reached: set[tuple[int, str, int]] = set()
    for some in chunks(wanted):
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
                Enrolment.agency_id.in_(some),
                Enrolment.role.in_(roles),
                Enrolment.ended_at.is_(None),
                Chat.state == "living",
                Account.stopped_at.is_(None),
            )
            .order_by(case((Chat.id == Person.prefers_chat_id, 0), else_=1), Enrolment.id)
        )
        for row in rows:
            alone = row.kind == "private" and row.person_id is not None
            whom = ("person", row.person_id) if alone else ("chat", row.chat_id)
            key = (row.agency_id, *whom)
            if key in reached:
                continue
            reached.add(key)
            found.setdefault(row.agency_id, []).append(
                Recipient(row.chat_id, row.account_id, row.person_id if alone else None)
            )
    return found


async def prefer_chat(connection: AsyncConnection, *, person_id: int, chat_id: int) -> None:
    """Let a person's messages go to one of their chats first."""
    await connection.execute(
        update(Person).where(Person.id == person_id).values(prefers_chat_id=chat_id)
    )


async def list_private_chats(connection: AsyncConnection, person_id: int) -> list[Any]:
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
            Enrolment.person_id == person_id, Enrolment.ended_at.is_(None), Chat.kind == "private"
        )
        .group_by(Chat.id, Account.id, Person.id)
        .order_by(case((Chat.id == Person.prefers_chat_id, 0), else_=1), func.min(Enrolment.id))
    )
    return list(rows.all())


async def province_coordinators(
    connection: AsyncConnection, province: str
) -> dict[int, list[Recipient]]:
    """Return where the coordinators of a province's plans are reached, by their agency; each chat once."""
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
    found: dict[int, list[Recipient]] = {}
    for agency_id, every in (
        await list_recipients(connection, agency_ids, roles=("coordinator",))
    ).items():
        found[agency_id] = [place for place in every if place.chat_id not in seen]
        seen.update(place.chat_id for place in every)
    return found
