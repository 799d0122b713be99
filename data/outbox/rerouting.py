"""Forward a message that cannot be sent where it waits, or end it; notify coordinators of the loss."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.contacts.recipients import Recipient, agency_recipients
from data.models import Enrolment, Message, MessageItem
from data.outbox import messages as outbox

_NOT_ENDED = ("pending", "claimed", "sent")  # states in which a chat has a message, or will have it


async def forward(
    connection: AsyncConnection, message: Row[Any], enrolments: Sequence[Row[Any]]
) -> bool:
    """Move a message to the next chat of the same person, else of the same agency.

    Where others there have the same already, the message ends as skipped. Returns False, and changes
    nothing, where there is no such chat.
    """
    items = await load_items(connection, message.id)
    for recipients in await _next_recipients(connection, enrolments):
        uninformed = [
            recipient
            for recipient in recipients
            if not await _has_same(connection, recipient, message, items)
        ]
        if len(uninformed) < len(recipients):
            await end_message(
                connection, message.id, "skipped", "the chat is lost; others were told"
            )
            return True
        if uninformed:
            await readdress(connection, message, uninformed[0], dict(message.context))
            return True
    return False


async def readdress(
    connection: AsyncConnection, message: Row[Any], recipient: Recipient, context: dict[str, Any]
) -> None:
    """Let a message wait in another chat, maybe on another account, as if never tried."""
    await connection.execute(
        update(Message)
        .where(Message.id == message.id)
        .values(
            account_id=recipient.account_id,
            chat_id=recipient.chat_id,
            context=context,
            state="pending",
            claim_epoch=None,
            plain=False,
            repeats=0,
            edits=None,
            reply_to=None,
        )
    )


async def end_message(connection: AsyncConnection, message_id: int, state: str, error: str) -> None:
    """End a message unsent: skipped, or failed (shown to the administrator)."""
    await connection.execute(
        update(Message).where(Message.id == message_id).values(state=state, error=error)
    )
    await outbox.erase_secrets(connection, [message_id])


async def notify_coordinators(
    connection: AsyncConnection,
    recipients: Iterable[Recipient],
    *,
    template: str,
    context: dict[str, Any],
    loss: str,
    now: datetime,
) -> None:
    """Send a notice of a loss to coordinators; loss: names it, so that each chat has the notice once."""
    for recipient in recipients:
        await outbox.enqueue(
            connection,
            account_id=recipient.account_id,
            chat_id=recipient.chat_id,
            template=template,
            context=context,
            priority=outbox.NOTICE,
            now=now,
            dedupe_key=f"{loss}:{recipient.chat_id}",
        )


async def load_enrolments(connection: AsyncConnection, chat_id: int) -> Sequence[Row[Any]]:
    """Return the living enrolments of a chat, oldest first, as rows."""
    rows = await connection.execute(
        select(Enrolment.__table__)
        .where(Enrolment.chat_id == chat_id, Enrolment.ended_at.is_(None))
        .order_by(Enrolment.id)
    )
    return rows.all()


async def load_items(connection: AsyncConnection, message_id: int) -> list[tuple[int, int | None]]:
    """Return (obligation id, rung) of a message's items, in their order."""
    rows = await connection.execute(
        select(MessageItem.obligation_id, MessageItem.rung)
        .where(MessageItem.message_id == message_id)
        .order_by(MessageItem.position)
    )
    return [(row.obligation_id, row.rung) for row in rows]


async def _next_recipients(
    connection: AsyncConnection, enrolments: Sequence[Row[Any]]
) -> list[list[Recipient]]:
    """Return the persons' own other chats, then the other chats of their agencies in the same role."""
    own: list[Recipient] = []
    others: list[Recipient] = []
    for row in enrolments:
        for recipient in await agency_recipients(connection, row.agency_id, (row.role,)):
            same = row.person_id is not None and recipient.person_id == row.person_id
            (own if same else others).append(recipient)
    return [list({each.chat_id: each for each in group}.values()) for group in (own, others)]


async def _has_same(
    connection: AsyncConnection,
    recipient: Recipient,
    message: Row[Any],
    items: Sequence[tuple[int, int | None]],
) -> bool:
    """Tell whether a chat has the same items in a message of the same morning.

    A message without items (a notice, a page about other agencies) is the same where template and
    instant of creation are.
    """
    in_chat = (Message.chat_id == recipient.chat_id, Message.state.in_(_NOT_ENDED))
    if not items:
        twin = await connection.execute(
            select(Message.id).where(
                *in_chat,
                Message.template == message.template,
                Message.created_at == message.created_at,
            )
        )
        return twin.first() is not None
    obligation_ids = {obligation_id for obligation_id, _ in items}
    listed = await connection.scalars(
        select(MessageItem.obligation_id)
        .join(Message, Message.id == MessageItem.message_id)
        .where(
            *in_chat,
            Message.broadcast_on == message.broadcast_on,
            MessageItem.obligation_id.in_(obligation_ids),
        )
    )
    return obligation_ids <= set(listed)
