"""Effects of an update in the caller's transaction: queue answers, follow a chat that moved or was lost."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.contacts.chats import find_chat, wake_chat
from data.log import get_logger
from data.models import Chat
from data.outbox import lost_chats
from data.outbox import messages as outbox
from jobs.channel import Answer, Incoming

log = get_logger("inbox")


async def follow_chat(connection: AsyncConnection, incoming: Incoming, now: datetime) -> None:
    """Follow a chat that moved, pause one that was lost, with all its topics, or wake a reopened topic.

    An unknown chat is ignored.
    """
    if incoming.kind == "reopened":
        topic = await load_incoming_chat(connection, incoming)
        if topic is not None:
            await wake_chat(connection, topic.id)
        return
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
    connection: AsyncConnection,
    incoming: Incoming,
    answers: Sequence[Answer],
    now: datetime,
    *,
    held_until: datetime | None = None,
) -> list[int | None]:
    """Put answers into the outbox; returns the message of each, None for one whose chat is unknown.

    held_until: when those to the chat itself leave at the earliest; see jobs/inbox/catching_up.py.
    """
    if not answers:
        return []
    message_ids: list[int | None] = []
    own_chat = await load_incoming_chat(connection, incoming)
    for answer in answers:
        chat = own_chat if answer.to_chat is None else await _load_chat(connection, answer.to_chat)
        if chat is None:
            log.error("answer.without_chat", template=answer.template)
            message_ids.append(None)
            continue
        message_id = await outbox.enqueue(
            connection,
            account_id=chat.account_id,
            chat_id=chat.id,
            template=answer.template,
            context=answer.context,
            buttons=[[(key.label, key.action) for key in row] for row in answer.buttons],
            items=[(obligation_id, None) for obligation_id in answer.items],
            priority=outbox.ANSWER,
            now=now,
            send_at=held_until if answer.to_chat is None else None,
            edits=answer.edits,
            secret=answer.secret,
        )
        assert message_id is not None  # there is no dedupe_key
        message_ids.append(message_id)
    return message_ids


async def load_incoming_chat(connection: AsyncConnection, incoming: Incoming) -> Row[Any] | None:
    """Return the chat that an update came from; None for an unknown one."""
    return await find_chat(connection, incoming.account_id, incoming.address, incoming.thread)


async def _load_chat(connection: AsyncConnection, chat_id: int) -> Row[Any] | None:
    rows = await connection.execute(select(Chat.__table__).where(Chat.id == chat_id))
    return rows.one_or_none()
