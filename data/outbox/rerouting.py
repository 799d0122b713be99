"""Forward a message that cannot be sent where it waits, split it, or end it; notify coordinators of the loss.

Guarantees:
- A message goes on only to chats that may be told all of it (data/outbox/audience.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from data.contacts.recipients import Recipient
from data.models import Agency, Message, MessageItem, Obligation, Plan
from data.outbox import messages as outbox
from data.outbox.audience import (
    list_entitled,
    list_needed_rights,
    load_addressees,
    load_items,
    tells_more,
)

_NOT_ENDED = ("pending", "claimed", "sent")  # states in which a chat has a message, or will have it


async def forward(
    connection: AsyncConnection, message: Row[Any], enrolments: Sequence[Row[Any]], *, today: date
) -> bool:
    """Move a message to the next chat of the same person, else of the same agency.

    enrolments: those of the chat that it waits in. Where others there have the same already, the message ends as
    skipped. Returns False, and changes nothing, where there is no such chat.
    """
    needed = await list_needed_rights(connection, message, enrolments)
    if not needed:
        return False
    persons = {row.person_id for row in enrolments if row.person_id is not None}
    own: list[Recipient] = []
    others: list[Recipient] = []
    for recipient in await list_entitled(connection, needed, today=today):
        (own if recipient.person_id in persons else others).append(recipient)
    items = await load_items(connection, message.id)
    for recipients in (own, others):
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


async def split_by_agency(
    connection: AsyncConnection, message: Row[Any], enrolments: Sequence[Row[Any]], *, now: datetime
) -> list[Row[Any]]:
    """Split a waiting message into one for each agency and coordinator that its items are of; returns them.

    Returns the message itself where all are of one, or where it tells more than its items.
    """
    rows = await connection.execute(
        select(MessageItem.obligation_id, MessageItem.rung, Plan.coordinator_id)
        .join(Obligation, Obligation.id == MessageItem.obligation_id)
        .join(Plan, Plan.id == Obligation.plan_id)
        .where(MessageItem.message_id == message.id)
        .order_by(MessageItem.position)
    )
    own = {row.agency_id for row in enrolments}
    addressees = await load_addressees(connection, message)
    groups: dict[tuple[int | None, int | None], list[tuple[int, int | None]]] = {}
    for row in rows:
        addressee = addressees[row.obligation_id]
        of = addressee if addressee in own else None  # of one that ended without a successor
        groups.setdefault((of, row.coordinator_id), []).append((row.obligation_id, row.rung))
    if len(groups) < 2 or tells_more(message):
        return [message]
    found = await connection.execute(select(Agency.__table__).where(Agency.id.in_(own)))
    agencies = {row.id: row for row in found}
    ids = [
        await _copy_part(connection, message, number, items, agencies.get(of), now=now)
        for number, ((of, _), items) in enumerate(groups.items(), 1)
    ]
    await end_message(connection, message.id, "skipped", "split among its agencies")
    parts = await connection.execute(
        select(Message.__table__).where(Message.id.in_(ids)).order_by(Message.id)
    )
    return list(parts.all())


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


async def _copy_part(
    connection: AsyncConnection,
    message: Row[Any],
    number: int,
    items: Sequence[tuple[int, int | None]],
    agency: Row[Any] | None,
    *,
    now: datetime,
) -> int:
    """Put a part of a message where the message waits; agency: the one that its greeting names."""
    ids = {obligation_id for obligation_id, _ in items}
    context = {
        **message.context,
        "agency": agency.name if agency is not None else "",
        "agency_code": agency.code if agency is not None else "",
        "shown": len(items),
        "undecided": [each for each in message.context.get("undecided", ()) if each in ids],
    }
    part_id = await outbox.enqueue(
        connection,
        account_id=message.account_id,
        chat_id=message.chat_id,
        template=message.template,
        context=context,
        items=items,
        priority=message.priority,
        now=now,
        agency_id=message.agency_id if agency is None else agency.id,
        page=message.page,
        pages=message.pages,
        dedupe_key=f"part:{message.id}:{number}",
        broadcast_on=message.broadcast_on,
    )
    assert part_id is not None  # the message is split once
    return part_id


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
