"""The tasks of which a confirmation that the sender replies to recorded something."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from bot.conversation.context.turn import Turn
from data.models import Message

_RECORDS = {"recorded": "item", "recorded_several": "recorded"}  # template → where it names them


async def list_confirmed_tasks(turn: Turn) -> list[int]:
    """Return the obligations that the message replied to confirmed an answer of; none of any other message."""
    if turn.incoming.reply_to is None:
        return []
    rows = await turn.connection.execute(
        select(Message.template, Message.context)
        .where(Message.chat_id == turn.chat.id, Message.remote_id == turn.incoming.reply_to)
        .order_by(Message.id.desc())  # an edit is a later row at the same place
        .limit(1)
    )
    row = rows.one_or_none()
    named: Any = row.context.get(_RECORDS.get(row.template, "")) if row is not None else None
    lines = [named] if isinstance(named, Mapping) else named or []
    return [int(line["id"]) for line in lines]
