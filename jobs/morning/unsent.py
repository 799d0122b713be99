"""Replace reminders of earlier mornings that were never sent.

Guarantees:
- Their obligations are reminded of again this morning, and the old message is not sent beside the new one.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import Row, and_, literal_column, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.accounts import usage_warnings
from data.db.statements import chunks
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


async def replace_unsent(connection: AsyncConnection, province: str, today: date) -> list[int]:
    """Skip reminders of earlier mornings that were never sent; returns the ids of their obligations."""
    messages: list[Row[Any]] = []
    for unsent in (_WAITS, _ENDED):
        rows = await connection.execute(
            select(Message.id, Message.context)
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
    return sorted(obligation_ids)
