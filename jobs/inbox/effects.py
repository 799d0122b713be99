"""What an update brings about in the database: answers in the outbox, a chat that moved or was lost.

Promises to write within the caller's transaction alone, so that an effect and its answers are one. Decides
nothing about what is said: that is the handler's business.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.contacts.chats import find_chat
from data.log import get_logger
from data.models import Chat
from data.outbox import lost_chats
from data.outbox import messages as outbox
from jobs.channel import Answer, Incoming

log = get_logger("inbox")


async def follow_chat(connection: AsyncConnection, incoming: Incoming, now: datetime) -> None:
    """A chat that moved or was lost takes its topics with it; unknown ones are nothing to us."""
    rows = await connection.execute(
        select(Chat.id).where(
            Chat.account_id == incoming.account_id, Chat.address == incoming.address
        )
    )
    ids = list(rows.scalars())
    if incoming.kind == "moved":
        for chat_id in ids[:1]:
            await lost_chats.follow_moved_chat(connection, chat_id, incoming.text)
        return
    for chat_id in ids:
        await lost_chats.chat_lost(connection, chat_id, why=incoming.text or "lost", now=now)


async def queue_answers(
    connection: AsyncConnection, incoming: Incoming, answers: list[Answer], now: datetime
) -> list[int]:
    """Put answers into the outbox; returns the messages' numbers."""
    put = []
    own = await load_incoming_chat(connection, incoming)
    for answer in answers:
        chat = own if answer.to_chat is None else await _chat(connection, answer.to_chat)
        if chat is None:
            log.error("answer.without_chat", template=answer.template)
            continue
        number = await outbox.enqueue(
            connection,
            account_id=chat.account_id,
            chat_id=chat.id,
            template=answer.template,
            context=answer.context,
            buttons=[[(key.label, key.action) for key in row] for row in answer.buttons],
            items=[(obligation_id, None) for obligation_id in answer.items],
            priority=outbox.ANSWER,
            now=now,
            edits=answer.edits,
            secret=answer.secret,
        )
        assert number is not None  # without a key that might stand already
        put.append(number)
    return put


async def load_incoming_chat(connection: AsyncConnection, incoming: Incoming) -> Row[Any] | None:
    """Return the chat that something came from; None for one that is not known."""
    return await find_chat(connection, incoming.account_id, incoming.address, incoming.thread)


async def _chat(connection: AsyncConnection, chat_id: int) -> Row[Any] | None:
    rows = await connection.execute(select(Chat.__table__).where(Chat.id == chat_id))
    return rows.one_or_none()
