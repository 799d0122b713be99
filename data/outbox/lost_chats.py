"""Forward waiting messages when a chat moves or is lost: none is lost, coordinators are told once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.clock import civil_date
from data.contacts import enrolments as contact_enrolments
from data.contacts.chat_moves import move_chat
from data.contacts.recipients import Recipient
from data.models import Agency, Chat, Enrolment, Message, MessageItem, Plan
from data.outbox import messages as outbox

_WAITS = Message.state.in_(("pending", "claimed"))


async def follow_moved_chat(connection: AsyncConnection, chat_id: int, new_address: str) -> None:
    """Follow a chat (and its topics) to a new address; the old one still finds it.

    What waits for a chat that already stood at the new address goes to the one that moved there.
    """
    chat = await _chat(connection, chat_id)
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
        kept = await connection.scalar(
            select(Chat.id).where(Chat.id.in_(ids), Chat.address == new_address)
        )
        await connection.execute(
            update(Message)
            .where(Message.chat_id.in_(ids - {kept}), _WAITS)
            .values(chat_id=kept, edits=None, reply_to=None)
        )


async def topic_lost(connection: AsyncConnection, chat_id: int, *, now: datetime) -> int:
    """Let a chat that was a forum topic go on in the forum itself; returns the chat that it is now.

    Its coordinators are told. Where the forum itself is already a chat of ours, enrolments and what
    waits pass to that one.
    """
    topic = await _chat(connection, chat_id)
    forum = await connection.scalar(
        select(Chat.id).where(
            Chat.account_id == topic.account_id, Chat.address == topic.address, Chat.thread == ""
        )
    )
    if forum is None:
        await connection.execute(update(Chat).where(Chat.id == chat_id).values(thread=""))
        forum = chat_id
    elif forum != chat_id:
        for row in await _enrolments(connection, chat_id):
            await contact_enrolments.enrol(
                connection,
                chat_id=forum,
                person_id=row.person_id,
                agency_id=row.agency_id,
                role=row.role,
                may_decide=row.may_decide,
                now=row.enrolled_at,
            )
            await connection.execute(
                update(Enrolment).where(Enrolment.id == row.id).values(ended_at=now)
            )
        await contact_enrolments.pause_chat(connection, chat_id, why="topic deleted", now=now)
        await connection.execute(
            update(Message)
            .where(Message.chat_id == chat_id, _WAITS)
            .values(chat_id=forum, edits=None, reply_to=None)
        )
    enrolments = await _enrolments(connection, forum)
    await _notify_coordinators(connection, topic, enrolments, template="notice_topic_gone", now=now)
    return forum


async def chat_lost(connection: AsyncConnection, chat_id: int, *, why: str, now: datetime) -> None:
    """Pause a chat that cannot be reached, and have its waiting broadcasts go on elsewhere.

    An answer that waits there is dropped (skipped); a notice or a broadcast for which nobody is left
    is parked (failed), to be shown. Harmless for a chat that is gone already.
    """
    await contact_enrolments.pause_chat(connection, chat_id, why=why[:500], now=now)
    chat = await _chat(connection, chat_id)
    enrolments = await _enrolments(connection, chat_id)
    found = await connection.execute(
        select(Message.__table__).where(Message.chat_id == chat_id, _WAITS).order_by(Message.id)
    )
    for message in found.all():
        if message.priority == outbox.BROADCAST:
            await _forward_broadcast(connection, message, enrolments, now=now)
        else:
            state = "skipped" if message.priority == outbox.ANSWER else "failed"
            await _end(connection, message.id, state, "the chat is gone")
    await _notify_coordinators(connection, chat, enrolments, template="notice_chat_gone", now=now)


async def _forward_broadcast(
    connection: AsyncConnection,
    message: Row[Any],
    enrolments: Sequence[Row[Any]],
    *,
    now: datetime,
) -> None:
    if await forward(connection, message, enrolments):
        return
    items = await _items(connection, message.id)
    coordinators = await _coordinators(connection, enrolments, today=civil_date(now))
    if not coordinators or message.template.startswith("digest"):  # they have one of their own
        await _end(connection, message.id, "failed", outbox.NOBODY_LEFT)
        return
    # Addressed to nobody's agency, each line says whose it is; of accounts they are told themselves.
    addressed = {"agency": "", "agency_code": "", "asked": False, "accounts": []}
    context = {**message.context, **addressed}
    for place in coordinators[1:]:
        await outbox.enqueue(
            connection,
            account_id=place.account_id,
            chat_id=place.chat_id,
            template=message.template,
            context=context,
            buttons=message.buttons,
            items=items,
            priority=message.priority,
            now=now,
            agency_id=message.agency_id,
            page=message.page,
            pages=message.pages,
            dedupe_key=f"instead:{message.id}:{place.chat_id}",
            broadcast_on=message.broadcast_on,
        )
    await _readdress(connection, message, coordinators[0], context)


async def forward(
    connection: AsyncConnection, message: Row[Any], enrolments: Sequence[Row[Any]]
) -> bool:
    """Let a message that waits go on in the next chat of the same person, else of the same agency.

    Where the others there have the same already it ends as skipped. Returns False where there is no
    such chat, and then changes nothing.
    """
    items = await _items(connection, message.id)
    for places in await _next_recipients(connection, enrolments):
        ignorant = [
            place for place in places if not await _already_told(connection, place, message, items)
        ]
        if len(ignorant) < len(places):
            await _end(connection, message.id, "skipped", "the chat is lost; others were told")
            return True
        if ignorant:
            await _readdress(connection, message, ignorant[0], dict(message.context))
            return True
    return False


async def park_message(connection: AsyncConnection, message_id: int, why: str) -> None:
    """Park a message that has nobody to go to."""
    await _end(connection, message_id, "failed", why)


async def _next_recipients(
    connection: AsyncConnection, enrolments: Sequence[Row[Any]]
) -> list[list[Recipient]]:
    """Return where else these enrolments are reached: each person's own next chat before the others'."""
    own: list[Recipient] = []
    others: list[Recipient] = []
    for row in enrolments:
        for place in await contact_enrolments.agency_recipients(
            connection, row.agency_id, (row.role,)
        ):
            same = row.person_id is not None and place.person_id == row.person_id
            (own if same else others).append(place)
    return [list({place.chat_id: place for place in places}.values()) for places in (own, others)]


async def _coordinators(
    connection: AsyncConnection, enrolments: Sequence[Row[Any]], *, today: date
) -> list[Recipient]:
    """Return the chats of those who coordinate the plans of these agencies' provinces."""
    rows = await connection.execute(
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
    places: dict[int, Recipient] = {}
    for agency_id in rows.scalars().all():
        if agency_id is not None:
            found = await contact_enrolments.coordinator_recipients(connection, agency_id)
            for place in found or await contact_enrolments.agency_recipients(connection, agency_id):
                places.setdefault(place.chat_id, place)
    return list(places.values())


async def _already_told(
    connection: AsyncConnection,
    place: Recipient,
    message: Row[Any],
    items: Sequence[tuple[int, Any]],
) -> bool:
    """Tell whether a chat has the same items in a message of the same morning.

    What lists no items (a notice, what a coordinator is told of others) it has if it was put there in the
    same breath.
    """
    if not items:
        twin = await connection.execute(
            select(Message.id).where(
                Message.chat_id == place.chat_id,
                Message.template == message.template,
                Message.created_at == message.created_at,
                Message.state.in_(("pending", "claimed", "sent")),
            )
        )
        return twin.first() is not None
    told = await connection.execute(
        select(MessageItem.obligation_id)
        .join(Message, Message.id == MessageItem.message_id)
        .where(
            Message.chat_id == place.chat_id,
            Message.broadcast_on == message.broadcast_on,
            Message.state.in_(("pending", "claimed", "sent")),
            MessageItem.obligation_id.in_([obligation for obligation, _ in items]),
        )
    )
    return {obligation for obligation, _ in items} <= set(told.scalars())


async def _notify_coordinators(
    connection: AsyncConnection,
    chat: Row[Any],
    enrolments: Sequence[Row[Any]],
    *,
    template: str,
    now: datetime,
) -> None:
    """Tell the coordinators of a lost chat, once for each loss; of a person no name is told."""
    if not enrolments:
        return
    agencies = await connection.execute(
        select(Agency.name)
        .where(Agency.id.in_({row.agency_id for row in enrolments}))
        .order_by(Agency.position, Agency.id)
    )
    context = {
        "agencies": list(agencies.scalars()),
        "chat_kind": chat.kind,
        "chat_title": chat.title or "",
    }
    for place in await _coordinators(connection, enrolments, today=civil_date(now)):
        if place.chat_id != chat.id:
            await outbox.enqueue(
                connection,
                account_id=place.account_id,
                chat_id=place.chat_id,
                template=template,
                context=context,
                priority=outbox.NOTICE,
                now=now,
                dedupe_key=f"{template}:{chat.id}:{civil_date(chat.gone_at or now)}:{place.chat_id}",
            )


async def _readdress(
    connection: AsyncConnection, message: Row[Any], place: Recipient, context: dict[str, Any]
) -> None:
    await connection.execute(
        update(Message)
        .where(Message.id == message.id)
        .values(
            account_id=place.account_id,
            chat_id=place.chat_id,
            context=context,
            state="pending",
            claim_epoch=None,
            plain=False,
            repeats=0,
            edits=None,
            reply_to=None,
        )
    )


async def _end(connection: AsyncConnection, message_id: int, state: str, error: str) -> None:
    await connection.execute(
        update(Message).where(Message.id == message_id).values(state=state, error=error)
    )
    await outbox.erase_secrets(connection, [message_id])


async def _items(connection: AsyncConnection, message_id: int) -> list[tuple[int, int | None]]:
    rows = await connection.execute(
        select(MessageItem.obligation_id, MessageItem.rung)
        .where(MessageItem.message_id == message_id)
        .order_by(MessageItem.position)
    )
    return [(row.obligation_id, row.rung) for row in rows]


async def _enrolments(connection: AsyncConnection, chat_id: int) -> Sequence[Row[Any]]:
    rows = await connection.execute(
        select(Enrolment.__table__)
        .where(Enrolment.chat_id == chat_id, Enrolment.ended_at.is_(None))
        .order_by(Enrolment.id)
    )
    return rows.all()


async def _chat(connection: AsyncConnection, chat_id: int) -> Row[Any]:
    return (await connection.execute(select(Chat.__table__).where(Chat.id == chat_id))).one()
