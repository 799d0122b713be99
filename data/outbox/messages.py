"""The outbox: what is to be sent, and what of it may go now.

Promises that the same thing (dedupe_key) is put once, that looking costs what waits, not what is stored,
and that a secret is not kept beyond its message's end. Never opens a transaction and never sends: callers
do both. How a message leaves it: data.outbox.claims.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    Row,
    bindparam,
    func,
    insert,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from data.clock import civil_date
from data.db.statements import bulk_insert, insert_or_ignore
from data.models import Account, Chat, Delivery, Message, MessageItem

ANSWER, NOTICE, BROADCAST = 0, 1, 2  # Message.priority

# Written out, for a partial index is used only where the condition stands in the statement itself.
_PENDING = Message.state == literal_column("'pending'")

_NO_LINES: Mapping[str, Any] = {}
Buttons = Sequence[Sequence[tuple[str, str]]]
# Why a message ended: the morning after takes up what it spoke of.
NOBODY_LEFT = "the chat is gone and nobody is left to tell"


@dataclass(frozen=True, slots=True)
class WaitingMessage:
    """One message that may go now, as far as the database knows."""

    id: int
    chat_id: int
    priority: int
    send_at: datetime
    chat_kind: str
    halted_until: datetime | None  # its chat


# ------------------------------------------------------------------ putting


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
    """Put one message into the outbox; returns its id, or None where its dedupe_key stands already.

    buttons: rows of (label, action). items: (obligation id, rung or None) in the order of their
    numbers. send_at: not before that instant, default now. secret: emptied once it has ended. Wake the
    delivery after the commit.
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
    lines: Mapping[str, Sequence[tuple[int, int, int | None]]] = _NO_LINES,
    *,
    priority: int,
    now: datetime,
    send_at: datetime,
) -> int:
    """Put many messages without buttons at once; what stands already by its dedupe_key stays as it is.

    messages: account_id, chat_id, template, context, agency_id, page, pages and dedupe_key of each, and
    broadcast_on of all or none. lines: (number, obligation id, rung) of what they list, by dedupe_key.
    Returns how many were put.
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
    put = added.all()
    items = [
        (message_id, number, obligation_id, rung)
        for message_id, key in put
        for number, obligation_id, rung in lines.get(key or "", ())
    ]
    names = ("message_id", "position", "obligation_id", "rung")
    await bulk_insert(connection, MessageItem, names, items)
    return len(put)


async def erase_secrets(connection: AsyncConnection, message_ids: Sequence[int]) -> None:
    """Empty those of the messages that are secret and have ended; one that may go again keeps its words."""
    await connection.execute(
        update(Message)
        .where(
            Message.id.in_(message_ids),
            Message.secret.is_(True),
            Message.state.not_in(("pending", "claimed")),
        )
        .values(context={})
    )


# ------------------------------------------------------------------ what waits


async def list_waiting_messages(
    connection: AsyncConnection,
    account_id: int,
    *,
    now: datetime,
    broadcasts: bool,
    after: WaitingMessage | None = None,
    limit: int,
) -> list[WaitingMessage]:
    """Return messages that may go now, in sending order.

    after: the last one of the page before. broadcasts False leaves them out (outside sending hours).
    """
    query = _WAITING if after is None else _WAITING_AFTER
    values: dict[str, Any] = {
        "account_id": account_id,
        "now": now,
        "today": civil_date(now),
        "last": BROADCAST if broadcasts else NOTICE,
        "count": limit,
    }
    if after is not None:
        values |= {"priority": after.priority, "send_at": after.send_at, "id": after.id}
    return [WaitingMessage(*row) for row in await connection.execute(query, values)]


async def reset_send_times(connection: AsyncConnection, account_id: int, *, now: datetime) -> None:
    """Let go now what was due, or to be tried again, by a clock that has been set back since.

    What is meant for a later instant waits for it, and reminders of a later day for that day.
    """
    reckoned = or_(Message.send_at == Message.created_at, Message.attempts > 0)
    days = or_(Message.broadcast_on.is_(None), Message.broadcast_on <= civil_date(now))
    await connection.execute(
        update(Message)
        .where(Message.account_id == account_id, _PENDING, Message.send_at > now, reckoned, days)
        .values(send_at=now)
    )


async def load_send_state(
    connection: AsyncConnection, account_id: int, *, now: datetime
) -> Row[*tuple[Any, ...]]:
    """Return what an account's next messages wait for: stopped_at, halted_until and next_at of it.

    next_at: when the next message that must still wait may go, or None. The account must exist.
    """
    return (await connection.execute(_OUTLOOK, {"account_id": account_id, "now": now})).one()


async def list_recent_sends(
    connection: AsyncConnection, account_id: int, *, since: datetime
) -> Sequence[Row[Any]]:
    """Return the latest attempts since an instant, oldest first: chat_id, at. For pacing after a restart."""
    last = (
        select(Delivery.message_id, Delivery.at).order_by(Delivery.id.desc()).limit(2000).subquery()
    )
    found = await connection.execute(
        select(Message.chat_id, last.c.at)
        .join(Message, Message.id == last.c.message_id)
        .where(Message.account_id == account_id, last.c.at > since)
        .order_by(last.c.at)
    )
    return found.all()


# ------------------------------------------------------------------ statements, made once

_ORDER = (Message.priority, Message.send_at, Message.id)
_WAITING = (
    select(
        Message.id, Message.chat_id, Message.priority, Message.send_at, Chat.kind, Chat.halted_until
    )
    .join(Chat, Chat.id == Message.chat_id)
    .where(
        Message.account_id == bindparam("account_id"),
        _PENDING,
        Message.priority <= bindparam("last"),
        # A broadcast of an earlier morning is not sent late: the next morning's replaces it.
        or_(Message.broadcast_on.is_(None), Message.broadcast_on >= bindparam("today")),
        Message.send_at <= bindparam("now"),
    )
    .order_by(*_ORDER)
    .limit(bindparam("count"))
)
_WAITING_AFTER = _WAITING.where(
    tuple_(*_ORDER)
    > tuple_(
        bindparam("priority", type_=Message.priority.type),
        bindparam("send_at", type_=Message.send_at.type),
        bindparam("id", type_=Message.id.type),
    )
)
_NEXT = select(func.min(Message.send_at)).where(
    Message.account_id == bindparam("account_id"), _PENDING, Message.send_at > bindparam("now")
)
_OUTLOOK = select(
    Account.stopped_at, Account.halted_until, _NEXT.scalar_subquery().label("next_at")
).where(Account.id == bindparam("account_id"))
