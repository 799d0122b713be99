"""Which messages may stand in a chat although no receipt says so.

A receipt alone says that a message arrived. One in flight, one whose sending was never answered, and a parked
one may have arrived too; what was never tried has not.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from data.models import InboxEvent, Message, MessageItem

ARRIVED = Message.state == "sent"
# repeats: how often a sending had an unknown outcome.
MAY_HAVE_ARRIVED = or_(
    Message.state.in_(("claimed", "uncertain", "failed")),
    and_(Message.state.in_(("pending", "skipped")), Message.repeats > 0),
)


async def find_unsure_list(
    connection: AsyncConnection, chat_id: int, *, after: Row[Any] | None
) -> int | None:
    """Return the latest list of a chat that may have arrived; None without one.

    after: the last list (a row of Message) that surely arrived; None: there is none. An answer overtakes a
    broadcast, so the instant of the attempt counts, and not the order in which they were put.
    """
    later = [] if after is None else [Message.id > after.id]
    if after is not None and after.sent_at is not None:
        later.append(Message.claimed_at > after.sent_at)
    found: int | None = await connection.scalar(
        select(Message.id)
        .where(
            Message.chat_id == chat_id,
            MAY_HAVE_ARRIVED,
            select(MessageItem.id).where(MessageItem.message_id == Message.id).exists(),
            *([or_(*later)] if later else []),
        )
        .order_by(func.coalesce(Message.claimed_at, Message.created_at).desc(), Message.id.desc())
        .limit(1)
    )
    return found


async def was_sent_after(connection: AsyncConnection, message: Row[Any], event_id: int) -> bool:
    """Tell whether a message left after an incoming event was stored, so that its words cannot mean it."""
    received_at = await connection.scalar(
        select(InboxEvent.received_at).where(InboxEvent.id == event_id)
    )
    return (
        message.claimed_at is not None
        and received_at is not None
        and message.claimed_at > received_at
    )


async def has_latest_arrived(connection: AsyncConnection, chat_id: int, template: str) -> bool:
    """Tell whether a chat's latest message of a template surely arrived."""
    state = await connection.scalar(
        select(Message.state)
        .where(Message.chat_id == chat_id, Message.template == template)
        .order_by(Message.id.desc())
        .limit(1)
    )
    return state == "sent"
