"""What earlier mornings left unsent.

Promises that what never left, and what ended because nobody was left to tell, is told again by the next
morning and never sent beside it.
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

# Written out, for so the partial indexes are used: what was sent, years of it, is not looked at.
_WAITS = Message.state == literal_column("'pending'")
_ENDED = and_(
    Message.state.in_((literal_column("'failed'"), literal_column("'uncertain'"))),
    Message.state == "failed",
    Message.error == NOBODY_LEFT,
)


async def replace_unsent(connection: AsyncConnection, province: str, today: date) -> list[int]:
    """Take back reminders of earlier mornings that never left; return what they spoke of."""
    found: list[Row[Any]] = []
    for unsent in (_WAITS, _ENDED):
        rows = await connection.execute(
            select(Message.id, Message.context)
            .join(Agency, Agency.id == Message.agency_id)
            .where(unsent, Message.broadcast_on < today, Agency.province == province)
        )
        found += rows
    ids = [row.id for row in found]
    spoke_of = {owed for row in found for owed in row.context.get("silent", ())}
    late = {owed for row in found for owed in row.context.get("escalated", ())}
    await escalation.unmark_escalated(connection, late)
    await usage_warnings.delete_warnings(
        connection, [line["mark"] for row in found for line in row.context.get("accounts", ())]
    )
    for part in chunks(ids):
        items = await connection.execute(
            select(MessageItem.obligation_id).where(MessageItem.message_id.in_(part))
        )
        spoke_of.update(items.scalars())
        await connection.execute(
            update(Message).where(Message.id.in_(part)).values(state="skipped", error="replaced")
        )
        await outbox.erase_secrets(connection, part)
    return sorted(spoke_of)
