"""Chats that moved, were lost or left: forward their waiting messages, pause them, notify coordinators.

Guarantees:
- No waiting broadcast is dropped: it is forwarded, skipped where others have the same, or failed and shown.
- What waits goes on for its own agency and province alone (data/outbox/audience.py).
- Coordinators are notified once of each loss.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.clock import civil_date
from data.contacts.chats import move_chat, pause_chat
from data.contacts.enrolments import move_enrolments
from data.contacts.recipients import Recipient, agency_recipients, coordinator_recipients
from data.models import Agency, Chat, Message, Plan
from data.outbox import messages as outbox
from data.outbox.audience import (
    drop_weekly_part,
    find_coordinator,
    list_told_agencies,
    load_enrolments,
    load_items,
    tells_more,
)
from data.outbox.rerouting import (
    end_message,
    forward,
    notify_coordinators,
    readdress,
    split_by_agency,
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
        await move_enrolments(connection, chat_id, forum)
        await pause_chat(connection, chat_id, why="topic deleted", now=now)
        await _move_waiting(connection, {chat_id}, forum)
    enrolments = await load_enrolments(connection, forum, today=civil_date(now))
    await _notify_of_loss(connection, topic, enrolments, template="notice_topic_gone", now=now)
    return forum


async def chat_lost(connection: AsyncConnection, chat_id: int, *, why: str, now: datetime) -> None:
    """Pause a chat that cannot be reached, and forward its waiting broadcasts and notices.

    A waiting answer is skipped; what has no other recipient fails and is shown.
    Harmless for a chat that is gone already.
    """
    await pause_chat(connection, chat_id, why=why[:500], now=now)
    chat = await _load_chat(connection, chat_id)
    enrolments = await load_enrolments(connection, chat_id, today=civil_date(now))
    for message in await _list_waiting(connection, chat_id, _WAITS):
        if message.priority == outbox.BROADCAST:
            await _forward_broadcast(connection, message, enrolments, now=now)
        elif message.priority == outbox.ANSWER or not await forward(
            connection, message, enrolments, today=civil_date(now)
        ):
            state = "skipped" if message.priority == outbox.ANSWER else "failed"
            await end_message(connection, message.id, state, "the chat is gone")
    await _notify_of_loss(connection, chat, enrolments, template="notice_chat_gone", now=now)


async def withdraw_waiting(
    connection: AsyncConnection, chat_id: int, ended: Sequence[Row[Any]], *, now: datetime
) -> None:
    """Withdraw what waits in a chat for enrolments that have just ended; broadcasts go on without it.

    ended: their rows. Where nobody is enrolled in the chat any more, nothing that waits is sent there; else only
    what surely is for those who are.
    """
    enrolments = await load_enrolments(connection, chat_id, today=civil_date(now))
    left = {row.agency_id for row in enrolments}
    led = any(
        row.role != "focal" for row in ended
    )  # lists of other agencies may have been for them
    for message in await _list_waiting(connection, chat_id, Message.state == "pending"):
        message = await drop_weekly_part(connection, message)
        told = await list_told_agencies(connection, message)
        weekly = bool(message.context.get("week"))  # maybe of an agency that has just ended
        if told <= left and not weekly and not (led and tells_more(message)):
            continue
        if message.priority == outbox.BROADCAST:
            await _forward_broadcast(connection, message, ended, now=now)
        elif not left or message.agency_id is not None:
            await end_message(connection, message.id, "skipped", "nobody here is enrolled for it")


async def _forward_broadcast(
    connection: AsyncConnection,
    message: Row[Any],
    enrolments: Sequence[Row[Any]],
    *,
    now: datetime,
) -> None:
    """Forward a broadcast in its agency, else to the coordinators of its plans; else it fails.

    A broadcast of several agencies that nobody else may be told whole goes on in parts.
    """
    today = civil_date(now)
    message = await drop_weekly_part(connection, message)
    if await forward(connection, message, enrolments, today=today):
        return
    for part in await split_by_agency(connection, message, enrolments, now=now):
        if part.id == message.id or not await forward(connection, part, enrolments, today=today):
            await _forward_to_coordinators(connection, part, now=now)


async def _forward_to_coordinators(
    connection: AsyncConnection, message: Row[Any], *, now: datetime
) -> None:
    """Forward a broadcast to all who coordinate the plans of its items; without any it fails."""
    today = civil_date(now)
    coordinator_id = await find_coordinator(connection, message, today=today)
    coordinators = (
        []
        if coordinator_id is None
        else await _list_coordinators(connection, coordinator_id, today)
    )
    if not coordinators:
        await end_message(connection, message.id, "failed", outbox.NOBODY_LEFT)
        return
    items = await load_items(connection, message.id)
    # Without an agency in its greeting, each line names the agency.
    context = {**message.context, "agency": "", "agency_code": "", "asked": False}
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


async def _list_coordinators(
    connection: AsyncConnection, agency_id: int, today: date
) -> list[Recipient]:
    """Return the coordinators of a coordinating agency, without any its focal points."""
    return await coordinator_recipients(
        connection, agency_id, today=today
    ) or await agency_recipients(connection, agency_id, today=today)


async def _list_plan_coordinators(
    connection: AsyncConnection, province: str, *, today: date
) -> list[Recipient]:
    """Return the chats of the agencies that coordinate a province's open plans, each once."""
    rows = await connection.scalars(
        select(Plan.coordinator_id)
        .where(
            Plan.province == province,
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
            for recipient in await _list_coordinators(connection, agency_id, today):
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
    """Notify each province's coordinators of a lost chat; the notice names their agencies, never a person."""
    rows = await connection.execute(
        select(Agency.province, Agency.name)
        .where(Agency.id.in_({row.agency_id for row in enrolments}))
        .order_by(Agency.position, Agency.id)
    )
    by_province: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        by_province[row.province].append(row.name)
    for province, agencies in by_province.items():
        coordinators = await _list_plan_coordinators(connection, province, today=civil_date(now))
        await notify_coordinators(
            connection,
            [recipient for recipient in coordinators if recipient.chat_id != chat.id],
            template=template,
            context={
                "agencies": agencies,
                "why": (chat.gone_why or "").partition(":")[0],
                "chat_kind": chat.kind,
                "chat_title": chat.title or "",
            },
            loss=f"{template}:{chat.id}:{province}:{civil_date(chat.gone_at or now)}",
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


async def _list_waiting(
    connection: AsyncConnection, chat_id: int, waits: ColumnElement[bool]
) -> Sequence[Row[Any]]:
    rows = await connection.execute(
        select(Message.__table__).where(Message.chat_id == chat_id, waits).order_by(Message.id)
    )
    return rows.all()


async def _load_chat(connection: AsyncConnection, chat_id: int) -> Row[Any]:
    return (await connection.execute(select(Chat.__table__).where(Chat.id == chat_id))).one()
