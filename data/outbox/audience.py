"""What a waiting message tells of, and the chats that may be told it instead.

What a chat was told for is what it is enrolled for. A message goes on only to a chat that is enrolled for all
that the message tells of:

    obligations addressed to agencies of its enrolments     these agencies
    no list; the message names such an agency               this agency
    anything else, as silent agencies or the week           all that the chat is enrolled for in the province
    it names no agency                                      all that the chat is enrolled for
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Row, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.contacts.recipients import Recipient, list_recipients
from data.models import Agency, Enrolment, Message, MessageItem, Obligation, Plan

_ROLES = ("focal", "coordinator", "leader")
_LISTS_OF_OTHERS = ("silent", "escalated", "accounts", "week")  # keys of a morning's context

Right = tuple[int, str]  # an agency's id and a role


async def list_needed_rights(
    connection: AsyncConnection, message: Row[Any], enrolments: Sequence[Row[Any]]
) -> set[Right]:
    """Return the agencies and roles that a chat must be enrolled for to get a message; see the table above."""
    rights = {(row.agency_id, row.role) for row in enrolments}
    agencies = {agency_id for agency_id, _ in rights}
    told = await list_told_agencies(connection, message)
    if told <= agencies and not tells_more(message):
        # A coordinator's chat gets its agency's own obligations where nobody else of the agency has one.
        return {
            (agency_id, "leader" if role == "leader" else "focal")
            for agency_id, role in rights
            if agency_id in told
        }
    if message.agency_id is None:
        return rights
    about = select(Agency.province).where(Agency.id.in_({*told, message.agency_id}))
    nearby = await connection.scalars(
        select(Agency.id).where(Agency.id.in_(agencies), Agency.province.in_(about))
    )
    kept = set(nearby)
    return {(agency_id, role) for agency_id, role in rights if agency_id in kept}


async def list_told_agencies(connection: AsyncConnection, message: Row[Any]) -> set[int | None]:
    """Return the agencies to which a message's items are addressed; without items the one it names, or None."""
    listed: set[int | None] = set((await load_addressees(connection, message)).values())
    return listed or {message.agency_id}


async def load_addressees(connection: AsyncConnection, message: Row[Any]) -> dict[int, int]:
    """Return by obligation the agency that a message addresses with it: the owner, or whom its work came to."""
    rows = await connection.execute(
        select(MessageItem.obligation_id, Agency.id, Agency.province, Agency.code)
        .join(Obligation, Obligation.id == MessageItem.obligation_id)
        .join(Agency, Agency.id == Obligation.agency_id)
        .where(MessageItem.message_id == message.id)
        .order_by(MessageItem.position)
    )
    owners = rows.all()
    context = message.context
    undecided = set(context.get("undecided", ()))
    holders = {key: code for key, (code, _) in (context.get("holders") or {}).items()}
    places = {
        row.obligation_id: (
            row.province,
            holders.get(str(row.obligation_id)) if holders else context.get("agency_code"),
        )
        for row in owners
        if row.obligation_id not in undecided
    }
    found = await connection.execute(
        select(Agency.id, Agency.province, Agency.code).where(
            tuple_(Agency.province, Agency.code).in_({each for each in places.values() if each[1]})
        )
    )
    ids = {(row.province, row.code): row.id for row in found}
    return {
        row.obligation_id: ids.get(places.get(row.obligation_id, ("", "")), row.id)
        for row in owners
    }


async def list_entitled(
    connection: AsyncConnection, needed: set[Right], *, today: date
) -> list[Recipient]:
    """Return the chats that are enrolled for all that is needed; a coordinator's counts as a focal point's."""
    places: dict[int, Recipient] = {}
    held: dict[int, set[Right]] = {}
    for role in _ROLES:
        by_agency = await list_recipients(
            connection, {agency_id for agency_id, _ in needed}, roles=(role,), today=today
        )
        for agency_id, recipients in by_agency.items():
            for recipient in recipients:
                places.setdefault(recipient.chat_id, recipient)
                rights = held.setdefault(recipient.chat_id, set())
                rights.add((agency_id, role))
                if role == "coordinator":
                    rights.add((agency_id, "focal"))
    return [place for chat_id, place in places.items() if needed <= held[chat_id]]


async def find_coordinator(
    connection: AsyncConnection, message: Row[Any], *, today: date
) -> int | None:
    """Return the agency that coordinates the open plans of all of a message's items; None without one.

    None, too, for a message that tells more than its items.
    """
    if tells_more(message):
        return None
    rows = await connection.execute(
        select(Plan.coordinator_id, Plan.withdrawn_at, Plan.closed_on)
        .join(Obligation, Obligation.plan_id == Plan.id)
        .join(MessageItem, MessageItem.obligation_id == Obligation.id)
        .where(MessageItem.message_id == message.id)
        .distinct()
    )
    coordinators = {
        None
        if row.withdrawn_at is not None or (row.closed_on is not None and row.closed_on < today)
        else row.coordinator_id
        for row in rows
    }
    return coordinators.pop() if len(coordinators) == 1 else None


async def load_enrolments(
    connection: AsyncConnection, chat_id: int, *, today: date
) -> Sequence[Row[Any]]:
    """Return the living enrolments of a chat, oldest first, as rows."""
    rows = await connection.execute(
        select(Enrolment.__table__)
        .where(Enrolment.chat_id == chat_id, Enrolment.living(on=today))
        .order_by(Enrolment.id)
    )
    return rows.all()


async def load_items(connection: AsyncConnection, message_id: int) -> list[tuple[int, int | None]]:
    """Return (obligation id, rung) of a message's items, in their order."""
    rows = await connection.execute(
        select(MessageItem.obligation_id, MessageItem.rung)
        .where(MessageItem.message_id == message_id)
        .order_by(MessageItem.position)
    )
    return [(row.obligation_id, row.rung) for row in rows]


async def drop_weekly_part(connection: AsyncConnection, message: Row[Any]) -> Row[Any]:
    """Take the weekly part, which is its chat's alone, out of a message that also lists items; return its row."""
    if not message.context.get("week") or not message.context.get("shown"):
        return message
    context = {**message.context, "week": None}
    changed = await connection.execute(
        update(Message)
        .where(Message.id == message.id)
        .values(context=context)
        .returning(*Message.__table__.columns)
    )
    return changed.one()


def tells_more(message: Row[Any]) -> bool:
    """Tell whether a message tells of more than the items that it lists."""
    return any(message.context.get(key) for key in _LISTS_OF_OTHERS)
