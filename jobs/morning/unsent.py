"""Replace reminders of earlier mornings that were never sent.

Guarantees:
- Their obligations are reminded of again this morning, and the old message is not sent beside the new one.
- A chat whose weekly part never left is told of it, while its week lasts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Row, and_, literal_column, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.accounts import usage_warnings
from data.db.statements import chunks
from data.digests.kept_weeks import monday_of
from data.models import Agency, Message, MessageItem
from data.outbox import messages as outbox
from data.outbox.messages import NOBODY_LEFT
from jobs.morning import escalation

# Literals, for the partial indexes: years of sent messages are not read.
_WAITS = Message.state == literal_column("'pending'")
_ENDED = and_(
    Message.state.in_((literal_column("'failed'"), literal_column("'uncertain'"))),
    Message.state == "failed",
    Message.error == NOBODY_LEFT,
)


@dataclass(frozen=True, slots=True)
class Unsent:
    """What never left: obligations, and the chats that were not told of their week."""

    obligation_ids: list[int]
    weekly_chat_ids: set[int]


async def replace_unsent(connection: AsyncConnection, province: str, today: date) -> Unsent:
    """Skip messages of earlier mornings that were never sent; returns what they would have told."""
    messages: list[Row[Any]] = []
    for unsent in (_WAITS, _ENDED):
        rows = await connection.execute(
            select(Message.id, Message.chat_id, Message.context)
            .join(Agency, Agency.id == Message.agency_id)
            .where(unsent, Message.broadcast_on < today, Agency.province == province)
        )
        messages += rows
    ids = [row.id for row in messages]
    silent = {key for row in messages for key in row.context.get("silent", ())}
    escalated = {key for row in messages for key in row.context.get("escalated", ())}
    warnings = [line["mark"] for row in messages for line in row.context.get("accounts", ())]
    await escalation.unmark_escalated(connection, escalated)
    await usage_warnings.delete_warnings(connection, warnings)
    obligation_ids = silent
    for part in chunks(ids):
        items = await connection.execute(
            select(MessageItem.obligation_id).where(MessageItem.message_id.in_(part))
        )
        obligation_ids.update(items.scalars())
        await connection.execute(
            update(Message).where(Message.id.in_(part)).values(state="skipped", error="replaced")
        )
        await outbox.erase_secrets(connection, part)
    week_on = monday_of(today).isoformat()
    weekly = {row.chat_id for row in messages if _week_of(row) == week_on}
    return Unsent(sorted(obligation_ids), weekly)


def _week_of(message: Row[Any]) -> str:
    part = message.context.get("week")
    return str(part["week_on"]) if part else ""
