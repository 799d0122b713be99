"""Chats that moved or were lost: forward their waiting messages, pause them, notify coordinators.

Guarantees:
- No waiting broadcast is dropped: it is forwarded, skipped where others have the same, or failed and shown.
- Coordinators are notified once of each loss.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.clock import civil_date
from data.contacts.chats import move_chat, pause_chat
from data.contacts.enrolments import move_enrolments
from data.contacts.recipients import Recipient, agency_recipients, coordinator_recipients
from data.models import Agency, Chat, Message, Plan
from data.outbox import messages as outbox
from data.outbox.rerouting import (
    end_message,
    forward,
    load_enrolments,
    load_items,
    notify_coordinators,
    readdress,
)

_WAITS = Message.state.in_(("pending", "claimed"))


async def follow_moved_chat(connection: AsyncConnection, chat_id: int, new_address: str) -> None:
    """Give a chat (and its topics) its new address; the old one still finds it.

    Messages that wait for another chat at the new address go to the one that moved there.
    """
    chat = await _load_chat(connection, chat_id)
    rows = await connection.execute(
        select(Chat.id, Chat.thread).where(
            Chat.account_id == chat.account_id, Chat.address.in_((chat.address, new_address))
        )
    )
    by_thread: dict[str, set[int]] = {}
    for row in rows:
        by_thread.setdefault(row.thread, set()).add(row.id)
    await move_chat(connection, chat_id, new_address)
    for ids in by_thread.values():
        if len(ids) < 2:
            continue
        remaining = await connection.scalar(
            select(Chat.id).where(Chat.id.in_(ids), Chat.address == new_address)
        )
        await _move_waiting(connection, ids - {remaining}, remaining)


async def topic_lost(connection: AsyncConnection, chat_id: int, *, now: datetime) -> int:
    """Let a chat that was a forum topic go on in the forum itself; returns that chat.

    Where the forum is a chat of ours already, enrolments and waiting messages move to it. The
    coordinators are notified.
    """
    topic = await _load_chat(connection, chat_id)
    forum = await connection.scalar(
        select(Chat.id).where(
            Chat.account_id == topic.account_id, Chat.address == topic.address, Chat.thread == ""
        )
    )
    if forum is None:
        await connection.execute(update(Chat).where(Chat.id == chat_id).values(thread=""))
        forum = chat_id
    elif forum != chat_id:
        await move_enrolments(connection, chat_id, forum, ended_at=now)
        await pause_chat(connection, chat_id, why="topic deleted", now=now)
        await _move_waiting(connection, {chat_id}, forum)
    enrolments = await load_enrolments(connection, forum)
    await _notify_of_loss(connection, topic, enrolments, template="notice_topic_gone", now=now)
    return forum


async def chat_lost(connection: AsyncConnection, chat_id: int, *, why: str, now: datetime) -> None:
    """Pause a chat that cannot be reached, and forward its waiting broadcasts.

    A waiting answer is skipped; a notice, or a broadcast without another recipient, fails and is shown.
    Harmless for a chat that is gone already.
    """
    await pause_chat(connection, chat_id, why=why[:500], now=now)
    chat = await _load_chat(connection, chat_id)
    enrolments = await load_enrolments(connection, chat_id)
    waiting = await connection.execute(
        select(Message.__table__).where(Message.chat_id == chat_id, _WAITS).order_by(Message.id)
    )
    for message in waiting.all():
        if message.priority == outbox.BROADCAST:
            await _forward_broadcast(connection, message, enrolments, now=now)
        else:
            state = "skipped" if message.priority == outbox.ANSWER else "failed"
            await end_message(connection, message.id, state, "the chat is gone")
    await _notify_of_loss(connection, chat, enrolments, template="notice_chat_gone", now=now)


async def _forward_broadcast(
    connection: AsyncConnection,
    message: Row[Any],
    enrolments: Sequence[Row[Any]],
    *,
    now: datetime,
) -> None:
    """Forward a broadcast in the agency, else to all coordinators; else it fails."""
    if await forward(connection, message, enrolments):
        return
    items = await load_items(connection, message.id)
    coordinators = await _plan_coordinators(connection, enrolments, today=civil_date(now))
    if not coordinators or message.template.startswith("digest"):  # they have one of their own
        await end_message(connection, message.id, "failed", outbox.NOBODY_LEFT)
        return
    # Without an agency in its greeting, each line names the agency. Account warnings reach coordinators anyway.
    addressed = {"agency": "", "agency_code": "", "asked": False, "accounts": []}
    context = {**message.context, **addressed}
    for recipient in coordinators[1:]:
        await outbox.enqueue(
            connection,
            account_id=recipient.account_id,
            chat_id=recipient.chat_id,
            template=message.template,
            context=context,
            buttons=message.buttons,
            items=items,
            priority=message.priority,
            now=now,
            agency_id=message.agency_id,
            page=message.page,
            pages=message.pages,
            dedupe_key=f"instead:{message.id}:{recipient.chat_id}",
            broadcast_on=message.broadcast_on,
        )
    await readdress(connection, message, coordinators[0], context)


async def _plan_coordinators(
    connection: AsyncConnection, enrolments: Sequence[Row[Any]], *, today: date
) -> list[Recipient]:
    """Return the chats of the agencies that coordinate open plans of the enrolments' provinces."""
    rows = await connection.scalars(
        select(Plan.coordinator_id)
        .join(Agency, Agency.province == Plan.province)
        .where(
            Agency.id.in_({row.agency_id for row in enrolments}),
            Plan.coordinator_id.is_not(None),
            Plan.withdrawn_at.is_(None),
            or_(Plan.closed_on.is_(None), Plan.closed_on >= today),
        )
        .distinct()
        .order_by(Plan.coordinator_id)
    )
    by_chat: dict[int, Recipient] = {}
    for agency_id in rows.all():
        if agency_id is not None:
            coordinators = await coordinator_recipients(connection, agency_id)
            for recipient in coordinators or await agency_recipients(connection, agency_id):
                by_chat.setdefault(recipient.chat_id, recipient)
    return list(by_chat.values())


async def _notify_of_loss(
    connection: AsyncConnection,
    chat: Row[Any],
    enrolments: Sequence[Row[Any]],
    *,
    template: str,
    now: datetime,
) -> None:
    """Notify the coordinators of a lost chat; the notice names its agencies, never a person."""
    if not enrolments:
        return
    agencies = await connection.scalars(
        select(Agency.name)
        .where(Agency.id.in_({row.agency_id for row in enrolments}))
        .order_by(Agency.position, Agency.id)
    )
    coordinators = await _plan_coordinators(connection, enrolments, today=civil_date(now))
    await notify_coordinators(
        connection,
        [recipient for recipient in coordinators if recipient.chat_id != chat.id],
        template=template,
        context={
            "agencies": list(agencies),
            "chat_kind": chat.kind,
            "chat_title": chat.title or "",
        },
        loss=f"{template}:{chat.id}:{civil_date(chat.gone_at or now)}",
        now=now,
    )


async def _move_waiting(
    connection: AsyncConnection, chat_ids: set[int], to_chat: int | None
) -> None:
    await connection.execute(
        update(Message)
        .where(Message.chat_id.in_(chat_ids), _WAITS)
        .values(chat_id=to_chat, edits=None, reply_to=None)
    )


async def _load_chat(connection: AsyncConnection, chat_id: int) -> Row[Any]:
    return (await connection.execute(select(Chat.__table__).where(Chat.id == chat_id))).one()
