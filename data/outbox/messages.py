"""Put messages into the outbox; empty the secret ones that have ended.

Guarantees:
- A message whose dedupe_key is in the outbox already is not put again.
- The words of a secret message are not kept beyond its end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.db.database import empty_log_after
from data.db.statements import bulk_insert, insert_or_ignore
from data.models import Message, MessageItem

ANSWER, NOTICE, BROADCAST = 0, 1, 2  # Message.priority
# Message.error of a message that the next morning composes again.
NOBODY_LEFT = "the chat is gone and nobody is left to tell"

Buttons = Sequence[Sequence[tuple[str, str]]]
_NO_ITEMS: Mapping[str, Any] = {}


async def enqueue(
    connection: AsyncConnection,
    *,
    account_id: int,
    chat_id: int,
    template: str,
    context: dict[str, Any],
    buttons: Buttons = (),
    items: Sequence[tuple[int, int | None]] = (),
    priority: int,
    now: datetime,
    send_at: datetime | None = None,
    agency_id: int | None = None,
    page: int = 1,
    pages: int = 1,
    dedupe_key: str | None = None,
    reply_to: str | None = None,
    edits: str | None = None,
    broadcast_on: date | None = None,
    secret: bool = False,
) -> int | None:
    """Put one message into the outbox; returns its id, or None where its dedupe_key is known.

    buttons: rows of (label, action). items: (obligation id, rung or None) in the order of their numbers.
    send_at: not before that instant, default now. Wake the dispatcher after the commit.
    """
    added = await connection.execute(
        insert_or_ignore(connection, Message, "dedupe_key")
        .values(
            account_id=account_id,
            chat_id=chat_id,
            priority=priority,
            template=template,
            context=context,
            buttons=[[list(button) for button in row] for row in buttons],
            agency_id=agency_id,
            page=page,
            pages=pages,
            dedupe_key=dedupe_key,
            reply_to=reply_to,
            edits=edits,
            broadcast_on=broadcast_on,
            secret=secret,
            created_at=now,
            send_at=send_at or now,
        )
        .returning(Message.id)
    )
    message_id = added.scalar_one_or_none()
    if message_id is None:
        return None
    if items:
        await connection.execute(
            insert(MessageItem),
            [
                {"message_id": message_id, "position": number, "obligation_id": item, "rung": rung}
                for number, (item, rung) in enumerate(items, 1)
            ],
        )
    return message_id


async def enqueue_all(
    connection: AsyncConnection,
    messages: Sequence[dict[str, Any]],
    items: Mapping[str, Sequence[tuple[int, int, int | None]]] = _NO_ITEMS,
    *,
    priority: int,
    now: datetime,
    send_at: datetime,
) -> int:
    """Put many messages without buttons; returns the number of those whose dedupe_key was new.

    messages: account_id, chat_id, template, context, agency_id, page, pages and dedupe_key of each, and
    broadcast_on of all or none. items: (number, obligation id, rung) of their lists, by dedupe_key.
    """
    if not messages:
        return 0
    shared = {"buttons": [], "priority": priority, "created_at": now, "send_at": send_at}
    added = await connection.execute(
        insert_or_ignore(connection, Message, "dedupe_key").returning(
            Message.id, Message.dedupe_key
        ),
        [{**message, **shared} for message in messages],
    )
    new = added.all()
    rows = [
        (message_id, number, obligation_id, rung)
        for message_id, key in new
        for number, obligation_id, rung in items.get(key or "", ())
    ]
    names = ("message_id", "position", "obligation_id", "rung")
    await bulk_insert(connection, MessageItem, names, rows)
    return len(new)


async def withdraw_held(
    connection: AsyncConnection, message_ids: Sequence[int], *, now: datetime
) -> None:
    """Skip messages that were held back and never tried: another says the same."""
    await connection.execute(
        update(Message)
        .where(
            Message.id.in_(message_ids),
            Message.state == "pending",
            Message.attempts == 0,
            Message.send_at > now,
        )
        .values(state="skipped", error="said in one answer with others")
    )
    await erase_secrets(connection, message_ids)


async def replace_context(
    connection: AsyncConnection, message_id: int, context: dict[str, Any]
) -> None:
    """Let a message that was claimed and not sent yet say something else."""
    await connection.execute(
        update(Message).where(Message.id == message_id).values(context=context)
    )


async def erase_secrets(connection: AsyncConnection, message_ids: Sequence[int]) -> None:
    """Empty the context of those messages that are secret and have ended."""
    erased = await connection.execute(
        update(Message)
        .where(
            Message.id.in_(message_ids),
            Message.secret.is_(True),
            Message.state.not_in(("pending", "claimed")),
        )
        .values(context={})
    )
    if erased.rowcount:
        empty_log_after(connection)
